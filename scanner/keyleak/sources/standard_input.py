"""Standard input, read to its end in windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.coverage import Coverage
from keyleak.sources.files import Reading
from keyleak.sources.reading import INTERRUPTED, Reader

if TYPE_CHECKING:
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.reading import ByteStream


def read_standard_input(stream: ByteStream, inspector: Inspector) -> Reading:
    """Everything that is piped in."""
    result = Reader(inspector).read_stream(stream)
    return Reading(result.sightings, Coverage(result.bytes, 1, gaps=result.gaps), INTERRUPTED in result.gaps)

"""Standard input, read to its end in windows; an interruption counts as its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.coverage import Coverage
from keyleak.sources.files import Reading
from keyleak.sources.interruption import Interruption
from keyleak.sources.reading import INTERRUPTED, Reader

if TYPE_CHECKING:
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.reading import ByteStream


def read_standard_input(stream: ByteStream, inspector: Inspector) -> Reading:
    """Everything that is piped in, or what was by the time of an interruption."""
    with Interruption() as interruption:
        result = Reader(inspector).read_stream(_UntilInterrupted(stream, interruption))
    gaps = (*result.gaps, INTERRUPTED) if interruption.requested else result.gaps
    return Reading(result.sightings, Coverage(result.bytes, 1, gaps=gaps), interruption.number)


class _UntilInterrupted:
    """A stream that ends where a signal arrives, also while more is waited for."""

    def __init__(self, stream: ByteStream, interruption: Interruption) -> None:
        self._stream = stream
        self._interruption = interruption

    def readinto1(self, buffer: memoryview, /) -> int:
        """See `ByteStream`."""
        try:
            with self._interruption.raised():
                return 0 if self._interruption.requested else self._stream.readinto1(buffer)
        except KeyboardInterrupt:
            return 0

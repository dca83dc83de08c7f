"""`--explain`: where explanations are shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from keyleak.reports.explanation import render_explanations
from keyleak.reports.formats import Format
from keyleak.reports.masking import Masker
from keyleak.sources.explaining import ExplainingInspector

if TYPE_CHECKING:
    from keyleak.commands.destinations import DeliveryOptions
    from keyleak.sources.files import Reading
    from keyleak.sources.inspector import Inspector


def show_explanations(inspector: Inspector, reading: Reading, delivery: DeliveryOptions) -> None:
    """Behind the text report on standard output; where that holds another format, on standard error.

    Raises:
        KeyInOutputError: a key would have been in them.
    """
    if not isinstance(inspector, ExplainingInspector):
        return
    masker = Masker(sighting.secret for sighting in reading.sightings)
    # What stands in a container is told by the container too; its own explanation came first and says more.
    each_once = {(each.location, each.redacted): each for each in reversed(inspector.explanations)}
    text = render_explanations(tuple(reversed(each_once.values())), masker)
    masker.check(text)
    is_text = all(each.format is Format.TEXT for each in delivery.destinations if each.file is None)
    stream = sys.stdout if is_text else sys.stderr
    stream.buffer.write(text.encode(stream.encoding or "utf-8", "backslashreplace"))
    stream.buffer.flush()

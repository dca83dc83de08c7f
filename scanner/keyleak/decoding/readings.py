"""From an encoded anchor to what its text says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.decoding import base64_text, hexadecimal
from keyleak.decoding.anchors import QUOTES
from keyleak.decoding.byte_list import byte_list
from keyleak.decoding.decoded import Step
from keyleak.decoding.escapes import UNDO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.decoding.anchors import EncodedAnchor
    from keyleak.decoding.decoded import Decoded


def readings(text: bytes, anchor: EncodedAnchor, end: int) -> Iterator[Decoded]:
    """What the text around an anchor may say, the likeliest reading first.

    Args:
        text: where it stands.
        anchor: what was found.
        end: where it ends.
    """
    start = end - len(anchor.literal)
    if anchor.step is Step.BASE64:
        # A literal may begin with the quote before the text.
        start += anchor.literal[:1] in QUOTES
        yield from base64_text.readings(text, start, end, anchor.phase, opens=anchor.opens)
    elif anchor.step is Step.BYTES:
        listed = byte_list(text, start)
        if listed is not None:
            yield listed
    elif anchor.step is Step.HEX:
        start += anchor.literal[:1] in QUOTES
        yield from hexadecimal.readings(text, start, end, anchor.phase, opens=anchor.opens)
    else:
        decoded = UNDO[anchor.step](text, start, end)
        if decoded is not None:
            yield decoded

"""Base64 and hexadecimal text that a program puts together from constants before it is decoded."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

from keyleak.decoding.base64_text import undone
from keyleak.decoding.decoded import Decoded, Step
from keyleak.matching.expressions import end_of_piece
from keyleak.matching.joined import joined_texts
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.decoding.anchors import EncodedAnchor
    from keyleak.matching.joined import Joined

_SIGNS: Final = (b'"', b"'", b"`", b"=")
# A constant, whole: what is put together goes on outside it.
_CONSTANT: Final = on_use(rb"[A-Za-z0-9+/_=-]{6,260}(?:[\"'`]|\r?\n)")
_HEX: Final = on_use(rb"(?:[0-9A-Fa-f]{2}){8,}")
_BASE64: Final = on_use(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_FURTHEST: Final = 64  # that an anchor stands behind the beginning of its constant


def put_together(text: bytes, anchor: EncodedAnchor, end: int) -> Iterator[Decoded]:
    """What the constant around an anchor says together with the constants that are joined to it.

    Args:
        text: where it stands.
        anchor: what was found.
        end: where it ends.
    """
    if anchor.opens or anchor.step not in {Step.BASE64, Step.HEX}:
        return
    first = end - len(anchor.literal)
    start = max(text.rfind(sign, max(0, first - _FURTHEST), first) for sign in _SIGNS) + 1
    if not start or not _CONSTANT.match(text, start):
        return
    for joined in joined_texts(text, start, end_of_piece(text, start)):
        if len(joined.pieces) > 1 and (data := _decoded(joined.key, anchor.step)):
            yield Decoded(
                anchor.step, data, *joined.span, _segments(joined, anchor.step), _RATIOS[anchor.step]
            )


_RATIOS: Final = {Step.BASE64: (4, 3), Step.HEX: (2, 1)}


def _decoded(text: bytes, step: Step) -> bytes:
    pattern = _HEX if step is Step.HEX else _BASE64
    if not pattern.fullmatch(text):
        return b""
    if step is Step.HEX:
        return bytes.fromhex(text.decode("ascii"))
    characters = text.rstrip(b"=")
    return b"" if len(characters) % 4 == 1 else undone(characters)


def _segments(joined: Joined, step: Step) -> tuple[tuple[int, int], ...]:
    """Where each piece begins in what is decoded, and in the text."""
    characters, count = _RATIOS[step]
    lengths = [end - start for start, end in joined.pieces]
    before = (0, *accumulate(lengths))
    return tuple(
        (length * count // characters, start)
        for length, (start, _) in zip(before, joined.pieces, strict=False)
    )

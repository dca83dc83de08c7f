"""Keys that were wrapped: in a comment, a quoted mail, a folded value, a terminal, between marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.matching.engine import MAX_BODY
from keyleak.matching.expressions import BEGINNINGS
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_PIECES: Final = 16
_LONGEST: Final = MAX_BODY + 16
# A prefix word and some of a body: nothing wraps a key before that, while people end lines with a prefix.
_SHORTEST: Final = 12
# What stands before each line of a comment, a quotation or a block.
_NEXT_LINE: Final = on_use(
    rb"(?:\r?\n)[ \t]{0,40}(?:(?://+|\#+|\*|>|--|;+|%|\|)[ \t]{0,4}){0,4}"
    rb"(?P<piece>[A-Za-z0-9_+/=-]{4,260})(?P<last>[ \t]{0,4}[.,;:)\"'`]{0,2}[ \t]{0,4}(?=\r?\n|\Z))"
)


# Marks that a word processor or a highlighter puts into a word: `</w:t></w:r><w:r><w:t>`, `<span>`. A blank
# behind the last one ends the word.
_MARK: Final = rb"</?(?!(?i:td|th|tr|li|p|div|d[dt]|h[1-6]|br)\b)[A-Za-z][^<>]{0,120}>"
_MARKS: Final = on_use(rb"(?:" + _MARK + rb"\s{0,8}){0,23}" + _MARK + rb"(?P<piece>[A-Za-z0-9_+/=-]{1,260})")


def _begins_another(piece: bytes) -> bool:
    return b"k_" in piece and any(word in piece for word in BEGINNINGS)


def wrapped(text: bytes, start: int, end: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The pieces of a run that ends with its line or at a mark and may go on behind, one more each time.

    Args:
        text: single-byte text.
        start: where the run begins.
        end: where its first piece ends.
    """
    if end - start < _SHORTEST:
        return
    pieces, length = [(start, end)], end - start
    for _ in range(_MOST_PIECES):
        following = _NEXT_LINE.match(text, end) or _MARKS.match(text, end)
        if following is None or _begins_another(following["piece"]):
            return
        length += len(following["piece"])
        if length > _LONGEST:
            return
        pieces.append(following.span("piece"))
        yield tuple(pieces)
        if following.groupdict().get("last"):
            return
        end = following.end("piece")

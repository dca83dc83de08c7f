"""Keys that were wrapped: in a comment, a quoted mail, a folded value, a narrow terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LINES: Final = 8
# What stands before each line of a comment, a quotation or a block.
_NEXT_LINE: Final = on_use(
    rb"(?:\r?\n)[ \t]{0,40}(?:(?://+|\#+|\*|>|--|;+|%|\|)[ \t]{0,4}){0,4}"
    rb"(?P<piece>[A-Za-z0-9_+/=-]{4,260})(?P<last>[ \t]{0,4}[.,;:)\"'`]{0,2}[ \t]{0,4}(?=\r?\n|\Z))"
)


def wrapped(text: bytes, start: int, end: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The pieces of a run that ends with its line and may go on in the next, one line more each time.

    Args:
        text: single-byte text.
        start: where the run begins.
        end: where its first line ends.
    """
    pieces = [(start, end)]
    for _ in range(_MOST_LINES):
        following = _NEXT_LINE.match(text, end)
        if following is None:
            return
        pieces.append(following.span("piece"))
        yield tuple(pieces)
        if following["last"]:
            return
        end = following.end("piece")

r"""The neighbourhood of an anchor as single bytes, whatever the encoding of the content.

Matching works on ASCII text. In UTF-16 every ASCII character is two bytes, one of them zero; a view keeps
the other one, so that one set of patterns serves both. A character that is not ASCII becomes `\\x80`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.records import dataclass

if TYPE_CHECKING:
    from keyleak.matching.engine import Buffer

# Characters a match may depend on, on either side of its anchor. Streaming keeps windows overlapping by
# this much, so that a match does not depend on where a window begins.
REACH_BEFORE: Final = 4608
REACH_AFTER: Final = 4608
WIDE_STRETCH: Final = 16 << 10
"""Characters behind the reach of an anchor that a wide view holds besides, for the anchors that follow."""
_NOT_ASCII: Final = re.compile(rb"[^\0]+")


@dataclass(frozen=True, slots=True)
class View:
    """Single-byte text around an anchor and how to get back to offsets in the content."""

    text: bytes
    anchor_end: int
    """Index in `text` just after the anchor."""
    base: int
    """Offset in the content of `text[0]`."""
    step: int
    """Content bytes per character: 1, or 2 for UTF-16."""

    @property
    def wide(self) -> bool:
        """Whether the content is UTF-16 here."""
        return self.step == 2

    def offset(self, index: int) -> int:
        """Offset in the content of the character at an index of `text`."""
        return self.base + index * self.step


def narrow_view(content: Buffer, anchor_end: int) -> View:
    """The view of an anchor in single-byte content that ends before `anchor_end`."""
    base = max(0, anchor_end - REACH_BEFORE)
    return View(bytes(content[base : anchor_end + REACH_AFTER]), anchor_end - base, base, 1)


def is_little_endian(content: Buffer, first_low: int, offset: int) -> bool:
    """Whether low bytes come first in UTF-16 text.

    Args:
        content: the bytes.
        first_low: offset in it of the low byte of an ASCII character.
        offset: where `content` begins in the whole.
    """
    # With high bytes first, a zero stands before it. Without one the answer is sure, wherever the text
    # begins: in a database page or an executable nothing aligns it. Else it is taken as aligned to two bytes.
    if offset + first_low == 0 or (first_low and content[first_low - 1]):
        return True
    return (offset + first_low) % 2 == 0


def wide_view(content: Buffer, anchor_end: int, *, little_endian: bool) -> View:
    """The view of an anchor in UTF-16 content.

    Args:
        content: the bytes.
        anchor_end: offset just after the low byte of the anchor's last character.
        little_endian: whether low bytes come first.
    """
    last_low = anchor_end - 1
    base = max(last_low % 2, last_low - 2 * REACH_BEFORE)
    stop = last_low + 2 * (REACH_AFTER + WIDE_STRETCH)
    low = bytes(content[base:stop:2])
    if little_endian:
        high = bytes(content[base + 1 : stop + 1 : 2])
    elif base:
        high = bytes(content[base - 1 : stop - 1 : 2])
    else:
        high = b"\0" + bytes(content[1 : max(1, stop - 1) : 2])
    text = _ascii_only(low, high[: len(low)].ljust(len(low), b"\0"))
    return View(text, (last_low - base) // 2 + 1, base, 2)


def _ascii_only(low: bytes, high: bytes) -> bytes:
    if not any(high):
        return low
    text = bytearray(low)
    for found in _NOT_ASCII.finditer(high):
        text[slice(*found.span())] = b"\x80" * len(found[0])
    return bytes(text)

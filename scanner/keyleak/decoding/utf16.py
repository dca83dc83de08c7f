"""UTF-16 inside another encoding, as text of single bytes, so that it is read together with its line."""

from __future__ import annotations

from typing import Final

from keyleak.decoding.decoded import Decoded, Step

_SHORTEST: Final = 32
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def is_utf16(data: bytes) -> bool:
    """Whether all of it is ASCII in UTF-16, with a byte order mark or without."""
    if len(data) < _SHORTEST or len(data) % 2:
        return False
    text = data[2:] if data.startswith(_MARKS) else data
    return not any(text[_high_byte(text) :: 2])


def narrowed(text: bytes, start: int, end: int) -> Decoded:
    """What a span of UTF-16 says.

    Args:
        text: where it stands.
        start: where it begins.
        end: where it ends.
    """
    first = start + 2 if text.startswith(_MARKS, start) else start
    low = 1 - _high_byte(text[first:end])
    return Decoded(Step.UTF16, text[first + low : end : 2], start, end, ((0, first),), (2, 1))


def _high_byte(text: bytes) -> int:
    """0 where the high byte of a character comes first, else 1."""
    return 0 if text[0] == 0 else 1

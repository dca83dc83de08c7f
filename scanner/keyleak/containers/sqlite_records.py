"""Records of SQLite: a header of numbers that say how long each value is, then the values.

Source: https://www.sqlite.org/fileformat2.html, section 2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER_LENGTHS: Final = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)
_RESERVED: Final = frozenset({10, 11})
_FIRST_BLOB: Final = 12


def values_of(payload: bytes) -> Iterator[bytes]:
    """The texts and blobs of a record.

    Raises:
        IndexError: its header is cut off.
    """
    header, at = varint(payload, 0)
    place = header
    while at < header:
        kind, at = varint(payload, at)
        length = length_of(kind)
        if kind >= _FIRST_BLOB:
            yield payload[place : place + length]
        place += length


def kinds_in(header: bytes) -> list[int] | None:
    """The kinds of values that a header lists; None for one that no record has."""
    kinds, at = [], 0
    try:
        while at < len(header):
            kind, at = varint(header, at)
            if not is_kind(kind):
                return None
            kinds.append(kind)
    except IndexError:
        return None
    return kinds


def is_kind(kind: int) -> bool:
    """Whether values may be of this kind."""
    return kind not in _RESERVED


def length_of(kind: int) -> int:
    """How many bytes a value of a kind takes."""
    return (kind - _FIRST_BLOB) // 2 if kind >= _FIRST_BLOB else _NUMBER_LENGTHS[kind]


def has_content(kind: int) -> bool:
    """Whether a value of a kind is a text or a blob."""
    return kind >= _FIRST_BLOB


def varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends.

    Raises:
        IndexError: the content ends before it.
    """
    value = 0
    for index in range(8):
        byte = content[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | content[at + 8], at + 9

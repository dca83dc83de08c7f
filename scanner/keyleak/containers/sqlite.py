"""SQLite databases, page by page; no SQL is run and no library asked.

A row's values stand one behind the other without anything between them, and long ones go on in other pages.
Source: https://www.sqlite.org/fileformat2.html, sections 1.3 to 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.containers.member import ContainerError, Flaw, Member

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE_HEADER: Final = 100
_LEAF_TABLE, _LEAF_INDEX, _INNER_INDEX = 0x0D, 0x0A, 0x02
_NUMBER_LENGTHS: Final = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)
_FIRST_BLOB: Final = 12
_LONGEST_VALUE: Final = 64 << 20


def members(content: bytes) -> Iterator[Member | Flaw]:
    """The rows of every page, one a line, values with a tab between them.

    Args:
        content: the database file.

    Raises:
        ContainerError: its header is damaged.
    """
    size = int.from_bytes(content[16:18], "big")
    size = 65_536 if size == 1 else size
    if size < 512 or size & (size - 1):
        raise ContainerError("has a damaged header, so its rows were not read")
    database = _Database(content, size, size - content[20])
    for number in range(1, len(content) // size + 1):
        rows = list(database.rows(number))
        if None in rows:
            yield Flaw(f"page {number}", "is damaged")
        text = b"\n".join(row for row in rows if row is not None)
        if text:
            yield Member(f"page {number}", iter((text,)))


@dataclass(frozen=True, slots=True)
class _Database:
    content: bytes
    page: int
    usable: int
    """Bytes of a page but for those reserved at its end."""

    def rows(self, number: int) -> Iterator[bytes | None]:
        """The rows of a page; None for one that cannot be read."""
        start = (number - 1) * self.page
        page = self.content[start : start + self.page]
        head = _FILE_HEADER if number == 1 else 0
        kind = page[head]
        if kind not in {_LEAF_TABLE, _LEAF_INDEX, _INNER_INDEX}:
            return
        first = head + (12 if kind == _INNER_INDEX else 8)
        count = int.from_bytes(page[head + 3 : head + 5], "big")
        for at in range(first, min(first + 2 * count, len(page) - 1), 2):
            try:
                yield self._row(page, int.from_bytes(page[at : at + 2], "big"), kind)
            except (IndexError, ValueError):
                yield None

    def _row(self, page: bytes, at: int, kind: int) -> bytes:
        length, at = _varint(page, at + (4 if kind == _INNER_INDEX else 0))
        if kind == _LEAF_TABLE:
            _, at = _varint(page, at)
        if length > min(_LONGEST_VALUE, len(self.content)):
            raise ValueError
        local = self._local(length, is_table=kind == _LEAF_TABLE)
        payload = page[at : at + local]
        if local < length:
            payload += self._overflow(
                int.from_bytes(page[at + local : at + local + 4], "big"), length - local
            )
        return b"\t".join(_values(payload))

    def _local(self, length: int, *, is_table: bool) -> int:
        """How much of a row stands in its own page."""
        most = self.usable - 35 if is_table else (self.usable - 12) * 64 // 255 - 23
        if length <= most:
            return length
        least = (self.usable - 12) * 32 // 255 - 23
        fitting = least + (length - least) % (self.usable - 4)
        return fitting if fitting <= most else least

    def _overflow(self, number: int, length: int) -> bytes:
        parts = []
        while length > 0:
            start = (number - 1) * self.page
            if number < 1 or start + self.page > len(self.content):
                raise ValueError
            part = self.content[start + 4 : start + min(self.usable, 4 + length)]
            parts.append(part)
            length -= len(part)
            number = int.from_bytes(self.content[start : start + 4], "big")
        return b"".join(parts)


def _values(payload: bytes) -> Iterator[bytes]:
    """The texts and blobs of a record."""
    header, at = _varint(payload, 0)
    place = header
    while at < header:
        kind, at = _varint(payload, at)
        length = (kind - _FIRST_BLOB) // 2 if kind >= _FIRST_BLOB else _NUMBER_LENGTHS[kind]
        if kind >= _FIRST_BLOB:
            yield payload[place : place + length]
        place += length


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for index in range(8):
        byte = content[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | content[at + 8], at + 9

"""SQLite databases, write-ahead logs and rollback journals, page by page; no SQL is run and no library asked.

A row's values stand one behind the other without anything between them, and long ones go on in other pages.
Rows that were deleted are looked for in what is free in a page (`sqlite_free.py`).
Source: https://www.sqlite.org/fileformat2.html, sections 1.3 to 2.1, 3 and 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from keyleak.containers.member import ContainerError, Flaw, Member
from keyleak.containers.sqlite_free import deleted_rows
from keyleak.containers.sqlite_records import values_of, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    MayHoldKey: TypeAlias = Callable[[bytes], bool]

_FILE_HEADER: Final = 100
_LEAF_TABLE, _LEAF_INDEX, _INNER_INDEX = 0x0D, 0x0A, 0x02
_LONGEST_VALUE: Final = 64 << 20
_WAL_HEADER, _FRAME_HEADER = 32, 24
_JOURNAL_MAGIC: Final = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_LEAST_SECTOR: Final = 512
_MANY: Final = 0xFFFFFFFF


def members(content: bytes, may_hold_key: MayHoldKey) -> Iterator[Member | Flaw]:
    """The rows of every page, one a line, values with a tab between them.

    Args:
        content: the database file.
        may_hold_key: whether to look for deleted rows in a page.

    Raises:
        ContainerError: its header is damaged.
    """
    size = int.from_bytes(content[16:18], "big")
    size = 65_536 if size == 1 else size
    _check_size(size)
    places = {number: (number - 1) * size for number in range(1, len(content) // size + 1)}
    database = _Database(content, places, size, size - content[20])
    for number, start in places.items():
        yield from _of_page(database, number, start, f"page {number}", may_hold_key)


def log_members(content: bytes, may_hold_key: MayHoldKey) -> Iterator[Member | Flaw]:
    """The rows of every page in a write-ahead log, those of earlier transactions included.

    Args:
        content: the log.
        may_hold_key: see `members`.

    Raises:
        ContainerError: its header is damaged.
    """
    size = int.from_bytes(content[8:12], "big")
    _check_size(size)
    starts = range(_WAL_HEADER + _FRAME_HEADER, len(content) - size + 1, _FRAME_HEADER + size)
    frames = [(int.from_bytes(content[start - _FRAME_HEADER :][:4], "big"), start) for start in starts]
    yield from _of_copies(content, frames, size, may_hold_key)


def journal_members(content: bytes, may_hold_key: MayHoldKey) -> Iterator[Member | Flaw]:
    """The rows of every page in a rollback journal: as they were before the last transaction.

    Args:
        content: the journal.
        may_hold_key: see `members`.

    Raises:
        ContainerError: its header is damaged.
    """
    size = int.from_bytes(content[24:28], "big")
    _check_size(size)
    yield from _of_copies(content, list(_journalled(content, size)), size, may_hold_key)


def _journalled(content: bytes, size: int) -> Iterator[tuple[int, int]]:
    """The number of each page in a journal, and where it begins."""
    at = 0
    while content.startswith(_JOURNAL_MAGIC, at):
        count = int.from_bytes(content[at + 8 : at + 12], "big")
        sector = max(int.from_bytes(content[at + 20 : at + 24], "big"), _LEAST_SECTOR)
        at += sector
        # One that was not closed has no count: it goes on to the next header, or to the end.
        left = count if 0 < count < _MANY else len(content)
        while left and at + 4 + size <= len(content) and not content.startswith(_JOURNAL_MAGIC, at):
            yield int.from_bytes(content[at : at + 4], "big"), at + 4
            at += size + 8
            left -= 1
        at += -at % sector


def _of_copies(
    content: bytes, copies: list[tuple[int, int]], size: int, may_hold_key: MayHoldKey
) -> Iterator[Member | Flaw]:
    """The rows of pages of which there may be several copies; long ones go on in the newest."""
    usable = next((size - content[start + 20] for number, start in copies if number == 1), size)
    database = _Database(content, dict(copies), size, usable)
    for index, (number, start) in enumerate(copies, 1):
        yield from _of_page(database, number, start, f"copy {index}, of page {number}", may_hold_key)


def _of_page(
    database: _Database, number: int, start: int, name: str, may_hold_key: MayHoldKey
) -> Iterator[Member | Flaw]:
    rows = list(database.rows(number, start))
    if None in rows:
        yield Flaw(name, "is damaged")
    page = database.content[start : start + database.page]
    if may_hold_key(page):
        rows += deleted_rows(page, _FILE_HEADER if number == 1 else 0)
    text = b"\n".join(row for row in rows if row is not None)
    if text:
        yield Member(name, iter((text,)))


def _check_size(size: int) -> None:
    if not 512 <= size <= 65_536 or size & (size - 1):
        raise ContainerError("has a damaged header, so its rows were not read")


@dataclass(frozen=True, slots=True)
class _Database:
    content: bytes
    places: Mapping[int, int]
    """Where each page begins, by its number."""
    page: int
    usable: int
    """Bytes of a page but for those reserved at its end."""

    def rows(self, number: int, start: int) -> Iterator[bytes | None]:
        """The rows of a page; None for one that cannot be read."""
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
        length, at = varint(page, at + (4 if kind == _INNER_INDEX else 0))
        if kind == _LEAF_TABLE:
            _, at = varint(page, at)
        if length > min(_LONGEST_VALUE, len(self.content)):
            raise ValueError
        local = self._local(length, is_table=kind == _LEAF_TABLE)
        payload = page[at : at + local]
        if local < length:
            payload += self._overflow(
                int.from_bytes(page[at + local : at + local + 4], "big"), length - local
            )
        return b"\t".join(values_of(payload))

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
            start = self.places.get(number)
            if start is None or length > len(self.content):
                raise ValueError
            part = self.content[start + 4 : start + min(self.usable, 4 + length)]
            parts.append(part)
            length -= len(part)
            number = int.from_bytes(self.content[start : start + 4], "big")
        return b"".join(parts)

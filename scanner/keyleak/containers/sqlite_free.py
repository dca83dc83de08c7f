"""Rows that were deleted from a page of SQLite and stand in what is free there until it is used again.

A deleted row is whole where it lies between the pointers and the rows in use, and in pages that were freed.
Where it became a free block, the first four bytes are overwritten with the next block's place and its length.
Source: https://www.sqlite.org/fileformat2.html, section 1.6.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.containers.sqlite_records import has_content, is_kind, kinds_in, length_of, values_of, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TREE_PAGES: Final = frozenset({0x02, 0x05, 0x0A, 0x0D})
_INNER: Final = frozenset({0x02, 0x05})
# What a key looks like from afar.
_TEXT: Final = re.compile(rb"[\x21-\x7e]{20,}")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# How far before its first text a row begins, and how many columns are tried.
_LONGEST_HEAD: Final = 96
_OVERWRITTEN: Final = 4
_LEAST_PAYLOAD: Final = 8


class _Row(NamedTuple):
    start: int
    end: int
    values: tuple[bytes, ...]


def deleted_rows(page: bytes, head: int) -> list[bytes]:
    """The rows in what is free of a page, values with a tab between them.

    Args:
        page: its bytes.
        head: where its header begins.
    """
    if page[head] not in _TREE_PAGES:
        return [b"\t".join(row.values) for row in _whole_rows(page)]
    first = head + (12 if page[head] in _INNER else 8)
    pointers = min(first + 2 * _number(page, head + 3), len(page))
    free = page[pointers : _number(page, head + 5) or 65_536]
    regions = [each for each in (free, *_blocks(page, _number(page, head + 1))) if _TEXT.search(each)]
    columns = _columns(page, range(first, pointers - 1, 2)) if regions else None
    return [b"\t".join(row.values) for region in regions for row in _rows(region, len(page), columns)]


def _number(page: bytes, at: int) -> int:
    return int.from_bytes(page[at : at + 2], "big")


def _blocks(page: bytes, at: int) -> Iterator[bytes]:
    """The free blocks of a page, each with the bytes that were overwritten."""
    while 0 < at <= len(page) - _OVERWRITTEN:
        following, length = _number(page, at), _number(page, at + 2)
        yield page[at : at + length]
        # They are in order and apart; anything else was made to be read for ever.
        if following < at + max(length, _OVERWRITTEN):
            return
        at = following


def _rows(region: bytes, page: int, columns: int | None) -> Iterator[_Row]:
    """The rows in a free region.

    Args:
        region: its bytes.
        page: how long a page is.
        columns: how many columns the rows in use have, where that is known.
    """
    whole = _whole_rows(region)
    yield from whole
    borders = {0, len(region), *(row.start for row in whole), *(row.end for row in whole)}
    # Blocks that were joined keep their lengths, each to the end of another: the last are found first.
    for at in range(len(region) - _OVERWRITTEN, 0, -1):
        if _number(region, at) < page and at + _number(region, at + 2) in borders:
            borders.add(at)
    known = {row.start for row in whole}
    for start, end in pairwise(sorted(borders)):
        if start not in known and (values := _overwritten_row(region[start:end], columns)):
            yield _Row(start, end, values)


def _whole_rows(region: bytes) -> list[_Row]:
    """Rows of which every byte is there: the lengths in them agree."""
    found: list[_Row] = []
    for text in _TEXT.finditer(region):
        done = found[-1].end if found else 0
        begins = range(max(done, text.start() - _LONGEST_HEAD), text.start())
        rows = (row for at in begins if (row := _whole_row(region, at)) is not None)
        if (row := next((row for row in rows if row.end > text.start()), None)) is not None:
            found.append(row)
    return found


def _whole_row(region: bytes, at: int) -> _Row | None:
    try:
        length, payload = varint(region, at)
        if length < _LEAST_PAYLOAD:
            return None
        # A row of a table has a number before it, one of an index has none.
        for start in (varint(region, payload)[1], payload):
            if start + length <= len(region) and _adds_up(region[start : start + length]):
                return _Row(at, start + length, tuple(values_of(region[start : start + length])))
    except IndexError:
        return None
    return None


def _adds_up(payload: bytes) -> bool:
    header, at = varint(payload, 0)
    if not at < header <= len(payload):
        return False
    kinds = kinds_in(payload[at:header])
    return kinds is not None and any(map(has_content, kinds)) and header + _length(kinds) == len(payload)


def _length(kinds: Iterable[int]) -> int:
    return sum(map(length_of, kinds))


def _columns(page: bytes, pointers: range) -> int | None:
    """How many columns the rows in use of a page have; None for a page without any."""
    counts: Counter[int] = Counter()
    for pointer in pointers:
        try:
            _, at = varint(page, _number(page, pointer))
            _, at = varint(page, at)
            length, first = varint(page, at)
        except IndexError:
            continue
        kinds = kinds_in(page[first : at + length])
        if kinds:
            counts[len(kinds)] += 1
    return counts.most_common(1)[0][0] if counts else None


def _overwritten_row(block: bytes, columns: int | None) -> tuple[bytes, ...] | None:
    """The values of a row of a table without its first four bytes; None where nothing fits."""
    if _TEXT.search(block) is None:
        return None
    firsts = range(_OVERWRITTEN, min(len(block), 2 * _OVERWRITTEN + 1))
    # Only lengths and the row's number were overwritten, or the first kind too.
    splits = chain(
        *(_splits(block, first, columns, is_first_lost=False) for first in firsts),
        _splits(block, _OVERWRITTEN, columns, is_first_lost=True) if columns else (),
    )
    return next((values for values in splits if not any(map(_CONTROL.search, values))), None)


def _splits(
    block: bytes, first: int, columns: int | None, *, is_first_lost: bool
) -> Iterator[tuple[bytes, ...]]:
    """The values of a block for each end that its header may have.

    Args:
        block: a row without its first four bytes.
        first: where the kinds of values begin that are left of its header.
        columns: how many columns there are, where that is known.
        is_first_lost: whether another kind was before them.
    """
    kinds: list[int] = []
    length, end = 0, first
    while end < min(len(block), first + _LONGEST_HEAD) and end + length <= len(block):
        lost = len(block) - end - length
        fits = lost > 0 if is_first_lost else not lost
        if first > _OVERWRITTEN:
            fits = fits and block[first - 1] == end - first + 1
        if fits and columns in {None, len(kinds) + is_first_lost}:
            yield tuple(_cut(block, end, [_kind_of_text(lost), *kinds] if is_first_lost else kinds))
        try:
            kind, end = varint(block, end)
        except IndexError:
            return
        if not is_kind(kind):
            return
        kinds.append(kind)
        length += length_of(kind)


def _kind_of_text(length: int) -> int:
    return 2 * length + 13


def _cut(block: bytes, at: int, kinds: Iterable[int]) -> Iterator[bytes]:
    for kind in kinds:
        length = length_of(kind)
        if has_content(kind) and length:
            yield block[at : at + length]
        at += length

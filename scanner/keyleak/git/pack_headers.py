"""The header of every object of a pack, read as arrays."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from keyleak.git.pack_index import PackError, UnusualPackError
from keyleak.git.regular import open_regular

if TYPE_CHECKING:
    import numpy.typing as npt

    from keyleak.git.pack_index import PackIndex

OFS_DELTA: Final = 6
REF_DELTA: Final = 7
NO_BASE: Final = -1
"""In `parents`: not a delta."""
LOST_BASE: Final = -2
"""In `parents`: a delta whose base is not in this pack."""

_HEADER: Final = 12
_SLACK: Final = 4096  # bytes that deflated content may be longer than an eighth more than itself
_LARGE: Final = 1 << 40
_BLOCK: Final = 1 << 17  # objects whose headers are read before their pages are given back
_LONGEST_SIZE: Final = 9  # bytes of a size that fits 63 bits; more would overflow the arrays
_LONGEST_DISTANCE: Final = 8


@dataclass(frozen=True, slots=True)
class PackHeaders:
    """Every object of a pack, in the order they stand in it; all arrays have one row for each object."""

    rows: npt.NDArray[np.int64]
    """Row of the object in the index."""
    types: npt.NDArray[np.uint8]
    """Type number as it stands in the pack, deltas included; 0 where the header makes no sense."""
    sizes: npt.NDArray[np.int64]
    """Bytes that the object says it inflates to; for a delta those of the delta."""
    starts: npt.NDArray[np.int64]
    """Where the deflated content begins."""
    ends: npt.NDArray[np.int64]
    """Where the next object begins."""
    parents: npt.NDArray[np.int64]
    """Position (in these arrays) of a delta's base, or `NO_BASE` or `LOST_BASE`."""
    stray_rows: npt.NDArray[np.int64]
    """Rows in the index of objects that are not in these arrays: their offset lies outside the pack, or is
    another object's."""


def map_pack(path: str) -> mmap.mmap:
    """A pack mapped into memory.

    Raises:
        PackError: it is empty.
        OSError: it cannot be opened.
    """
    with open_regular(path) as file:
        if not os.fstat(file.fileno()).st_size:
            raise PackError(f"{os.path.basename(path)} is empty")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def give_back(pack: mmap.mmap) -> None:
    """Lets go of the pages read so far, which otherwise count as this process's memory."""
    if hasattr(mmap, "MADV_DONTNEED"):
        pack.madvise(mmap.MADV_DONTNEED)


def check_pack(pack: mmap.mmap, name: str, index: PackIndex) -> str | None:
    """What is wrong with a pack that can be read all the same, or None.

    Raises:
        PackError: it is no pack at all.
        UnusualPackError: it is of an unknown version.
    """
    id_bytes = len(index.pack_checksum)
    if len(pack) < _HEADER + id_bytes or pack[:4] != b"PACK":
        raise PackError(f"{name} is no pack, or cut short")
    if pack[4:8] not in {b"\x00\x00\x00\x02", b"\x00\x00\x00\x03"}:
        raise UnusualPackError(f"{name} is a pack of an unknown version")
    if pack[-id_bytes:] != index.pack_checksum:
        return f"{name} is cut short or damaged: its checksum is not the one in its index"
    if int.from_bytes(pack[8:12], "big") != len(index.offsets):
        return f"{name} and its index differ in the number of objects"
    return index.damage


def read_headers(pack: mmap.mmap, index: PackIndex) -> PackHeaders:
    """Reads the headers of all objects of a pack that `check_pack` let pass."""
    limit = len(pack) - len(index.pack_checksum)
    # Which of two objects at one offset comes first does not matter: the second one is a stray.
    rows = np.argsort(index.offsets)
    offsets = index.offsets[rows]
    good = (offsets >= _HEADER) & (offsets < limit)
    good[1:] &= offsets[1:] != offsets[:-1]
    stray = rows[~good]
    rows, offsets = rows[good], offsets[good]
    ends = np.append(offsets[1:], limit)[: len(offsets)]
    headers = PackHeaders(
        rows=rows,
        types=np.zeros(len(rows), np.uint8),
        sizes=np.zeros(len(rows), np.int64),
        starts=offsets + 1,
        ends=ends,
        parents=np.full(len(rows), NO_BASE, np.int64),
        stray_rows=stray,
    )
    content = np.frombuffer(pack, np.uint8)
    for first in range(0, len(rows), _BLOCK):
        _read_block(content, headers, offsets, slice(first, first + _BLOCK), index)
        give_back(pack)
    # However much the index leaves between two objects, no more is taken up than one can be long.
    longest = headers.sizes + (headers.sizes >> 3) + _SLACK
    np.minimum(headers.ends, headers.starts + longest, out=headers.ends, where=headers.sizes < _LARGE)
    return headers


def _read_block(
    content: npt.NDArray[np.uint8],
    headers: PackHeaders,
    offsets: npt.NDArray[np.int64],
    block: slice,
    index: PackIndex,
) -> None:
    first = content[offsets[block]]
    types = ((first >> 4) & 7).astype(np.uint8)
    starts, ends = headers.starts[block], headers.ends[block]
    overlong = _read_sizes(content, first, headers.sizes[block], starts, ends)
    distances, lost = _read_distances(content, types, starts, ends)
    named = np.flatnonzero(types == REF_DELTA)
    id_bytes = len(index.pack_checksum)
    types[overlong | lost | (types == 5)] = 0
    _find_near_bases(headers.parents[block], offsets, offsets[block], distances)
    if named.size:
        _find_named_bases(content, headers, block, named, index)
        starts[named] += id_bytes
    types[starts >= ends] = 0
    headers.types[block] = types


def _read_sizes(
    content: npt.NDArray[np.uint8],
    first: npt.NDArray[np.uint8],
    sizes: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Reads the size of each object, moving `starts` behind it; returns which made no sense."""
    overlong = np.zeros(len(first), np.bool_)
    sizes[:] = first & 15
    more = np.flatnonzero(first & 128)
    for place in range(_LONGEST_SIZE):
        inside = starts[more] < ends[more]
        overlong[more[~inside]] = True
        more = more[inside]
        byte = content[starts[more]]
        # 4 bits from the first byte and 7 from each further one: place 8 would reach bit 66.
        sizes[more] |= (byte & 127).astype(np.int64) << (4 + 7 * place) if place < 8 else 0
        starts[more] += 1
        more = more[(byte & 128) != 0]
        if not more.size:
            return overlong
    overlong[more] = True
    return overlong


def _read_distances(
    content: npt.NDArray[np.uint8],
    types: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Reads how far back each OFS_DELTA's base stands (0 elsewhere); returns which made no sense."""
    distances = np.zeros(len(types), np.int64)
    lost = np.zeros(len(types), np.bool_)
    more = np.flatnonzero(types == OFS_DELTA)
    for place in range(_LONGEST_DISTANCE):
        inside = starts[more] < ends[more]
        lost[more[~inside]] = True
        more = more[inside]
        byte = content[starts[more]]
        carried = (distances[more] + 1) << 7 if place else 0
        distances[more] = carried | (byte & 127)
        starts[more] += 1
        more = more[(byte & 128) != 0]
        if not more.size:
            return distances, lost
    lost[more] = True
    return distances, lost


def _find_near_bases(
    parents: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    own: npt.NDArray[np.int64],
    distances: npt.NDArray[np.int64],
) -> None:
    deltas = np.flatnonzero(distances)
    bases = own[deltas] - distances[deltas]
    places = np.minimum(np.searchsorted(offsets, bases), len(offsets) - 1)
    parents[deltas] = np.where(offsets[places] == bases, places, LOST_BASE)


def _find_named_bases(
    content: npt.NDArray[np.uint8],
    headers: PackHeaders,
    block: slice,
    named: npt.NDArray[np.int64],
    index: PackIndex,
) -> None:
    id_bytes = len(index.pack_checksum)
    starts = np.minimum(headers.starts[block][named], len(content) - id_bytes)
    found = index.find(content[starts[:, None] + np.arange(id_bytes)])
    positions = np.full(len(index.ids) + 1, LOST_BASE, np.int64)
    positions[headers.rows] = np.arange(len(headers.rows))
    headers.parents[block][named] = positions[found]  # -1, not found, is the last row: lost

"""A pack's index (version 2): which object stands at which offset."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from keyleak.git.regular import open_regular

if TYPE_CHECKING:
    import numpy.typing as npt

_MAGIC_V2: Final = b"\xfftOc\x00\x00\x00\x02"
_FANOUT: Final = 256 * 4
_LONG: Final = 1 << 31  # an offset with this bit set is a row of the 64-bit table


class PackError(Exception):
    """A pack that the fast path cannot read because it is damaged; its text says how."""


class UnusualPackError(PackError):
    """A pack that git may read well but the fast path does not: an older or newer format."""


@dataclass(frozen=True, slots=True)
class PackIndex:
    """The index of one pack, in order of ids."""

    ids: npt.NDArray[np.uint8]
    """One row for each object."""
    offsets: npt.NDArray[np.int64]
    """Where each object begins in the pack, in the order of `ids`; not checked against the pack."""
    pack_checksum: bytes
    """The checksum at the end of the pack this index belongs to."""
    damage: str | None = None
    """What is wrong with the file, where it could be read all the same."""

    def find(self, wanted: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """The row of each wanted id, or -1 where the pack lacks it."""
        if not len(self.ids):
            return np.full(len(wanted), -1, np.int64)
        rows = np.searchsorted(leading_words(self.ids), leading_words(wanted))
        rows = np.minimum(rows, len(self.ids) - 1)
        # Ids that share their first 64 bits with another are only ever made on purpose: not found here.
        equal = (self.ids[rows] == wanted).all(axis=1)
        return np.where(equal, rows, -1).astype(np.int64)


def leading_words(ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """The first 64 bits of each id as a number that sorts as the id does."""
    return np.ascontiguousarray(ids[:, :8]).view(">u8").ravel().astype(np.uint64)


def read_index(path: str, id_bytes: int) -> PackIndex:
    """Reads and checks an index file.

    Args:
        path: the `.idx` file.
        id_bytes: 20 in a SHA-1 repository, 32 in a SHA-256 one.

    Raises:
        PackError: the file is too damaged to be read.
        UnusualPackError: it is of another version.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        content = file.read()
    name = os.path.basename(path)
    if content[:8] != _MAGIC_V2:
        if _is_version_1(content, id_bytes):
            raise UnusualPackError(f"{name} is an index of version 1")
        raise PackError(f"{name} is no index of a known version, or damaged")
    if len(content) < 8 + _FANOUT + 2 * id_bytes:
        raise PackError(f"{name} is cut short")
    digest = hashlib.sha256() if id_bytes == 32 else hashlib.sha1(usedforsecurity=False)
    digest.update(memoryview(content)[:-id_bytes])
    intact = digest.digest() == content[-id_bytes:]
    index = _parse(name, content, id_bytes)
    return index if intact else replace(index, damage=f"the checksum of {name} is wrong")


def _is_version_1(content: bytes, id_bytes: int) -> bool:
    """Whether a file without a magic number is as long as its last fan-out entry makes an old index."""
    return len(content) == _FANOUT + int.from_bytes(content[1020:1024], "big") * (4 + id_bytes) + 2 * id_bytes


def _parse(name: str, content: bytes, id_bytes: int) -> PackIndex:
    fanout = np.frombuffer(content, ">u4", 256, 8)
    count = int(fanout[-1])
    start = 8 + _FANOUT
    # Each object takes its id, a CRC-32 and an offset; the 64-bit table and two checksums follow.
    long_start = start + count * (id_bytes + 8)
    long_bytes = len(content) - 2 * id_bytes - long_start
    if long_bytes < 0 or long_bytes % 8:
        raise PackError(f"{name} is cut short")
    ids = np.frombuffer(content, np.uint8, count * id_bytes, start).reshape(count, id_bytes)
    short = np.frombuffer(content, ">u4", count, start + count * (id_bytes + 4)).astype(np.int64)
    long = np.frombuffer(content, ">u8", long_bytes // 8, long_start)
    firsts = np.searchsorted(ids[:, 0] if count else ids.ravel(), np.arange(256), side="right")
    words = leading_words(ids)
    if (firsts != fanout).any() or (words[1:] < words[:-1]).any():
        raise PackError(f"{name} is damaged: its ids are out of order")
    return PackIndex(ids, _offsets(name, short, long), content[-2 * id_bytes : -id_bytes])


def _offsets(name: str, short: npt.NDArray[np.int64], long: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    rows = np.flatnonzero(short & _LONG)
    if not rows.size:
        return short
    places = short[rows] & (_LONG - 1)
    if places.max() >= len(long) or (long >> np.uint64(63)).any():
        raise PackError(f"{name} is damaged: an offset is out of range")
    short[rows] = long[places].astype(np.int64)
    return short

"""The parts of a sparse file that hold data: a terabyte of holes is not read as zeros."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK: Final = 512
# Shorter holes are read as the zeros they stand for: a search by itself costs more.
_LEAST_HOLE: Final = 1 << 20


def data_extents(descriptor: int, status: os.stat_result) -> Iterator[range] | None:
    """Where a file holds data, in order; None where that is everywhere, or not known.

    Args:
        descriptor: the open file; where it is read on from changes.
        status: of the file.

    Raises:
        OSError: the file claims to be larger than its file system, which cannot say where its data is.
    """
    if status.st_blocks * _BLOCK >= status.st_size or not hasattr(os, "SEEK_DATA"):
        return None
    try:
        os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return iter(())
        # The file system does not know of holes. One in memory, such as /proc, may show any size.
        _check_size(descriptor, status)
        return None
    return _extents(descriptor, status.st_size)


def _check_size(descriptor: int, status: os.stat_result) -> None:
    system = os.fstatvfs(descriptor)
    if status.st_size > max(system.f_blocks * system.f_frsize, _LEAST_HOLE):
        reason = f"is said to hold {status.st_size:,} bytes, more than its file system does"
        raise OSError(errno.EFBIG, reason)


def _extents(descriptor: int, size: int) -> Iterator[range]:
    start = _seek(descriptor, 0, os.SEEK_DATA, size)
    while start < size:
        end = _seek(descriptor, start, os.SEEK_HOLE, size)
        following = _seek(descriptor, end, os.SEEK_DATA, size)
        while following < size and following - end < _LEAST_HOLE:
            end = _seek(descriptor, following, os.SEEK_HOLE, size)
            following = _seek(descriptor, end, os.SEEK_DATA, size)
        yield range(start, end)
        start = following


def _seek(descriptor: int, start: int, whence: int, size: int) -> int:
    try:
        return min(os.lseek(descriptor, start, whence), size)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise

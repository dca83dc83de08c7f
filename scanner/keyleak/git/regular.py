"""Files that a repository brings, opened only where they are regular files.

Whoever made a repository can put a pipe, a device or a link to one where git keeps a file: opening it would
wait for ever, or never come to an end. So the kind is asked before anything is opened, and again afterwards.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from _typeshed import StrOrBytesPath

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_HOLLOW: Final = 64 << 20  # bytes from which a file of hardly anything but holes is no file that git wrote
_SHARE: Final = 16
_KINDS: Final = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


def open_regular(path: StrOrBytesPath) -> BinaryIO:
    """Opens a regular file, following links, for reading.

    Raises:
        OSError: it cannot be opened, or is something else; `strerror` says what.
    """
    _check(os.stat(path), path)
    descriptor = os.open(path, _FLAGS)
    try:
        _check(os.fstat(descriptor), path)
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: StrOrBytesPath, most: int) -> bytes:
    """The content of a regular file.

    Args:
        path: its name; links are followed.
        most: bytes that it may have.

    Raises:
        OSError: see `open_regular`; or it is larger.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"has more than {most:,} bytes, which is no size for such a file", path)
    return content


def odd_kind(status: os.stat_result) -> str | None:
    """What something is that is no regular file, or one of holes, in words; else None."""
    if stat.S_ISREG(status.st_mode):
        return "a file of holes" if _is_hollow(status) else None
    return next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "something else")


def _is_hollow(status: os.stat_result) -> bool:
    """Whether a large file takes hardly any room: it costs nothing to make, and days to read."""
    blocks: int | None = getattr(status, "st_blocks", None)
    return blocks is not None and status.st_size > max(_HOLLOW, _SHARE * 512 * blocks)


def never_ends(status: os.stat_result) -> bool:
    """Whether reading it could wait for ever or never end; opening a socket fails at once."""
    if stat.S_ISREG(status.st_mode):
        return _is_hollow(status)
    if stat.S_ISCHR(status.st_mode):
        return status.st_rdev != os.stat(os.devnull).st_rdev
    return stat.S_ISFIFO(status.st_mode) or stat.S_ISBLK(status.st_mode)


def _check(status: os.stat_result, path: StrOrBytesPath) -> None:
    if kind := odd_kind(status):
        raise OSError(errno.EINVAL, f"is {kind}, not what git writes", path)

"""Files that decide something, read only where they are what they should be: regular and of a bounded size.

A configuration, a baseline or a rule file comes with the repository that holds it, and whoever wrote that can
put a device, a named pipe or a link in its place. So a file is opened without waiting and judged by what was
opened, not by what a name promised. What the user names on the command line may be a pipe besides.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_SHORT: Final = 64 << 10
_PIECE: Final = 1 << 20
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH

CONFIGURATION_LIMIT: Final = 1 << 20
"""Most bytes of a configuration, a rule file or what a hook manager reads; people write some thousand."""
BASELINE_LIMIT: Final = 256 << 20
"""Most bytes of a baseline: seven million keys."""
REPORT_LIMIT: Final = 512 << 20
"""Most bytes of a saved report."""
EVENT_LIMIT: Final = 32 << 20
"""Most bytes of a pipeline's event; GitHub sends no more than 25 million."""


def read_regular(path: str, limit: int, inside: str | None = None, *, owned: bool = False) -> bytes:
    """The content of a regular file.

    Args:
        path: its name; a link at its end is followed only where `inside` is given.
        limit: most bytes that it may have.
        inside: a folder that the file must lie in once every link is followed; None leaves that open.
        owned: whether it must be this user's or root's, and writable by nobody else.

    Raises:
        OSError: it cannot be opened, is no regular file, leads out of the folder, or is too large; `strerror`
            says which.
    """
    if inside is not None:
        path = resolved_inside(path, inside)
    return _content(os.open(path, _FLAGS | _NO_LINK), path, limit, {stat.S_IFREG}, owned=owned)


def read_given(path: str, limit: int) -> bytes:
    """The content of a file that the user named: links are followed, and a pipe is read to its end.

    Raises:
        OSError: it cannot be opened, is a device, a folder or a socket, or is too large.
    """
    # A named pipe that is opened without waiting looks empty until somebody writes to it.
    is_pipe = stat.S_ISFIFO(os.stat(path).st_mode)
    flags = os.O_RDONLY | os.O_CLOEXEC if is_pipe else _FLAGS
    return _content(os.open(path, flags), path, limit, {stat.S_IFREG, stat.S_IFIFO})


def may_be_trusted(facts: os.stat_result) -> bool:
    """Whether what these facts are of belongs to this user or root, and nobody else may write to it."""
    return facts.st_uid in {0, os.geteuid()} and not facts.st_mode & _OTHERS_MAY_WRITE


def resolved_inside(path: str, folder: str) -> str:
    """The path without links, if it lies in a folder.

    Args:
        path: of a file, which need not exist.
        folder: the folder.

    Raises:
        OSError: it lies elsewhere, or its links go round in a circle.
    """
    real, top = os.path.realpath(path), os.path.realpath(folder)
    if os.path.commonpath([real, top]) != top:
        raise OSError(errno.EXDEV, f"leads out of {folder}", path)
    if os.path.islink(real):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return real


def kind_name(mode: int) -> str:
    """What a file is, by its mode, in words for a message."""
    kinds = (
        (stat.S_ISREG, "a regular file"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def _content(descriptor: int, path: str, limit: int, permitted: set[int], *, owned: bool = False) -> bytes:
    try:
        facts = os.fstat(descriptor)
        if stat.S_IFMT(facts.st_mode) not in permitted:
            raise OSError(errno.EINVAL, f"is {kind_name(facts.st_mode)}, not a regular file", path)
        if owned and not may_be_trusted(facts):
            raise OSError(errno.EPERM, "belongs to somebody else, or others may write to it", path)
        # Files of /proc say that they are empty, and one may grow while it is read.
        pieces, size = [], 0
        most = min(max(facts.st_size + 1, _SHORT), _PIECE)
        while size <= limit and (piece := os.read(descriptor, min(most, limit + 1 - size))):
            pieces.append(piece)
            size += len(piece)
        if size > limit:
            raise OSError(errno.EFBIG, f"has more than {limit:,} bytes, the most that is read of it", path)
        return b"".join(pieces)
    finally:
        os.close(descriptor)

"""Files that are there whole or not at all: written beside their place, brought to the disk, then renamed.

A pipe, a device or a descriptor of this process is written to as it is; renaming would put a plain file in
its place.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_DESCRIPTOR: Final = re.compile(r"/(?:dev|proc/([a-z0-9-]+))/fd/([0-9]{1,9})")
_NAMED: Final = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


def write_whole(file: str, text: str) -> None:
    """Write a text file; where that fails, what stood there before still does.

    Raises:
        OSError: it could not be written.
    """
    content = text.encode("utf-8")
    descriptor = descriptor_of(file)
    if descriptor is not None:
        _write_all(os.dup(descriptor), content)
    elif _is_special(file):
        # Without O_CREAT and O_TRUNC: should it become a plain file meanwhile, nothing is lost.
        _write_all(os.open(file, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY), content)
    else:
        _replace(file, content)


def descriptor_of(file: str) -> int | None:
    """The descriptor of this process that a path names, as `/dev/stdout` and `/dev/fd/3` do; None for others.

    Opening such a path again would begin at the start of what the descriptor has written already.
    """
    path = os.path.normpath(file)
    if path in _NAMED:
        return _NAMED[path]
    named = _DESCRIPTOR.fullmatch(path)
    if named is None or named[1] not in {None, "self", "thread-self", str(os.getpid())}:
        return None
    return int(named[2])


def _is_special(file: str) -> bool:
    """Whether something is there that is neither a plain file nor a folder, links followed."""
    try:
        mode = os.stat(file).st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _write_all(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as output:
        output.write(content)


def _replace(file: str, content: bytes) -> None:
    # A link stays a link: what it points to is written.
    target = Path(os.path.realpath(file))
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as output:
            output.write(content)
            output.flush()
            os.fsync(output.fileno())
        _give_mode(temporary, target)
        Path(temporary).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def _give_mode(path: str, target: Path) -> None:
    """The mode the file had, or a plain `open` would have given; the temporary one is its owner's only."""
    try:
        mode = target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    Path(path).chmod(mode)

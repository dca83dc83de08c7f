"""Files that are there whole or not at all: written beside their place, brought to the disk, then renamed."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole(file: str, text: str) -> None:
    """Write a text file; where that fails, what stood there before still does.

    Raises:
        OSError: it could not be written.
    """
    # A link stays a link: what it points to is written.
    target = Path(os.path.realpath(file))
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as output:
            output.write(text)
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

"""Small files in this user's cache folder, believed only if nobody else could have written them.

Keeping something is a convenience: where it fails, nothing is said and nothing is lost.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from typing import Final

from keyleak.regular_file import may_be_trusted, read_regular

_LARGEST: Final = 16 * 1024 * 1024


def kept(name: str) -> bytes | None:
    """What was kept under a name, or None where there is nothing or it cannot be trusted."""
    folder = user_folder()
    if folder is None or not is_ours(folder):
        return None
    try:
        return read_regular(os.path.join(folder, name), _LARGEST, owned=True)
    except OSError:
        return None


def keep(name: str, data: bytes) -> None:
    """Keep something for the next start, where there is a folder of this user's for it."""
    folder = user_folder()
    if folder is None:
        return
    # A read-only home, a full disk, a folder that another process removes: the next start does without.
    with suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if is_ours(folder):
            write_private(os.path.join(folder, name), data)


def write_private(path: str, data: bytes) -> None:
    """Write a file that only this user may read; it is there whole or not at all.

    Raises:
        OSError: it could not be written.
    """
    temporary = f"{path}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def user_folder() -> str | None:
    """Where this user's caches are: in `XDG_CACHE_HOME`, or where the platform has them.

    None where there is no home of this user's to put it in, or where that came with what is looked at.
    """
    if not hasattr(os, "geteuid"):
        return None
    parent = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(parent):
        home = os.path.expanduser("~")
        # Under sudo the home may be another user's: nothing of root's belongs there.
        if not os.path.isabs(home) or not is_ours(home):
            return None
        parent = os.path.join(home, "Library/Caches" if sys.platform == "darwin" else ".cache")
    return None if is_in_work_tree(parent) else os.path.join(parent, "keyleak")


def is_in_work_tree(path: str) -> bool:
    """Whether a folder is in the work tree that keyleak runs in, so that its files may have come with it.

    Pipelines keep caches there (`XDG_CACHE_HOME: $CI_PROJECT_DIR/.cache`), and whoever proposes a change can
    bring such a folder.
    """
    try:
        tree = os.path.realpath(".")
        while not os.path.lexists(os.path.join(tree, ".git")):
            above = os.path.dirname(tree)
            if above == tree:
                return False
            tree = above
        return os.path.commonpath((tree, os.path.realpath(path))) == tree
    except OSError:
        # The folder is gone, and nothing is known.
        return True


def is_ours(path: str) -> bool:
    """Whether a folder is there that only this user (or root) can write to."""
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and may_be_trusted(facts)

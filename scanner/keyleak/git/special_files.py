"""Files that git would open by their name and then wait for: pipes and devices that a folder may hold."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


# Files of a git folder that nearly every command of git opens.
_OPENED: Final = (
    *("HEAD", "config", "config.worktree", "commondir", "index", "packed-refs", "shallow"),
    *("info/exclude", "info/attributes", "objects/info/alternates"),
)
_GITDIR: Final = b"gitdir: "
_MOST: Final = 1 << 16  # bytes of a file that names a folder


def refuse_waiting(folder: str) -> None:
    """Whether git started in a folder finds nothing that it would wait for; some twenty calls of `stat`.

    Raises:
        GitError: a file that it opens by name is a pipe, a socket or a device.
    """
    own = _git_folder(os.path.abspath(folder))
    if own is None:
        return
    refuse_special(os.path.join(own, name) for name in _OPENED)
    if shared := _first_line(os.path.join(own, "commondir")):
        shared = os.path.join(own, shared)
        refuse_special(os.path.join(shared, name) for name in _OPENED)


def _git_folder(folder: str) -> str | None:
    """The git folder that git would find from here; None where there is none."""
    while True:
        link = os.path.join(folder, ".git")
        if os.path.isdir(link):
            return link
        if named := _first_line(link).removeprefix(os.fsdecode(_GITDIR)):
            return os.path.join(folder, named)
        if os.path.lexists(os.path.join(folder, "HEAD")) and os.path.isdir(os.path.join(folder, "objects")):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _first_line(path: str) -> str:
    """What a small regular file says; nothing where it is none."""
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb", buffering=0) as file:
            return os.fsdecode(file.read(_MOST).split(b"\n", 1)[0])
    except OSError:
        return ""


def refuse_special(paths: Iterable[str]) -> None:
    """Whether git can open each of these; what is not there is no trouble.

    Raises:
        GitError: one of them is a pipe, a socket or a device.
    """
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue  # git does not open it either
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            reason = "is a pipe, a socket or a device, which git would wait for; remove it"
            raise GitError((), None, f"{path} {reason}")


def named_below(root: str, name: str) -> Iterator[str]:
    """Every path below a folder whose last part is this name, but for those in git folders."""
    waiting = [root]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name == name:
                        yield entry.path
                    elif entry.is_dir(follow_symlinks=False) and entry.name != ".git":
                        waiting.append(entry.path)
        except OSError:
            continue  # git cannot list it either


def named_above(root: str, paths: Iterable[str], name: str) -> list[str]:
    """A name in each folder on the way from a root to paths below it.

    Args:
        root: a folder.
        paths: relative to it.
        name: what git looks for in each of those folders.
    """
    folders = {""}
    for path in paths:
        while path := os.path.dirname(path):
            if path in folders:
                break
            folders.add(path)
    return sorted(os.path.join(root, folder, name) for folder in folders)

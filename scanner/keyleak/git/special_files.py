"""Files that git would open by their name and then wait for: pipes and devices that a folder may hold."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.checkout import beginning, git_folder_of, is_git_folder, worktree_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


# Files of a git folder that nearly every command of git opens.
_OPENED: Final = (
    *("HEAD", "config", "config.worktree", "commondir", "index", "packed-refs", "shallow"),
    *("info/exclude", "info/attributes", "objects/info/alternates"),
)


def refuse_waiting(folder: str) -> None:
    """Whether git started in a folder finds nothing that it would wait for; some twenty calls of `stat`.

    Raises:
        GitError: a file that it opens by name is a pipe, a socket or a device.
    """
    path = os.path.abspath(folder)
    tree = None if is_git_folder(path) else worktree_root(path)
    own = path if tree is None else git_folder_of(tree)
    if own is None:
        return
    refuse_special(os.path.join(own, name) for name in _OPENED)
    if shared := beginning(os.path.join(own, "commondir")).strip():
        refuse_special(os.path.join(own, os.fsdecode(shared), name) for name in _OPENED)


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

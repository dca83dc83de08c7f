"""Where a work tree begins, told without git."""

from __future__ import annotations

import os
import stat
from typing import Final

from keyleak.on_use import on_use

_MOST_CONFIGURATION: Final = 64 << 10
_GITFILE: Final = b"gitdir:"
_LONGEST_GITFILE: Final = 8 << 10
_ORIGIN: Final = on_use(r'\[remote "origin"\]\s([^\[]*)')
_URL: Final = on_use(r"(?m)^\s*url\s*=\s*(\S+)")
_SEPARATOR: Final = on_use(r"[/:\\]")


def worktree_root(folder: str) -> str | None:
    """The work tree that holds a folder: the nearest one with a `.git`, or None.

    Args:
        folder: an absolute path without symbolic links.
    """
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


def own_checkout(roots: list[str]) -> str | None:
    """The work tree that keyleak runs in, if it is this user's and holds all that is to be read.

    Args:
        roots: what is to be read, as paths; none of them where only standard input is.
    """
    tree = worktree_root(os.path.realpath("."))
    if tree is None or not hasattr(os, "geteuid") or os.stat(tree).st_uid != os.geteuid():
        return None
    return tree if all(_belongs_to(tree, os.path.realpath(root)) for root in roots) else None


def holding_tree(path: str) -> str | None:
    """The work tree that holds a path, or None."""
    real = os.path.realpath(path)
    return worktree_root(real if os.path.isdir(real) else os.path.dirname(real))


def link_out(path: str) -> str | None:
    """Where a path ends that begins in the work tree that keyleak runs in and leads out of it, or None.

    Git keeps links, so one in a work tree may be a stranger's: what is written must not follow it anywhere.
    """
    real = os.path.realpath(path)
    if real == os.path.abspath(path):
        return None
    tree = worktree_root(os.path.realpath("."))
    # The folder's own path is resolved: a work tree may be reached by a link of the user's.
    begins = os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(path))), os.path.basename(path))
    is_inside = any(_is_below(each, tree) for each in (begins, os.path.abspath(path))) if tree else False
    return real if tree and is_inside and not _is_below(real, tree) else None


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _belongs_to(tree: str, real: str) -> bool:
    """Whether a path is of this work tree, not of a repository inside it."""
    return holding_tree(real) == tree and not _is_bare_repository(real)


def is_git_folder(folder: str) -> bool:
    """Whether a folder is one that git keeps a repository or a linked work tree in."""
    names = ("HEAD", "objects", "refs")
    return all(os.path.lexists(os.path.join(folder, name)) for name in names) or all(
        os.path.lexists(os.path.join(folder, name)) for name in ("HEAD", "commondir")
    )


def git_folder_of(tree: str) -> str | None:
    """The folder that git keeps a work tree's repository in, or None where `.git` leads to none.

    Args:
        tree: a folder with a `.git`: a folder, or a file that names one, as submodules and linked trees have.
    """
    path = os.path.join(tree, ".git")
    if not os.path.isdir(path):
        named = beginning(path)
        if not named.startswith(_GITFILE):
            return None
        path = os.path.join(tree, os.fsdecode(named.removeprefix(_GITFILE).strip()))
    return path if b"\0" not in os.fsencode(path) and is_git_folder(path) else None


def beginning(path: str) -> bytes:
    """The first 8 KiB of a regular file that is no link; nothing of any other."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return b""
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _LONGEST_GITFILE) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _is_bare_repository(real: str) -> bool:
    return is_git_folder(real) and os.path.basename(real) != ".git"


def repository_name(tree: str) -> str:
    """What a repository is called: `owner/name` by the address of its origin, else its folder's name.

    Args:
        tree: its work tree or bare folder.
    """
    folder = os.path.join(tree, ".git")
    try:
        with open(os.path.join(folder if os.path.isdir(folder) else tree, "config"), "rb") as file:
            configuration = file.read(_MOST_CONFIGURATION).decode("utf-8", "replace")
    except OSError:
        configuration = ""
    origin = _ORIGIN.search(configuration)
    url = _URL.search(origin[1]) if origin else None
    name = "/".join(_SEPARATOR.split(url[1].rstrip("/"))[-2:]) if url else os.path.basename(tree)
    return name.lower().removesuffix(".git")

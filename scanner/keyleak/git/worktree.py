"""Work trees: where one begins and which of its files git ignores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run

# How `git ls-files -t` marks an entry of the index that need not be in the work tree.
_SKIPPED: Final = b"S "

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def ignored_among(root: str, paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths that git ignores; a tracked file is not ignored, whatever `.gitignore` says.

    Args:
        root: the work tree.
        paths: relative to it.

    Raises:
        GitError: git cannot read the work tree.
    """
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    # 1 is git's answer where none of them is ignored.
    answer = run(["check-ignore", "-z", "--stdin"], root, stdin=asked, accept=(0, 1))
    return frozenset(os.fsdecode(path) for path in answer.split(b"\0") if path)


def not_checked_out(root: str, paths: Sequence[str]) -> int:
    """How many tracked files at and below paths a sparse checkout leaves out.

    Args:
        root: the work tree.
        paths: relative to it.

    Raises:
        GitError: git cannot read the index.
    """
    listing = ("--literal-pathspecs", "ls-files", "-z", "-t", "--", *paths)
    entries = run(listing, root).split(b"\0")
    return sum(
        entry.startswith(_SKIPPED)
        and not os.path.lexists(os.path.join(root, os.fsdecode(entry.removeprefix(_SKIPPED))))
        for entry in entries
    )


def ignored_below(root: str) -> frozenset[str]:
    """Everything that git ignores in a work tree, relative to it; a folder stands for what it holds.

    Raises:
        GitError: git cannot read the work tree.
    """
    listing = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    answer = run(listing, root)
    return frozenset(os.fsdecode(path).rstrip("/") for path in answer.split(b"\0") if path)

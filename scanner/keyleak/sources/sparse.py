"""Tracked files that a sparse checkout leaves out: no scan of the work tree can read them, and it says so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyleak.coverage import Coverage, Gap
from keyleak.errors import GitError
from keyleak.git.checkout import git_folder_of, holding_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def sparse_coverage(roots: Iterable[str], repositories: Iterable[str]) -> Coverage:
    """How many tracked files at and below the roots are not checked out.

    Git is started only where a work tree has patterns of a sparse checkout.

    Args:
        roots: files and folders that were scanned.
        repositories: those found below them.
    """
    below: dict[str, set[str]] = {real: {"."} for real in map(os.path.realpath, repositories)}
    for root in roots:
        if (tree := holding_tree(root)) is not None:
            below.setdefault(tree, set()).add(os.path.relpath(os.path.realpath(root), tree))
    found = (_of_tree(tree, sorted(paths)) for tree, paths in sorted(below.items()) if _is_sparse(tree))
    return sum(found, Coverage())


def _is_sparse(tree: str) -> bool:
    folder = git_folder_of(tree)
    return folder is not None and os.path.lexists(os.path.join(folder, "info", "sparse-checkout"))


def _of_tree(tree: str, paths: Sequence[str]) -> Coverage:
    from keyleak.git.worktree import not_checked_out  # noqa: PLC0415 - starts git, which hardly any scan needs

    try:
        return Coverage(not_checked_out=not_checked_out(tree, paths))
    except GitError as error:
        return Coverage(gaps=(Gap(tree, f"which files are not checked out is not known: {error}"),))

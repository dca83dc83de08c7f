"""Files that git ignores: the right place for a key, so a key there is a note and says so."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.findings import LocationKind, Severity
from keyleak.git.checkout import worktree_root
from keyleak.git.worktree import ignored_among, ignored_below
from keyleak.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from keyleak.findings import Sighting

REMARK: Final = "git ignores this file, so the key is not in the repository"


def leave_out_ignored(roots: Sequence[str]) -> Callable[[str], bool] | None:
    """Says of a path below the roots whether git ignores it; None where it ignores nothing there.

    Raises:
        GitError: git cannot read a work tree, so it is not known what it ignores.
    """
    trees = {tree for root in roots if (tree := _tree_of(os.path.realpath(root)))}
    ignored = frozenset(os.path.join(tree, path) for tree in trees for path in ignored_below(tree))
    if not ignored:
        return None
    real_folders: dict[str, str] = {}

    def is_ignored(path: str) -> bool:
        folder, _, name = path.rpartition(os.sep)
        if folder not in real_folders:
            # Nothing stands before the first separator of `/name`, and nothing may: `//name` is another.
            real_folders[folder] = os.path.realpath(os.path.dirname(path)).rstrip(os.sep)
        return f"{real_folders[folder]}{os.sep}{name}" in ignored

    return is_ignored


def note_ignored(sightings: Iterable[Sighting], warn: Callable[[str], None]) -> list[Sighting]:
    """The sightings with those in ignored files made notes.

    Only files with keys are asked about, so that a scan without findings never starts git.

    Args:
        sightings: what was found.
        warn: told where git could not say; the sightings then keep their weight.
    """
    every = list(sightings)
    by_tree: dict[str, set[str]] = defaultdict(set)
    places = {sighting.location.path: _place(sighting) for sighting in every}
    for place in places.values():
        if place is not None:
            by_tree[place[0]].add(place[1])
    ignored: set[tuple[str, str]] = set()
    for tree, paths in by_tree.items():
        try:
            ignored.update((tree, path) for path in ignored_among(tree, sorted(paths)))
        except GitError as error:
            warn(f"which files git ignores in {tree} is not known: {error}")
    return [_noted(sighting) if places[sighting.location.path] in ignored else sighting for sighting in every]


def _noted(sighting: Sighting) -> Sighting:
    return replace(sighting, severity=Severity.NOTE, remark=REMARK)


def _place(sighting: Sighting) -> tuple[str, str] | None:
    """The work tree a sighting's file is in, and its path there."""
    path = sighting.location.path
    if path is None or sighting.location.kind not in {LocationKind.FILE, LocationKind.PATH_NAME}:
        return None
    folder, name = os.path.split(path)
    real_folder = os.path.realpath(folder or ".")
    tree = worktree_root(real_folder)
    return None if tree is None else (tree, os.path.relpath(os.path.join(real_folder, name), tree))


def _tree_of(path: str) -> str | None:
    return worktree_root(path if os.path.isdir(path) else os.path.dirname(path))

"""The content of one commit: the objects in its tree, once each, and the paths that lead to some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.git.tree_walk import TreeWalk

if TYPE_CHECKING:
    from collections.abc import Collection


class TreeObjects(NamedTuple):
    """The objects in a commit's tree, the tree itself included."""

    ids: frozenset[bytes]
    missing: frozenset[bytes]
    """Those that the repository lacks; what is in a missing tree is not known."""


class TreePaths(NamedTuple):
    """Where an object is in a commit's tree."""

    paths: tuple[str, ...]
    """In the order of the tree; the tree itself is at an empty one."""
    more: int
    """How many further ones there are."""


def tree_objects(repository: str, commit: str) -> TreeObjects:
    """Every tree and blob of a commit, once each.

    Raises:
        GitError: git does not know the commit.
    """
    command = ["rev-list", "--objects", "--no-object-names", "--missing=print", "--no-walk"]
    lines = run([*command, "--end-of-options", commit, "--"], repository).decode().split()
    missing = {line[1:] for line in lines if line.startswith("?")}
    here = {line for line in lines if not line.startswith("?")} - {commit}
    return TreeObjects(frozenset(map(bytes.fromhex, here)), frozenset(map(bytes.fromhex, missing)))


def tree_paths(repository: str, commit: str, wanted: Collection[str], most: int) -> dict[str, TreePaths]:
    """Where in a commit's tree objects are.

    Args:
        repository: where the commit is.
        commit: its id.
        wanted: ids of trees and blobs.
        most: paths of one object that are worth listing.

    Raises:
        GitError: a tree is missing or damaged.
    """
    with single_objects(repository) as objects:
        root = objects.read(commit)[1][5:].partition(b"\n")[0].decode()
        trees = TreeWalk(objects, wanted)
        held = trees.held(root)
        found = {oid: list(trees.paths(root, oid, most)) for oid in wanted}
    return {
        oid: TreePaths(("", *paths) if oid == root else tuple(paths), held.get(oid, 0) - len(paths))
        for oid, paths in found.items()
    }

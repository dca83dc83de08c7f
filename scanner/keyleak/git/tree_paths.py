"""The content of one commit: the objects in its tree, once each, and the paths that lead to some of them.

A tree can hold another many times over, and that a third: eleven small ones can name ten million paths. So
trees are walked by id, and paths are made for the few objects that somebody asks about.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_FOLDER: Final = b"40000"
_LARGEST_TREE: Final = 256 << 20


class TreeObjects(NamedTuple):
    """The objects in a commit's tree, the tree itself included."""

    ids: frozenset[bytes]
    missing: frozenset[bytes]
    """Those that the repository lacks; what is in a missing tree is not known."""


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


def tree_paths(repository: str, commit: str, wanted: Iterable[str], most: int) -> dict[str, list[str]]:
    """Where in a commit's tree objects are.

    Args:
        repository: where the commit is.
        commit: its id.
        wanted: ids of trees and blobs.
        most: paths of one object that are worth knowing.

    Returns:
        Up to that many paths of each object, in the order of the tree; the tree itself is at an empty one.

    Raises:
        GitError: a tree is missing or damaged.
    """
    root, children = _trees(repository, commit)
    parents: dict[str, set[str]] = defaultdict(set)
    for tree, entries in children.items():
        for _, child in entries:
            parents[child].add(tree)
    return {oid: list(_paths_to(oid, root, children, _leading_to(oid, parents), most)) for oid in set(wanted)}


def _trees(repository: str, commit: str) -> tuple[str, dict[str, list[tuple[str, str]]]]:
    """The tree of a commit, and for every tree in it the names and ids of what it holds."""
    children: dict[str, list[tuple[str, str]]] = {}
    with single_objects(repository) as objects:
        root = objects.read(commit)[1][5:].partition(b"\n")[0].decode()
        waiting = [root]
        while waiting:
            tree = waiting.pop()
            if tree in children:
                continue
            content = objects.read(tree, _LARGEST_TREE)[1]
            entries = list(_entries(content, len(tree) // 2))
            children[tree] = [(name, child) for _, name, child in entries]
            waiting += (child for mode, _, child in entries if mode == _FOLDER)
    return root, children


def _entries(tree: bytes, id_bytes: int) -> Iterator[tuple[bytes, str, str]]:
    """The mode, name and id of each entry."""
    place = 0
    while (end := tree.find(b"\0", place)) >= 0:
        mode, _, name = tree[place:end].partition(b" ")
        place = end + 1 + id_bytes
        yield mode, os.fsdecode(name), tree[end + 1 : place].hex()


def _leading_to(oid: str, parents: Mapping[str, set[str]]) -> set[str]:
    """An object and every tree that holds it, in itself or farther down."""
    leading, waiting = {oid}, [oid]
    while waiting:
        above = parents.get(waiting.pop(), set()) - leading
        leading |= above
        waiting += above
    return leading


def _paths_to(
    oid: str,
    root: str,
    children: Mapping[str, Sequence[tuple[str, str]]],
    leading: set[str],
    most: int,
) -> Iterator[str]:
    waiting = [("", root)] if root in leading else []
    found = 0
    while waiting and found < most:
        path, node = waiting.pop()
        if node == oid:
            found += 1
            yield path
            continue
        below = [(f"{path}/{name}" if path else name, child) for name, child in children[node]]
        waiting += reversed([(name, child) for name, child in below if child in leading])

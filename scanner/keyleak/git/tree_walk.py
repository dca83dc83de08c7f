"""Trees by their ids, each read once, however many paths lead to it.

A tree can hold another many times over, and that a third: eleven small ones name a hundred million paths.
Whoever lists paths, as git does, never comes to an end; here they are counted, and a few are made.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from keyleak.git.single_objects import SingleObjects

_LARGEST_TREE: Final = 256 << 20
_FOLDERS: Final = frozenset({b"40000", b"040000"})
SUBMODULE: Final = "160000"
"""The mode of a commit of another repository."""


class TooManyTreesError(Exception):
    """More trees than were to be read."""


class TreeEntry(NamedTuple):
    """One entry of a tree."""

    mode: bytes
    name: str
    """Undecodable bytes are surrogate-escaped."""
    oid: str

    def has(self, wanted: str) -> bool:
        """Whether its id or its mode is this."""
        return wanted == self.oid or wanted.encode() == self.mode

    @property
    def is_folder(self) -> bool:
        """Whether it is a tree."""
        return self.mode in _FOLDERS


class TreeWalk:
    """Trees of one repository, with how many paths in each lead to what is wanted."""

    def __init__(self, objects: SingleObjects, wanted: Collection[str], most: int | None = None) -> None:
        """Know what is wanted.

        Args:
            objects: where trees are read.
            wanted: ids of trees and blobs, and modes of entries.
            most: trees that are read at most.
        """
        self._objects = objects
        self._most = most
        self._wanted = frozenset(wanted)
        self._entries: dict[str, list[TreeEntry]] = {}
        self._held: dict[str, Counter[str]] = {}
        self._totals: dict[str, int] = {}

    @property
    def entries(self) -> int:
        """How many entries the trees have that were read."""
        return sum(map(len, self._entries.values()))

    def held(self, tree: str) -> Mapping[str, int]:
        """What a tree holds of what is wanted, with the number of paths that lead there.

        Raises:
            GitError: a tree is not there.
        """
        self._visit(tree)
        return self._held[tree]

    def total(self, tree: str) -> int:
        """How many paths of files and folders there are in a tree.

        Raises:
            GitError: a tree is not there.
            TooManyTreesError: it takes more trees than were to be read.
        """
        self._visit(tree)
        return self._totals[tree]

    def paths(self, tree: str, wanted: str, most: int) -> Iterator[str]:
        """Paths in a tree to one of what is wanted; the first few where there are many.

        Raises:
            GitError: a tree is not there.
        """
        self._visit(tree)
        waiting = self._leading("", tree, wanted)
        found = 0
        while waiting and found < most:
            path, entry = waiting.pop()
            if entry.has(wanted):
                found += 1
                yield path
            if entry.is_folder:
                waiting += self._leading(f"{path}/", entry.oid, wanted)

    def _leading(self, prefix: str, tree: str, wanted: str) -> list[tuple[str, TreeEntry]]:
        """The entries of a tree that are what is wanted or lead to it, with paths; the first one last."""
        return [
            (prefix + entry.name, entry)
            for entry in reversed(self._entries[tree])
            if entry.has(wanted) or (entry.is_folder and self._held[entry.oid][wanted])
        ]

    def _visit(self, top: str) -> None:
        """Counts in a tree and all below it, from the bottom up."""
        waiting = [top]
        while waiting:
            tree = waiting[-1]
            entries = self._read(tree)
            below = [entry.oid for entry in entries if entry.is_folder and entry.oid not in self._held]
            if below and tree not in self._held:
                waiting += below
                continue
            waiting.pop()
            if tree not in self._held:
                self._count(tree, entries)

    def _count(self, tree: str, entries: Iterable[TreeEntry]) -> None:
        held, total = Counter[str](), 0
        for entry in entries:
            total += 1
            for name in (entry.oid, entry.mode.decode("ascii", "replace")):
                held[name] += name in self._wanted
            if entry.is_folder:
                held.update(self._held[entry.oid])
                total += self._totals[entry.oid]
        self._held[tree], self._totals[tree] = +held, total

    def _read(self, tree: str) -> list[TreeEntry]:
        if tree not in self._entries:
            if len(self._entries) == self._most:
                raise TooManyTreesError
            content = self._objects.read(tree, _LARGEST_TREE)[1]
            self._entries[tree] = list(_parsed(content, len(tree) // 2))
        return self._entries[tree]


def _parsed(tree: bytes, id_bytes: int) -> Iterator[TreeEntry]:
    place = 0
    while (end := tree.find(b"\0", place)) >= 0:
        mode, _, name = tree[place:end].partition(b" ")
        place = end + 1 + id_bytes
        yield TreeEntry(mode, os.fsdecode(name), tree[end + 1 : place].hex())

"""Every object of a repository, each visited once: packs by the fast path, the rest by the plain one."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from keyleak.coverage import Gap
from keyleak.errors import GitError
from keyleak.git.object_store import open_store
from keyleak.git.pack_index import PackError, UnusualPackError, leading_words, read_index
from keyleak.git.plain import read_by_id
from keyleak.git.process import run
from keyleak.git.visitor import ObjectsRead
from keyleak.git.workers import PackTask, Refused, read_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from _typeshed import StrOrBytesPath

    from keyleak.git.object_store import ObjectStore
    from keyleak.git.pack_index import PackIndex
    from keyleak.git.visitor import MakeVisitor, ReadOptions

R = TypeVar("R")

_PART_BYTES: Final = 16 << 20  # of a pack: large enough to amortise, small enough to share out and to report
_FEW: Final = 20_000  # objects that are quicker asked of git one by one than found in packs
_WORTH_WORKERS: Final = 4 << 20  # bytes of packs below which starting processes takes longer than reading


def read_objects(
    repository: StrOrBytesPath, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """Visits every object a repository holds, reachable or not, once.

    Args:
        repository: a bare repository, a work tree, or a folder in one.
        make_visitor: builds the visitor in each process; picklable where `options.jobs` is over 1.
        options: what to read and how.

    Raises:
        GitError: git does not take this for a repository, does not trust it, or cannot be started.
    """
    if options.only is not None and len(options.only) <= _FEW:
        return read_by_id(repository, sorted(options.only), make_visitor(), options)
    store = open_store(repository)
    inventory = _Inventory(store, options.only)
    read, left = _read_packs(inventory, make_visitor, options)
    ids = inventory.not_packed(left)
    damage: tuple[Gap, ...] = ()
    if inventory.unusual:
        try:
            ids |= _listed_by_git(repository) - inventory.taken()
        except GitError as error:
            # A pack can be too damaged even for git to list; what is readable was read all the same.
            damage = (
                Gap("list of all objects", f"git cannot make it, so objects may be missing here: {error}"),
            )
    if options.only is not None:
        # Whatever no pack brought is asked of git, which says what it lacks.
        ids = (ids & options.only) | (options.only - inventory.taken())
    if ids and not options.stop():
        rest = read_by_id(repository, sorted(ids), make_visitor(), options)
        options.progress(rest.counts, rest.content_bytes)
        read += rest
    return replace(read, gaps=store.gaps + inventory.gaps + damage + read.gaps)


def read_objects_plainly(
    repository: StrOrBytesPath, make_visitor: MakeVisitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """As `read_objects`, but all of it by the plain path: slow, and what the fast path is held against.

    Raises:
        GitError: see `read_objects`.
    """
    return read_by_id(repository, sorted(_listed_by_git(repository)), make_visitor(), options)


def _listed_by_git(repository: StrOrBytesPath) -> set[bytes]:
    command = ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)"]
    return {bytes.fromhex(line.decode()) for line in run(command, repository).split()}


def _read_packs(
    inventory: _Inventory, make_visitor: MakeVisitor[R], options: ReadOptions
) -> tuple[ObjectsRead[R], list[bytes]]:
    read: ObjectsRead[R] = ObjectsRead()
    results: list[R] = []
    gaps: list[Gap] = []
    left: list[bytes] = []
    jobs = options.jobs if inventory.bytes >= _WORTH_WORKERS else 1
    for part in read_tasks(inventory.tasks(options), make_visitor, options.limits, jobs):
        if isinstance(part, Refused):
            inventory.refuse(part)
            continue
        results.extend(part.results)
        gaps.extend(part.gaps)
        left.extend(part.left)
        read = replace(
            read, counts=read.counts + part.counts, content_bytes=read.content_bytes + part.content_bytes
        )
        options.progress(part.counts, part.content_bytes)
        if options.stop():
            break
    return replace(read, results=tuple(results), gaps=tuple(gaps)), left


class _Inventory:
    """The packs of a store with what each brings that no pack before it does."""

    def __init__(self, store: ObjectStore, only: frozenset[bytes] | None = None) -> None:
        self._store = store
        self._only = only
        self._indexes: dict[str, PackIndex] = {}
        self._refused: set[str] = set()
        self._gaps: list[Gap] = []
        self.unusual = False
        """Whether git has to be asked which objects there are."""
        self._several = len(store.packs) > 1 or bool(store.loose) or only is not None
        for path in store.packs if self._several else ():
            self._index(path)
        self.bytes = sum(os.path.getsize(path) for path in store.packs if os.path.exists(path))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is wrong with whole packs."""
        return tuple(self._gaps)

    def tasks(self, options: ReadOptions) -> Iterator[PackTask]:
        """The parts of every readable pack, those of one pack together."""
        skips = self._duplicates()
        for path in self._store.packs:
            if path in self._refused:
                continue
            parts = 1 + (os.path.getsize(path) // _PART_BYTES if os.path.exists(path) else 0)
            for number in range(parts):
                yield PackTask(path, self._store.id_bytes, options.kinds, parts, number, skips.get(path, b""))

    def refuse(self, refused: Refused) -> None:
        """Notes a pack that the fast path does not read; git is asked for its objects instead."""
        if refused.path not in self._refused:
            self._refused.add(refused.path)
            self.unusual = True
            if not refused.unusual:
                self._gaps.append(Gap(os.path.basename(refused.path), refused.reason))

    def not_packed(self, left: Sequence[bytes]) -> set[bytes]:
        """Ids for the plain path: what the packs left, and loose objects that no readable pack has."""
        ids = set(left)
        loose = np.frombuffer(b"".join(self._store.loose), np.uint8).reshape(-1, self._store.id_bytes)
        packed = np.zeros(len(loose), np.bool_)
        for path, index in self._indexes.items():
            if path not in self._refused:
                packed |= index.find(loose) >= 0
        return ids.union(row.tobytes() for row in loose[~packed])

    def taken(self) -> set[bytes]:
        """Every id that a readable pack holds."""
        return {
            row.tobytes()
            for path in self._store.packs
            if path not in self._refused and (index := self._index(path)) is not None
            for row in index.ids
        }

    def _index(self, path: str) -> PackIndex | None:
        if path in self._indexes:
            return self._indexes[path]
        try:
            self._indexes[path] = read_index(os.path.splitext(path)[0] + ".idx", self._store.id_bytes)
        except (PackError, OSError) as error:
            reason = (error.strerror if isinstance(error, OSError) else str(error)) or "cannot be read"
            self.refuse(Refused(path, reason, isinstance(error, UnusualPackError)))
            return None
        return self._indexes[path]

    def _duplicates(self) -> dict[str, bytes]:
        """For each pack which rows of its index to skip: repeated in one before it, or not asked for."""
        paths = [path for path in self._store.packs if path in self._indexes]
        if not paths or (len(paths) < 2 and self._only is None):
            return {}
        ids = np.concatenate([self._indexes[path].ids for path in paths])
        # The sort is stable: of equal ids the one in the first pack comes first.
        words = leading_words(ids)
        order = np.argsort(words, kind="stable")
        same = words[order[1:]] == words[order[:-1]]
        same[same] = (ids[order[1:][same]] == ids[order[:-1][same]]).all(axis=1)
        repeated = np.zeros(len(ids), np.uint8)
        repeated[order[1:][same]] = 1
        if self._only is not None:
            repeated |= ~_among(ids, self._only)
        ends = np.cumsum([len(self._indexes[path].ids) for path in paths])
        pieces = np.split(repeated, ends[:-1])
        return {path: piece.tobytes() for path, piece in zip(paths, pieces, strict=True) if piece.any()}


def _among(ids: npt.NDArray[np.uint8], wanted: frozenset[bytes]) -> npt.NDArray[np.bool_]:
    """Which rows are wanted ids."""
    return np.fromiter((row.tobytes() in wanted for row in ids), np.bool_, len(ids))

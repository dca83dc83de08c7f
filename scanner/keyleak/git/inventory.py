"""The packs of an object database: what each brings that none before it does, and the tasks of reading it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import numpy as np

from keyleak.coverage import Gap
from keyleak.git.memory import pack_name
from keyleak.git.pack_index import PackError, UnusualPackError, leading_words, read_index
from keyleak.git.parts import COPIED, COUNTED, UNWANTED
from keyleak.git.workers import PackTask, Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import numpy.typing as npt

    from keyleak.git.memory import Digests, ObjectMemory, Remembered
    from keyleak.git.object_store import ObjectStore
    from keyleak.git.pack_index import PackIndex
    from keyleak.git.visitor import Kind

_PART_BYTES: Final = 4 << 20  # of a pack: large enough to amortise, small enough to share out and to report


class Inventory:
    """The packs of a store with what each brings that no pack before it does."""

    def __init__(self, store: ObjectStore, digests: Digests, only: frozenset[bytes] | None = None) -> None:
        self._store = store
        self._digests = digests
        self._only = only
        self._indexes: dict[str, PackIndex] = {}
        self._refused: set[str] = set()
        self._gaps: list[Gap] = []
        self.unusual = False
        """Whether git has to be asked which objects there are."""
        self._several = len(store.packs) > 1 or bool(store.loose) or only is not None
        for path in store.packs if self._several else ():
            self._index(path)
        self._flags = self._several_copies()
        self._known: dict[str, Remembered] = {}

    @property
    def bytes_to_read(self) -> int:
        """Of packs that are not known."""
        return sum(
            os.path.getsize(path)
            for path in self._store.packs
            if path not in self._known and os.path.exists(path)
        )

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is wrong with whole packs."""
        return tuple(self._gaps)

    def recall(self, memory: ObjectMemory) -> dict[str, Remembered]:
        """What is remembered, by path of a pack; those are not read again."""
        names = {path: self._name(path) for path in self._store.packs}
        known = {path: memory.recall(name) for path, name in names.items() if name}
        self._known = {path: remembered for path, remembered in known.items() if remembered is not None}
        return self._known

    @property
    def known(self) -> tuple[Remembered, ...]:
        """What is remembered of packs."""
        return tuple(self._known.values())

    def is_read(self, path: str, parts: int) -> bool:
        """Whether so many parts are the whole of a pack that is fit to read."""
        return path not in self._refused and parts == self._parts(path)

    def keep(self, memory: ObjectMemory, path: str, remembered: Remembered) -> None:
        """Remembers what a pack brought."""
        if name := self._name(path):
            memory.keep(name, remembered)

    def forget(self) -> None:
        """Has everything read, whatever is remembered."""
        self._known = {}

    def _name(self, path: str) -> str:
        flags = np.frombuffer(self._flags.get(path, b""), np.uint8) & COUNTED
        return pack_name(path, flags.tobytes() if flags.any() else b"", self._digests)

    def tasks(self, kinds: frozenset[Kind]) -> Iterator[PackTask]:
        """The parts of every readable pack that is not known, those of one pack together."""
        for path in self._store.packs:
            if path in self._refused or path in self._known:
                continue
            parts = self._parts(path)
            for number in range(parts):
                yield PackTask(path, self._store.id_bytes, kinds, parts, number, self._flags.get(path, b""))

    def _parts(self, path: str) -> int:
        return 1 + (os.path.getsize(path) // _PART_BYTES if os.path.exists(path) else 0)

    def refuse(self, refused: Refused) -> None:
        """Notes a pack that the fast path does not read; git is asked for its objects instead."""
        if refused.path not in self._refused:
            self._refused.add(refused.path)
            self.unusual = True
            if not refused.unusual:
                self._gaps.append(Gap(os.path.basename(refused.path), refused.reason))

    def packed_too(self) -> frozenset[bytes]:
        """Ids of loose objects that a readable pack has as well."""
        oids = self._loose_ids()
        loose = np.frombuffer(b"".join(oids), np.uint8).reshape(-1, self._store.id_bytes)
        packed = np.zeros(len(loose), np.bool_)
        for path, index in self._indexes.items():
            if path not in self._refused:
                packed |= index.find(loose) >= 0
        return frozenset(oids[place] for place in np.flatnonzero(packed))

    def lacks(self, ids: Collection[bytes]) -> set[bytes]:
        """Those of some ids that neither a readable pack nor a loose file has."""
        wanted = [oid for oid in ids if len(oid) == self._store.id_bytes]
        rows = np.frombuffer(b"".join(wanted), np.uint8).reshape(-1, self._store.id_bytes)
        lacking = np.ones(len(wanted), np.bool_)
        for path in self._store.packs if wanted else ():
            if path not in self._refused and (index := self._index(path)) is not None:
                lacking &= index.find(rows) < 0
        return {wanted[place] for place in np.flatnonzero(lacking)}.difference(self._loose_ids())

    def _loose_ids(self) -> list[bytes]:
        return [file.oid for file in self._store.loose if len(file.oid) == self._store.id_bytes]

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

    def _several_copies(self) -> dict[str, bytes]:
        """The flags of each pack that has an object which another file has too, or which is not asked for."""
        paths = [path for path in self._store.packs if path in self._indexes]
        if not paths:
            return {}
        loose = b"".join(self._loose_ids())
        ids = np.concatenate(
            [
                *(self._indexes[path].ids for path in paths),
                np.frombuffer(loose, np.uint8).reshape(-1, self._store.id_bytes),
            ]
        )
        # The sort is stable: of equal ids the one in the first pack comes first.
        words = leading_words(ids)
        order = np.argsort(words, kind="stable")
        same = words[order[1:]] == words[order[:-1]]
        same[same] = (ids[order[1:][same]] == ids[order[:-1][same]]).all(axis=1)
        flags = np.zeros(len(ids), np.uint8)
        flags[order[1:][same]] = COUNTED | COPIED
        flags[order[:-1][same]] |= COPIED
        if self._only is not None:
            flags[~_among(ids, self._only)] = UNWANTED
        ends = np.cumsum([len(self._indexes[path].ids) for path in paths])
        pieces = np.split(flags, ends)
        return {path: piece.tobytes() for path, piece in zip(paths, pieces, strict=False) if piece.any()}


def _among(ids: npt.NDArray[np.uint8], wanted: frozenset[bytes]) -> npt.NDArray[np.bool_]:
    """Which rows are wanted ids."""
    return np.fromiter((row.tobytes() in wanted for row in ids), np.bool_, len(ids))

"""Walking the trees of a delta forest: each object rebuilt once, visited, and let go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import numpy as np
from dulwich.errors import ApplyDeltaError
from dulwich.pack import apply_delta  # the native one, where dulwich has it for this platform

from keyleak.coverage import Gap, ObjectCounts
from keyleak.git.inflation import DamagedError, Windows, inflate
from keyleak.git.visitor import object_id

if TYPE_CHECKING:
    import mmap

    from keyleak.git.delta_forest import DeltaForest, Part
    from keyleak.git.pack_headers import PackHeaders
    from keyleak.git.pack_index import PackIndex
    from keyleak.git.visitor import Kind, ReadLimits, Visitor

R = TypeVar("R")

KINDS: Final[tuple[Kind | None, ...]] = (None, "commit", "tree", "blob", "tag")
"""Kinds by their number in a pack."""

# Objects below this size are looked at together, so many at a time; larger ones are not worth the copy.
_SMALL: Final = 16 << 10
_TOGETHER: Final = 256


class _TooLargeError(Exception):
    """A delta whose result is over the limit; `args[0]` is the size it claims."""


# What a damaged or hostile delta makes of its rebuilding.
_REFUSALS: Final = (
    *(DamagedError, _TooLargeError, MemoryError),
    *(ApplyDeltaError, ValueError, IndexError, AssertionError),
)


@dataclass(frozen=True, slots=True)
class OpenPack:
    """A pack made ready in one process: its parts are then read one at a time."""

    name: str
    index: PackIndex
    headers: PackHeaders
    forest: DeltaForest
    pack: mmap.mmap
    damage: str | None
    """What is wrong with it, where it can be read all the same."""
    skip: bytes
    """One byte for each row of the index, not zero where another pack brings the object; or nothing."""


@dataclass(frozen=True, slots=True)
class PartRead(Generic[R]):
    """What one part of a pack brought."""

    results: tuple[R, ...]
    found: tuple[bytes, ...]
    """Ids of the objects that `results` are of."""
    counts: ObjectCounts
    content_bytes: int
    left: tuple[bytes, ...] = ()
    """Ids of objects for the plain path."""
    gaps: tuple[Gap, ...] = ()

    def __add__(self, other: PartRead[R]) -> PartRead[R]:
        return PartRead(
            self.results + other.results,
            self.found + other.found,
            self.counts + other.counts,
            self.content_bytes + other.content_bytes,
            self.left + other.left,
            self.gaps + other.gaps,
        )


EMPTY_PART: Final[PartRead[Any]] = PartRead((), (), ObjectCounts(), 0)


class Walk(Generic[R]):
    """One walk over the trees of a part."""

    def __init__(self, opened: OpenPack, part: Part, visitor: Visitor[R], limits: ReadLimits) -> None:
        headers = opened.headers
        rows = headers.rows[part.nodes]
        self._name = opened.name
        self._pack = opened.pack
        self._visitor = visitor
        self._limits = limits
        self._children = part.children
        self._first_child = part.first_child
        self._starts: list[int] = headers.starts[part.nodes].tolist()
        self._ends: list[int] = headers.ends[part.nodes].tolist()
        self._sizes: list[int] = headers.sizes[part.nodes].tolist()
        self._kinds: list[int] = opened.forest.kinds[part.nodes].tolist()
        self._id_bytes = opened.index.ids.shape[1]
        self._ids = opened.index.ids[rows].tobytes()
        self._skip = np.frombuffer(opened.skip, np.uint8)[rows].tobytes() if opened.skip else b""
        self._rebuilt: list[tuple[int, bytes]] = []
        self._held = 0
        self._counts = [0] * len(KINDS)
        self._bytes = 0
        self._results: list[R] = []
        self._found: list[bytes] = []
        self._left: list[bytes] = []
        self._gaps: list[Gap] = []

    def read(self) -> PartRead[R]:
        """What the walk has brought so far."""
        self._visit_rebuilt()
        _, commit, tree, blob, tag = self._counts
        counts = ObjectCounts(blob=blob, commit=commit, tag=tag, tree=tree)
        return PartRead(
            tuple(self._results),
            tuple(self._found),
            counts,
            self._bytes,
            tuple(self._left),
            tuple(self._gaps),
        )

    def tree(self, root: int) -> None:
        """Visits a base and, depth first, everything built on it."""
        size = self._sizes[root]
        if size > self._limits.whole_bytes:
            self._large_root(root)
            self._leave_children(root, size)
            return
        try:
            data, followed = inflate(self._pack[self._starts[root] : self._ends[root]], size)
        except (DamagedError, MemoryError):
            self._leave(root)
            self._leave_children(root)
            return
        if followed:
            self._note_followed()
        self._rebuilt.append((root, data))
        if len(data) >= _SMALL or len(self._rebuilt) == _TOGETHER:
            self._visit_rebuilt()
        kids = self._children_of(root)
        if kids:
            self._deltas(data, kids)

    def _deltas(self, data: bytes, kids: list[int]) -> None:
        """Visits what is built on a base, which is released before its last child is read.

        Histories spend their time in this loop, so it is one loop with local names.
        """
        sizes, starts, ends, pack = self._sizes, self._starts, self._ends, self._pack
        first_child, children, rebuilt = self._first_child, self._children, self._rebuilt
        whole_bytes, join = self._limits.whole_bytes, b"".join
        frames = [(data, kids)]
        self._held = len(data)
        while frames:
            base, kids = frames[-1]
            node = kids.pop()
            if not kids:
                frames.pop()
                self._held -= len(base)
            size = sizes[node]
            try:
                delta, followed = inflate(pack[starts[node] : ends[node]], min(size, whole_bytes + 1))
                # An instruction of a delta copies its base at the most: nearly none can build anything large.
                if size * len(base) > whole_bytes:
                    self._check_claim(size, delta)
                data = join(apply_delta(base, delta))
            except _REFUSALS as error:
                self._refuse(node, error)
                continue
            del base
            if followed:
                self._note_followed()
            rebuilt.append((node, data))
            if len(data) >= _SMALL or len(rebuilt) == _TOGETHER:
                self._visit_rebuilt()
            kids = children[first_child[node] : first_child[node + 1]]
            if kids:
                frames.append((data, kids))
                self._held += len(data)
                if self._held > self._limits.held_bytes:
                    self._let_go(frames)

    def _check_claim(self, size: int, delta: bytes) -> None:
        """Refuses a delta that is, or builds, too much."""
        claimed = max(size, _result_size(delta))
        if claimed > self._limits.whole_bytes:
            raise _TooLargeError(claimed)

    def _children_of(self, node: int) -> list[int]:
        return self._children[self._first_child[node] : self._first_child[node + 1]]

    def _note_followed(self) -> None:
        # The object is whole, but what follows it belongs to no object: the index hides something.
        self._gaps.append(Gap(self._name, "bytes that the index gives to no object"))

    def _visit_rebuilt(self) -> None:
        """Has what was rebuilt looked at: small ones together, a large one (the last) by itself."""
        rebuilt = self._rebuilt[:]
        self._rebuilt.clear()
        if skip := self._skip:
            rebuilt = [(node, data) for node, data in rebuilt if not skip[node]]
        counts, kinds = self._counts, self._kinds
        for node, data in rebuilt:
            counts[kinds[node]] += 1
            self._bytes += len(data)
        if rebuilt and len(rebuilt[-1][1]) >= _SMALL:
            self._look_at(*rebuilt.pop())
        for place in self._visitor.worth_visiting([data for _, data in rebuilt]):
            self._look_at(*rebuilt[place])

    def _look_at(self, node: int, data: bytes) -> None:
        kind = KINDS[self._kinds[node]]
        assert kind is not None
        oid = self._oid(node)
        result = self._visitor.visit(oid, kind, data)
        if result is not None:
            self._results.append(result)
            self._found.append(oid)
            # Hashing everything would double the work; what is reported is checked.
            if object_id(kind, data, self._id_bytes) != oid:
                self._gaps.append(Gap(f"object {oid.hex()}", "its content does not have this id"))

    def _large_root(self, node: int) -> None:
        """Visits a base in windows; its deltas are the plain path's."""
        if self._skip and self._skip[node]:
            return
        number = self._kinds[node]
        kind = KINDS[number]
        assert kind is not None
        size = self._sizes[node]
        windows = Windows(self._pack, self._starts[node], self._ends[node], size, self._limits.window_bytes)
        oid = self._oid(node)
        result = self._visitor.visit_windows(oid, kind, windows.read())
        if not windows.whole:
            self._leave(node, size)
            return
        self._counts[number] += 1
        self._bytes += size
        if result is not None:
            self._results.append(result)
            self._found.append(oid)

    def _oid(self, node: int) -> bytes:
        return self._ids[node * self._id_bytes : (node + 1) * self._id_bytes]

    def _refuse(self, node: int, error: Exception) -> None:
        claimed = error.args[0] if isinstance(error, _TooLargeError) else 0
        self._leave(node, claimed)
        self._leave_children(node, claimed)

    def _leave(self, node: int, claimed: int = 0) -> None:
        """Hands an object to the plain path, unless it claims more than git may take memory for."""
        if self._skip and self._skip[node]:
            return
        if claimed > self._limits.git_bytes:
            reason = f"it claims {claimed} bytes, more than it holds or than can be rebuilt"
            self._gaps.append(Gap(f"object {self._oid(node).hex()}", reason))
            return
        self._left.append(self._oid(node))

    def _leave_children(self, node: int, claimed: int = 0) -> None:
        waiting = self._children_of(node)
        while waiting:
            child = waiting.pop()
            self._leave(child, claimed)
            waiting.extend(self._children_of(child))

    def _let_go(self, frames: list[tuple[bytes, list[int]]]) -> None:
        """Hands everything still to be rebuilt in this tree to the plain path."""
        for _, kids in frames:
            for child in kids:
                self._leave(child)
                self._leave_children(child)
        frames.clear()
        self._held = 0


def _result_size(delta: bytes) -> int:
    """The size of what a delta builds, as its own header claims; 0 where there is none."""
    place = 0
    numbers = []
    for _ in range(2):
        number = shift = 0
        while place < len(delta):
            byte = delta[place]
            number |= (byte & 127) << shift
            place, shift = place + 1, shift + 7
            if byte < 128:
                break
        numbers.append(number)
    return numbers[1]

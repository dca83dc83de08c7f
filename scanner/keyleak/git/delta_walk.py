"""Walking the trees of a delta forest: each object rebuilt once, visited, and let go."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import numpy as np
from dulwich.errors import ApplyDeltaError
from dulwich.pack import apply_delta  # the native one, where dulwich has it for this platform

from keyleak.coverage import Gap, ObjectCounts
from keyleak.git.delta_forest import part_of
from keyleak.git.inflation import DamagedError, Windows, inflate
from keyleak.git.parts import COPIED, COUNTED, KINDS, UNWANTED, OpenPack, PartRead
from keyleak.git.references import References
from keyleak.git.visitor import (
    Failures,
    look_at,
    look_at_windows,
    object_digest,
    object_id,
    worth_looking,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyleak.git.visitor import ReadLimits, Visitor

R = TypeVar("R")

_COMMIT: Final = 1
_TREE: Final = 2
_TAG: Final = 4
# Objects below this size are looked at together, so many at a time; larger ones are not worth the copy.
_SMALL: Final = 16 << 10
_TOGETHER: Final = 256


class _TooLargeError(Exception):
    """A delta whose result is over the limit; `args[0]` is the size it claims."""


class _SpentError(Exception):
    """A part built more than a pack of its size has reason to."""


# What a damaged or hostile delta makes of its rebuilding.
_REFUSALS: Final = (
    *(DamagedError, _TooLargeError, MemoryError),
    *(ApplyDeltaError, ValueError, IndexError, AssertionError),
)


class Walk(Generic[R]):
    """One walk over the trees of a part."""

    def __init__(self, opened: OpenPack, number: int, visitor: Visitor[R], limits: ReadLimits) -> None:
        part = part_of(opened.headers, opened.forest, number)
        headers = opened.headers
        rows = headers.rows[part.nodes]
        self._name = opened.name
        self._pack = opened.pack
        self._visitor = visitor
        self._limits = limits
        self._roots = part.roots
        self._children = part.children
        self._first_child = part.first_child
        self._starts: list[int] = headers.starts[part.nodes].tolist()
        self._ends: list[int] = headers.ends[part.nodes].tolist()
        self._sizes: list[int] = headers.sizes[part.nodes].tolist()
        self._kinds: list[int] = opened.forest.kinds[part.nodes].tolist()
        self._id_bytes = opened.index.ids.shape[1]
        self._ids = opened.index.ids[rows].tobytes()
        self._flags = np.frombuffer(opened.flags, np.uint8)[rows].tobytes() if opened.flags else b""
        self._budget = limits.most_built(len(opened.pack) // (len(opened.forest.bounds) - 1))
        self._nodes: list[int] = []
        self._contents: list[bytes] = []
        self._built_with: list[bytes] = []
        """The delta of each of these; nothing where it is none."""
        self._references = References(opened.words, opened.index.ids.shape[1])
        self._held = 0
        self._counts = [0] * len(KINDS)
        self._bytes = 0
        self._results: list[R] = []
        self._found: list[bytes] = []
        self._built = 0
        self._left: list[bytes] = []
        self._left_copies: list[bytes] = []
        self._failures = Failures()
        self._gaps: list[Gap] = []

    def read(self) -> PartRead[R]:
        """What the walk has brought."""
        _, commit, tree, blob, tag = self._counts
        counts = ObjectCounts(blob=blob, commit=commit, tag=tag, tree=tree)
        return PartRead(
            tuple(self._results),
            tuple(self._found),
            counts,
            self._bytes,
            tuple(self._left),
            tuple(self._left_copies),
            (*self._gaps, *self._failures.gaps()),
            self._references.absent(),
        )

    def trees(self) -> None:
        """Visits the trees of deltas, each until more was built than its size is a reason for.

        What a whole part may build is shared; once that is spent, a tree may build what its own size permits.
        """
        waiting, spent = deque(self._roots), False
        while waiting:
            if spent:
                self._budget = self._built + self._limits.most_built(self._packed(waiting[0]), spent=True)
            try:
                self._tree(waiting[0])
                if spent or len(waiting) == 1:
                    self._visit_rebuilt()
            except _SpentError:
                spent = True
                self._note_unbuilt(waiting[0])
            waiting.popleft()

    def _note_unbuilt(self, root: int) -> None:
        reason = (
            f"up to so many of its objects were not read, because rebuilding them takes more than"
            f" {self._budget >> 20:,} MiB, which no honest pack of its size does"
        )
        self._gaps.append(Gap(self._name, reason, sum(1 for _ in self._below(root))))

    def _packed(self, root: int) -> int:
        """Bytes that a tree has in the pack."""
        return sum(self._ends[node] - self._starts[node] for node in self._below(root))

    def _below(self, root: int) -> Iterator[int]:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(self._children_of(node))

    def _tree(self, root: int) -> None:
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
        self._nodes.append(root)
        self._contents.append(data)
        self._built_with.append(b"")
        if len(data) >= _SMALL or len(self._nodes) == _TOGETHER:
            self._visit_rebuilt()
        kids = self._children_of(root)
        if kids:
            self._deltas(data, kids)

    def _deltas(self, data: bytes, kids: list[int]) -> None:
        """Visits what is built on a base, which is released before its last child is read.

        Histories spend their time in this loop, so it is one loop with local names.
        """
        sizes, starts, ends, pack = self._sizes, self._starts, self._ends, self._pack
        first_child, children = self._first_child, self._children
        nodes, contents, built_with = self._nodes, self._contents, self._built_with
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
            nodes.append(node)
            contents.append(data)
            built_with.append(delta)
            if len(data) >= _SMALL or len(nodes) == _TOGETHER:
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
        """Has what was rebuilt looked at: small ones together, a large one (the last) by itself.

        Raises:
            _SpentError: too much was built by now.
        """
        nodes, contents = self._nodes[:], self._contents[:]
        kinds = self._kinds
        of_nodes = bytes([kinds[node] for node in nodes])
        self._note_references(of_nodes)
        self._nodes.clear()
        self._contents.clear()
        self._built_with.clear()
        self._built += sum(map(len, contents))
        if self._flags:
            nodes, contents = self._sorted_out(nodes, contents)
        else:
            self._count(of_nodes, contents)
        if contents and len(contents[-1]) >= _SMALL:
            self._look_at(nodes.pop(), contents.pop())
        for place in worth_looking(self._visitor, contents):
            self._look_at(nodes[place], contents[place])
        if self._built > self._budget:
            raise _SpentError

    def _note_references(self, of_nodes: bytes) -> None:
        """Notes what the objects that were just rebuilt name, by their kinds."""
        contents, deltas = self._contents, self._built_with
        if of_nodes.count(_TREE) and self._references.takes_trees:
            kept = [place for place, kind in enumerate(of_nodes) if kind == _TREE]
            self._references.trees([contents[place] for place in kept], [deltas[place] for place in kept])
        if of_nodes.count(_COMMIT) or of_nodes.count(_TAG):
            kept = [place for place, kind in enumerate(of_nodes) if kind in {_COMMIT, _TAG}]
            self._references.headed([contents[place] for place in kept])

    def _count(self, of_nodes: bytes, contents: Sequence[bytes]) -> None:
        for kind in range(1, len(KINDS)):
            self._counts[kind] += of_nodes.count(kind)
        self._bytes += sum(map(len, contents))

    def _sorted_out(self, nodes: list[int], contents: list[bytes]) -> tuple[list[int], list[bytes]]:
        """What is to be looked at; copies are held to their ids and counted once."""
        flags = self._flags
        wanted = [
            (node, data) for node, data in zip(nodes, contents, strict=True) if not flags[node] & UNWANTED
        ]
        for node, data in wanted:
            if flags[node] & COPIED:
                self._check_id(node, data)
        counted = [(node, data) for node, data in wanted if not flags[node] & COUNTED]
        self._count(bytes([self._kinds[node] for node, _ in counted]), [data for _, data in counted])
        return [node for node, _ in wanted], [data for _, data in wanted]

    def _check_id(self, node: int, data: bytes) -> None:
        kind = KINDS[self._kinds[node]]
        assert kind is not None
        oid = self._oid(node)
        if object_id(kind, data, self._id_bytes) != oid:
            self._failures.note(oid, "its content does not have this id")

    def _look_at(self, node: int, data: bytes) -> None:
        kind = KINDS[self._kinds[node]]
        assert kind is not None
        oid = self._oid(node)
        result = look_at(self._visitor, oid, kind, data, self._failures)
        if result is not None:
            self._results.append(result)
            self._found.append(oid)
            # Hashing everything would double the work; what is reported is checked.
            if not (self._flags and self._flags[node] & COPIED):
                self._check_id(node, data)

    def _large_root(self, node: int) -> None:
        """Visits a base in windows; its deltas are the plain path's."""
        flags = self._flags[node] if self._flags else 0
        if flags & UNWANTED:
            return
        number = self._kinds[node]
        kind = KINDS[number]
        assert kind is not None
        size, oid = self._sizes[node], self._oid(node)
        digest = object_digest(kind, size, self._id_bytes)
        windows = Windows(
            self._pack, self._starts[node], self._ends[node], size, self._limits.window_bytes, digest
        )
        pieces = windows.read()
        result = look_at_windows(self._visitor, oid, kind, pieces, self._failures)
        for _ in pieces:
            pass
        self._built += size
        if not windows.whole:
            self._leave(node, size)
            return
        if windows.followed:
            self._note_followed()
        if digest.digest() != oid:
            self._failures.note(oid, "its content does not have this id")
        if not flags & COUNTED:
            self._counts[number] += 1
            self._bytes += size
        if result is not None:
            self._results.append(result)
            self._found.append(oid)

    def _oid(self, node: int) -> bytes:
        return self._ids[node * self._id_bytes : (node + 1) * self._id_bytes]

    def _refuse(self, node: int, error: Exception) -> None:
        claimed = error.args[0] if isinstance(error, _TooLargeError) else 0
        self._leave(node, claimed, damaged=not claimed)
        self._leave_children(node, claimed)

    def _leave(self, node: int, claimed: int = 0, cost: int = 0, *, damaged: bool = False) -> None:
        """Hands an object to the plain path, unless it claims more than git may take memory for.

        Args:
            node: which.
            claimed: bytes that it says it has, where that is known.
            cost: bytes that git builds on the way to it, besides.
            damaged: whether there is nothing to be read of it.
        """
        flags = self._flags[node] if self._flags else 0
        if flags & UNWANTED or (damaged and flags & COUNTED):
            return
        self._built += claimed + cost
        if claimed > self._limits.git_bytes:
            reason = f"it claims {claimed} bytes, more than it holds or than can be rebuilt"
            self._failures.note(self._oid(node), reason)
        elif self._built > self._budget:
            self._failures.note(self._oid(node), f"it claims {claimed} bytes, as do others of a small pack")
        else:
            (self._left_copies if flags & COUNTED else self._left).append(self._oid(node))

    def _leave_children(self, node: int, claimed: int = 0) -> None:
        """Hands what is built on an object to the plain path, which rebuilds every base on the way."""
        waiting = [(child, claimed) for child in self._children_of(node)]
        while waiting:
            child, cost = waiting.pop()
            self._leave(child, claimed, cost)
            waiting.extend((each, cost + claimed) for each in self._children_of(child))

    def _let_go(self, frames: list[tuple[bytes, list[int]]]) -> None:
        """Hands everything still to be rebuilt in this tree to the plain path."""
        for base, kids in frames:
            for child in kids:
                self._leave(child, cost=len(base))
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

"""Examining objects one by one, so that it is known which one a process died of."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keyleak.git.visitor import Kind, Visitor

R = TypeVar("R")
# One byte for the length, and the longest id.
_LENGTH: Final = 33


class Mark:
    """A few bytes that a forked process shares with the one it came from."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _LENGTH)

    def write(self, oid: bytes) -> None:
        """Leave an id, or nothing."""
        # The length goes last, as the writer may end in between.
        self._shared[1 : 1 + len(oid)] = oid
        self._shared[0] = len(oid)

    def read(self) -> bytes:
        """The id that was left; empty for none."""
        return self._shared[1 : 1 + self._shared[0]]


class Careful(Generic[R]):
    """A visitor that leaves the id of each object while another visitor examines it."""

    def __init__(self, visitor: Visitor[R], mark: Mark, leave_out: frozenset[bytes]) -> None:
        """Examine with another visitor.

        Args:
            visitor: examines.
            mark: where ids are left.
            leave_out: ids of objects that are not to be examined.
        """
        self._visitor = visitor
        self._mark = mark
        self._leave_out = leave_out

    def worth_visiting(self, contents: Sequence[bytes]) -> Iterable[int]:
        """All of them: together they would not say which one it was."""
        return range(len(contents))

    def visit(self, oid: bytes, kind: Kind, data: bytes) -> R | None:
        """See `Visitor`."""
        if oid in self._leave_out:
            return None
        self._mark.write(oid)
        result = self._visitor.visit(oid, kind, data)
        self._mark.write(b"")
        return result

    def visit_windows(self, oid: bytes, kind: Kind, windows: Iterator[bytes]) -> R | None:
        """See `Visitor`."""
        if oid in self._leave_out:
            for _ in windows:
                pass
            return None
        self._mark.write(oid)
        result = self._visitor.visit_windows(oid, kind, windows)
        self._mark.write(b"")
        return result

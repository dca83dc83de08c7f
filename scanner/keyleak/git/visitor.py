"""What reads objects, what it brings back, and how much memory it may take."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Generic, Literal, Protocol, TypeVar

from keyleak.coverage import Gap, ObjectCounts
from keyleak.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from keyleak.git.memory import ObjectMemory

Kind = Literal["commit", "tree", "blob", "tag"]
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

ALL_KINDS: Final[frozenset[Kind]] = frozenset({"commit", "tree", "blob", "tag"})
"""Trees too: keys stand in names of files as well."""


class Visitor(Protocol[R_co]):
    """Looks at objects inside a worker process. What it returns is pickled and sent back."""

    def worth_visiting(self, contents: Sequence[bytes]) -> Iterable[int]:
        """Which of several small contents `visit` may have something to tell of, in any order.

        Most objects are small and hold nothing: asked for together they cost a fraction of as many calls.
        """
        return range(len(contents))

    def visit(self, oid: bytes, kind: Kind, data: bytes) -> R_co | None:
        """Looks at a whole object; None where there is nothing to tell."""

    def visit_windows(self, oid: bytes, kind: Kind, windows: Iterator[bytes]) -> R_co | None:
        """Looks at an object too large to hold: its content in consecutive pieces, to be read to the end."""


class MakeVisitor(Protocol[R_co]):
    """Builds a visitor inside the process that uses it; must be picklable itself."""

    def __call__(self) -> Visitor[R_co]:
        """A new visitor."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much memory reading may take in each process."""

    whole_bytes: int = 64 << 20
    """Larger objects are handed on in windows."""
    held_bytes: int = 256 << 20
    """Bases kept at a time for deltas yet to come; what needs more goes to the plain path."""
    window_bytes: int = 1 << 20
    """Length of a window."""
    git_bytes: int = 2 << 30
    """Git is not asked for a larger object that it would have to hold whole. Git itself deltifies nothing
    over 512 MiB, so that a delta that claims more was made to exhaust memory."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What to read and how."""

    kinds: frozenset[Kind] = ALL_KINDS
    """Kinds of objects to visit."""
    only: frozenset[bytes] | None = None
    """Ids of the objects to visit; all there are where None."""
    keep: tuple[str, ...] = ()
    """`GIT_*` variables to trust, such as those of a push in quarantine (see `keyleak.git.process`)."""
    memory: ObjectMemory | None = None
    """What earlier readings brought; everything is read where None."""
    stop: Callable[[], bool] = lambda: False
    """Asked now and then whether to leave the rest unread."""
    limits: ReadLimits = field(default_factory=ReadLimits)
    jobs: int = 1
    """Processes to read with."""
    progress: Callable[[ObjectCounts, int], None] = lambda _counts, _bytes: None
    """Called in this process with what was read since the last call."""


@dataclass(frozen=True, slots=True)
class ObjectsRead(Generic[R]):
    """What reading brought back."""

    results: tuple[R, ...] = ()
    """What the visitor returned, but for None."""
    found: tuple[bytes, ...] = ()
    """Ids of the objects that `results` are of, in the same order."""
    counts: ObjectCounts = field(default_factory=ObjectCounts)
    """Objects visited."""
    content_bytes: int = 0
    """Bytes of content visited."""
    gaps: tuple[Gap, ...] = ()
    """What could not be read."""

    def __add__(self, other: ObjectsRead[R]) -> ObjectsRead[R]:
        return ObjectsRead(
            self.results + other.results,
            self.found + other.found,
            self.counts + other.counts,
            self.content_bytes + other.content_bytes,
            self.gaps + other.gaps,
        )


def object_id(kind: Kind, data: bytes, id_bytes: int) -> bytes:
    """The id git gives to content: SHA-1 where ids have 20 bytes, SHA-256 where they have 32."""
    digest = object_digest(kind, len(data), id_bytes)
    digest.update(data)
    return digest.digest()


def object_digest(kind: Kind, size: int, id_bytes: int) -> hashlib._Hash:
    """The beginning of an object's id, for content that comes in pieces."""
    digest = hashlib.sha256() if id_bytes == 32 else hashlib.sha1(usedforsecurity=False)
    digest.update(b"%s %d\x00" % (kind.encode(), size))
    return digest

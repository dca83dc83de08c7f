"""What reads objects, what it brings back, and how much memory it may take."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Final, Generic, Literal, Protocol, TypeVar

from keyleak.coverage import Gap, ObjectCounts
from keyleak.records import dataclass, field, replace
from keyleak.unexpected import contained

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
    built_bytes: int = 1 << 30
    """Content that a part of a pack may build whatever its size, and"""
    built_ratio: int = 2000
    """so many times its size. rails' pack builds 17 times its size, that of a registry which rewrites one
    huge folder with every commit 1,000 times; one that was made to keep its reader busy, a million times."""
    git_bytes: int = 2 << 30
    """Git is not asked for a larger object that it would have to hold whole. Git itself deltifies nothing
    over 512 MiB, so that a delta that claims more was made to exhaust memory."""

    def most_built(self, packed: int, *, spent: bool = False) -> int:
        """Bytes of content that so many bytes of a pack may build.

        Args:
            packed: bytes in the pack.
            spent: whether what is permitted whatever the size was used up before.
        """
        return self.built_ratio * packed + (0 if spent else self.built_bytes)


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
    absent: tuple[bytes, ...] = ()
    """Ids of objects that others name and that are not here, as far as that was looked at."""
    name: str = ""
    """The name of the object database as it is (see `keyleak.git.memory`), where it is known."""

    def __add__(self, other: ObjectsRead[R]) -> ObjectsRead[R]:
        return ObjectsRead(
            self.results + other.results,
            self.found + other.found,
            self.counts + other.counts,
            self.content_bytes + other.content_bytes,
            self.gaps + other.gaps,
            self.absent + other.absent,
            self.name or other.name,
        )


def distinct(read: ObjectsRead[R]) -> ObjectsRead[R]:
    """The same with each result once: copies of an object bring equal ones, unless one of them lies."""
    known: dict[bytes, list[R]] = {}
    for oid, result in zip(read.found, read.results, strict=True):
        of_object = known.setdefault(oid, [])
        if result not in of_object:
            of_object.append(result)
    pairs = [(oid, result) for oid, of_object in known.items() for result in of_object]
    return replace(read, found=tuple(oid for oid, _ in pairs), results=tuple(result for _, result in pairs))


NAMED_GAPS: Final = 20
"""Objects named one by one where something is wrong with many; the rest are counted."""


class Failures:
    """What is wrong with objects."""

    def __init__(self) -> None:
        self._noted: list[tuple[bytes, str]] = []

    def note(self, oid: bytes, reason: str) -> None:
        """Notes an object that was not read, or not well."""
        self._noted.append((oid, reason))

    def gaps(self) -> Iterator[Gap]:
        """The first objects by name, the others by their number."""
        self._noted.sort()
        for oid, reason in self._noted[:NAMED_GAPS]:
            yield Gap(f"object {oid.hex()}", reason)
        for reason, count in sorted(Counter(reason for _, reason in self._noted[NAMED_GAPS:]).items()):
            yield Gap("further objects", reason, count)


def worth_looking(visitor: Visitor[R], contents: Sequence[bytes]) -> Iterable[int]:
    """As `Visitor.worth_visiting`; all of them where that fails, so that only the one to blame is lost."""
    return contained(lambda: visitor.worth_visiting(contents), lambda _: range(len(contents)))


def look_at(visitor: Visitor[R], oid: bytes, kind: Kind, data: bytes, failures: Failures) -> R | None:
    """Has a visitor look at an object; what goes wrong there is noted and costs this object only."""
    return contained(lambda: visitor.visit(oid, kind, data), lambda reason: failures.note(oid, reason))


def look_at_windows(
    visitor: Visitor[R], oid: bytes, kind: Kind, windows: Iterator[bytes], failures: Failures
) -> R | None:
    """As `look_at`, for an object too large to hold. What its content raises is raised to the caller."""
    guarded = _Guarded(windows)
    result = contained(
        lambda: visitor.visit_windows(oid, kind, guarded), lambda reason: failures.note(oid, reason)
    )
    if guarded.error is not None:
        raise guarded.error
    return result


class _Guarded:
    """Windows that know whether they themselves failed."""

    def __init__(self, windows: Iterator[bytes]) -> None:
        self._windows = windows
        self.error: Exception | None = None

    def __iter__(self) -> _Guarded:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._windows)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise


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

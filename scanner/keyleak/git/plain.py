"""The plain path: objects by id from `git cat-file --batch`, for whatever the fast path does not read."""

from __future__ import annotations

from collections import Counter, deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final, Generic, TypeVar, cast

from keyleak.coverage import Gap, ObjectCounts
from keyleak.errors import GitError
from keyleak.git.process import run, stream
from keyleak.git.visitor import Failures, ObjectsRead, look_at, look_at_windows, object_digest
from keyleak.records import dataclass, field

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterable, Iterator, Sequence

    from _typeshed import StrOrBytesPath

    from keyleak.git.visitor import Kind, ReadOptions, Visitor

R = TypeVar("R")

_ASKED_AT_ONCE: Final = 512  # ids: their lines fit into a pipe, so that neither side ever waits for the other
_MOST_ENDS: Final = 1000  # times git is started again after an object that it gave up at
_KINDS: Final = frozenset({b"commit", b"tree", b"blob", b"tag"})


def listed_by_git(repository: StrOrBytesPath) -> set[bytes]:
    """Ids of all objects, as git lists them.

    Raises:
        GitError: a pack is too damaged even for that.
    """
    command = ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)"]
    return {bytes.fromhex(line.decode()) for line in run(command, repository).split()}


def read_by_id(
    repository: StrOrBytesPath, ids: Iterable[bytes], visitor: Visitor[R], options: ReadOptions
) -> ObjectsRead[R]:
    """Visits objects by their ids, in this process.

    Every object's content is checked against its id; one that does not match is visited all the same.

    Raises:
        GitError: git cannot be started, or does not take this for a repository.
    """
    reading = _Reading(visitor, options)
    waiting = deque(ids)
    ends = 0
    while waiting and not options.stop():
        batch = [waiting.popleft() for _ in range(min(_ASKED_AT_ONCE, len(waiting)))]
        done = _read_batch(repository, batch, reading, options)
        waiting.extendleft(reversed(batch[done:]))
        ends += done < len(batch)
        if ends > _MOST_ENDS:
            # A crafted repository could make this last for days.
            reading.skipped = len(waiting)
            break
    return reading.read()


def _read_batch(
    repository: StrOrBytesPath, batch: Sequence[bytes], reading: _Reading[R], options: ReadOptions
) -> int:
    """Reads objects until git ends; returns how many are dealt with.

    Git gets all questions and the end of its input first: it may promise more content than it then has, and
    would otherwise wait for a question while its answer is waited for.
    """
    done = 0
    try:
        with stream(
            ["cat-file", "--batch"], repository, keep=options.keep, allocation=options.limits.git_bytes
        ) as git:
            with suppress(BrokenPipeError):  # it ended; that shows where its answers are read
                git.stdin.write(b"".join(oid.hex().encode() + b"\n" for oid in batch))
                git.stdin.close()
            for oid in batch:
                reading.one(oid, git.stdout)
                done += 1
    except _EndedError as ended:
        reading.damaged(batch[done], str(ended))
        return done + 1
    except GitError:
        if done < len(batch):
            raise
    return done


class _EndedError(Exception):
    """Git ended in the middle of an answer."""


@dataclass(slots=True)
class _Reading(Generic[R]):
    """What one run of the plain path has brought so far."""

    visitor: Visitor[R]
    options: ReadOptions
    results: list[R] = field(default_factory=list)
    found: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    content_bytes: int = 0
    failures: Failures = field(default_factory=Failures)
    skipped: int = 0

    def one(self, oid: bytes, answers: IO[bytes]) -> None:
        """Reads git's answer for one object."""
        header = answers.readline(1024).split()
        if len(header) == 2 and header[1] == b"missing":
            self.damaged(oid, "git cannot read it: it is missing or damaged")
            return
        if len(header) != 3 or header[1] not in _KINDS or not header[2].isdigit():
            raise _EndedError("git cannot read it: it is damaged")
        kind, size = cast("Kind", header[1].decode()), int(header[2])
        content = _Content(
            answers, size, self.options.limits.window_bytes, object_digest(kind, size, len(oid))
        )
        result = self._look(oid, kind, content) if kind in self.options.kinds else None
        if result is not None:
            self.results.append(result)
            self.found.append(oid)
        content.finish()
        if content.digest.digest() != oid:
            self.damaged(oid, "its content does not have this id")
        if kind in self.options.kinds:
            self.counts[kind] += 1
            self.content_bytes += size

    def _look(self, oid: bytes, kind: Kind, content: _Content) -> R | None:
        if content.left > self.options.limits.whole_bytes:
            promised = content.left
            result = look_at_windows(self.visitor, oid, kind, content.windows(), self.failures)
            # Git reads a truncated delta past its end and then promises any size, of which nothing comes.
            return None if content.ended and content.left == promised else result
        data = b"".join(content.windows())
        return None if content.ended else look_at(self.visitor, oid, kind, data, self.failures)

    def damaged(self, oid: bytes, reason: str) -> None:
        """Notes an object that was not read, or not well."""
        self.failures.note(oid, reason)

    def read(self) -> ObjectsRead[R]:
        """Everything brought."""
        return ObjectsRead(
            tuple(self.results),
            tuple(self.found),
            ObjectCounts(**self.counts),
            self.content_bytes,
            tuple(self._gaps()),
        )

    def _gaps(self) -> Iterator[Gap]:
        yield from self.failures.gaps()
        if self.skipped:
            yield Gap("further objects", f"not tried after {_MOST_ENDS} that git gave up at", self.skipped)


@dataclass(slots=True)
class _Content:
    """The content of one object in git's answer."""

    answers: IO[bytes]
    left: int
    window: int
    digest: hashlib._Hash
    ended: bool = False

    def windows(self) -> Iterator[bytes]:
        """The content in pieces; they end early where git does."""
        while self.left and not self.ended:
            data = self.answers.read(min(self.left, self.window))
            self.ended = not data
            self.left -= len(data)
            self.digest.update(data)
            if data:
                yield data

    def finish(self) -> None:
        """Reads what the visitor left, and the line end behind it.

        Raises:
            _EndedError: git ended before the content did.
        """
        for _ in self.windows():
            pass
        if self.ended or self.answers.read(1) != b"\n":
            raise _EndedError("git gave up in the middle of it: it is damaged, or too large to rebuild")

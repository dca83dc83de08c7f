"""Worker processes that read packs part by part.

On Linux they are forked, with the rules compiled and the first pack open in the memory they inherit;
elsewhere, or where this process runs threads, they are started anew and do both themselves. One that dies
costs the object it was examining, which becomes a gap: its part is read again, object by object. Where the
system gives no further process there are fewer, at the least this one.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from keyleak.coverage import Gap, ObjectCounts
from keyleak.git.careful import Careful, Mark
from keyleak.git.pack import open_pack, read_apart, read_part
from keyleak.git.pack_index import PackError, UnusualPackError
from keyleak.git.parts import PartRead
from keyleak.unexpected import contained
from keyleak.worker_process import WorkerProcess, start_worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.connection import Connection

    from keyleak.git.parts import OpenPack
    from keyleak.git.visitor import Kind, MakeVisitor, ReadLimits, Visitor

# Each costs another reading of its part. A part with more of them was made to be one.
_MOST_KILLERS: Final = 16
_DIED: Final = "the process that read it ended unexpectedly"

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class PackTask:
    """One part of one pack."""

    path: str
    """The `.pack` file."""
    id_bytes: int
    kinds: frozenset[Kind]
    parts: int
    number: int
    """Which part; the first also tells what is in none."""
    flags: bytes = b""
    """See `OpenPack.flags`."""
    is_suspect: bool = False
    """Whether a process that read it died: it is read object by object now."""
    leave_out: tuple[bytes, ...] = ()
    """Ids of objects that processes died of."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A pack that the fast path does not read."""

    path: str
    reason: str
    unusual: bool
    """Whether git may still read it."""


@dataclass(slots=True)
class PackReader(Generic[R]):
    """Reads tasks in one process; the last pack stays open for the next part of it."""

    visitor: Visitor[R]
    limits: ReadLimits
    _path: str = field(default="", init=False)
    _opened: OpenPack | None = field(default=None, init=False)

    def read(self, task: PackTask, mark: Mark | None = None) -> PartRead[R] | Refused:
        """Reads one task.

        Args:
            task: what to read.
            mark: where a suspect task leaves the id of each object while it is examined.
        """
        try:
            opened = self._open(task)
        except (PackError, OSError, MemoryError) as error:
            reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
            return Refused(task.path, reason, isinstance(error, UnusualPackError))
        visitor = self.visitor
        if task.is_suspect and mark is not None:
            visitor = Careful(visitor, mark, frozenset(task.leave_out))
        read = read_part(opened, task.number, visitor, self.limits)
        return read if task.number else read + read_apart(opened)

    def prepare(self, task: PackTask) -> None:
        """Opens the pack of a task now; what is wrong with it is told when the task is read."""
        with suppress(PackError, OSError, MemoryError):
            self._open(task)

    def _open(self, task: PackTask) -> OpenPack:
        if self._opened is None or self._path != task.path:
            self._opened = None  # two packs' arrays need not fit at a time
            self._opened = open_pack(task.path, task.id_bytes, task.kinds, task.parts, task.flags)
            self._path = task.path
        return self._opened


def read_tasks(
    tasks: Iterable[PackTask], make_visitor: MakeVisitor[R], limits: ReadLimits, jobs: int
) -> Iterator[tuple[PackTask, PartRead[R] | Refused]]:
    """Reads packs, in this process where `jobs` is 1, else in as many others; answers come in any order."""
    waiting = deque(tasks)
    if jobs == 1 or len(waiting) < 2:
        reader = PackReader(make_visitor(), limits)
        yield from ((task, _read(reader, task)) for task in waiting)
        return
    make = _Making(make_visitor, limits)
    if _forks():
        make.reader = PackReader(make_visitor(), limits)
        make.reader.prepare(waiting[0])
    pool = _Pool(waiting, make)
    try:
        pool.start(min(jobs, len(waiting)))
        yield from pool.read()
    finally:
        pool.end()


@dataclass(slots=True)
class _Making(Generic[R]):
    """What a worker makes its reader of; a forked one finds it made."""

    make_visitor: MakeVisitor[R]
    limits: ReadLimits
    reader: PackReader[R] | None = None

    def __call__(self) -> PackReader[R]:
        """The reader."""
        return self.reader or PackReader(self.make_visitor(), self.limits)


def _forks() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1


@dataclass(slots=True)
class _Worker(Generic[R]):
    """A worker process, the task it is at, and the object that it examines."""

    process: WorkerProcess
    mark: Mark | None
    task: PackTask | None = None

    @property
    def connection(self) -> Connection[Any, Any]:
        """Our end of the connection to it."""
        return self.process.connection


class _Pool(Generic[R]):
    """The processes and what is left to read."""

    def __init__(self, tasks: deque[PackTask], make: _Making[R]) -> None:
        self._waiting = tasks
        self._make = make
        self._context = multiprocessing.get_context("fork" if make.reader else "spawn")
        self._forks = make.reader is not None
        self._workers: list[_Worker[R]] = []

    def start(self, jobs: int) -> None:
        """Start processes, as many as the system gives."""
        while len(self._workers) < jobs and self._start() is not None:
            pass

    def read(self) -> Iterator[tuple[PackTask, PartRead[R] | Refused]]:
        """Read everything; in this process where there is no other (any more)."""
        for worker in self._workers:
            self._give(worker)
        while busy := {worker.connection: worker for worker in self._workers if worker.task}:
            ready = wait(list(busy))
            for worker in (worker for connection, worker in busy.items() if connection in ready):
                yield from self._receive(worker)
        if self._waiting:
            reader = self._make()
            while self._waiting:
                task = self._waiting.popleft()
                yield task, _lost(task) if task.is_suspect else _read(reader, task)

    def end(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.process.end()
        self._workers.clear()

    def _start(self) -> _Worker[R] | None:
        mark = Mark() if self._forks else None
        siblings = [worker.process for worker in self._workers]
        process = start_worker(self._context, _work, (self._make, mark), siblings, forks=self._forks)
        if process is None:
            return None
        worker: _Worker[R] = _Worker(process, mark)
        self._workers.append(worker)
        return worker

    def _give(self, worker: _Worker[R]) -> None:
        if self._waiting:
            worker.task = self._waiting.popleft()
            with suppress(BrokenPipeError):  # it died: reading from it says so
                worker.connection.send(worker.task)

    def _receive(self, worker: _Worker[R]) -> Iterator[tuple[PackTask, PartRead[R] | Refused]]:
        task, worker.task = worker.task, None
        assert task is not None
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._replace(worker, task)
            return
        self._give(worker)
        if isinstance(answer, PartRead):
            answer = replace(answer, gaps=(*answer.gaps, *map(_killer, task.leave_out)))
        yield task, answer

    def _replace(
        self, worker: _Worker[R], task: PackTask
    ) -> Iterator[tuple[PackTask, PartRead[R] | Refused]]:
        """Another process for one that died, and its task once more, to find the object that it died of."""
        culprit = worker.mark.read() if worker.mark else b""
        self._workers.remove(worker)
        worker.process.end()
        if worker.mark is None or len(task.leave_out) == _MOST_KILLERS or (task.is_suspect and not culprit):
            yield task, _lost(task)
        else:
            more = (culprit,) if culprit else ()
            self._waiting.append(replace(task, is_suspect=True, leave_out=(*task.leave_out, *more)))
        if (other := self._start()) is not None:
            self._give(other)


def _work(connection: Connection[Any, Any], make: _Making[R], mark: Mark | None) -> None:
    """What a worker does until its connection closes."""
    reader = make()
    while True:
        connection.send(_read(reader, connection.recv(), mark))


def _read(reader: PackReader[R], task: PackTask, mark: Mark | None = None) -> PartRead[R] | Refused:
    return contained(lambda: reader.read(task, mark), lambda reason: _lost(task, reason))


def _lost(task: PackTask, reason: str = _DIED) -> PartRead[R]:
    what = f"part {task.number + 1} of {task.parts} of {task.path}"
    return PartRead((), (), ObjectCounts(), 0, gaps=(Gap(what, reason),))


def _killer(oid: bytes) -> Gap:
    return Gap(f"object {oid.hex()}", _DIED)

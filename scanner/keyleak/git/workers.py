"""Worker processes that read packs part by part.

On Linux they are forked, with the rules compiled and the first pack open in the memory they inherit;
elsewhere, or where this process runs threads, they are started anew and do both themselves. One that dies
costs the part it was reading, which becomes a gap, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from keyleak.coverage import Gap, ObjectCounts
from keyleak.git.delta_walk import PartRead
from keyleak.git.pack import open_pack, read_apart, read_part
from keyleak.git.pack_index import PackError, UnusualPackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from keyleak.git.delta_walk import OpenPack
    from keyleak.git.visitor import Kind, MakeVisitor, ReadLimits, Visitor

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
    skip: bytes = b""
    """See `OpenPack.skip`."""


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

    def read(self, task: PackTask) -> PartRead[R] | Refused:
        """Reads one task."""
        try:
            opened = self._open(task)
        except (PackError, OSError, MemoryError) as error:
            reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
            return Refused(task.path, reason, isinstance(error, UnusualPackError))
        read = read_part(opened, task.number, self.visitor, self.limits)
        return read if task.number else read + read_apart(opened)

    def prepare(self, task: PackTask) -> None:
        """Opens the pack of a task now; what is wrong with it is told when the task is read."""
        with suppress(PackError, OSError, MemoryError):
            self._open(task)

    def _open(self, task: PackTask) -> OpenPack:
        if self._opened is None or self._path != task.path:
            self._opened = None  # two packs' arrays need not fit at a time
            self._opened = open_pack(task.path, task.id_bytes, task.kinds, task.parts, task.skip)
            self._path = task.path
        return self._opened


def read_tasks(
    tasks: Iterable[PackTask], make_visitor: MakeVisitor[R], limits: ReadLimits, jobs: int
) -> Iterator[tuple[PackTask, PartRead[R] | Refused]]:
    """Reads packs, in this process where `jobs` is 1, else in as many others; answers come in any order."""
    waiting = deque(tasks)
    if jobs == 1 or len(waiting) < 2:
        reader = PackReader(make_visitor(), limits)
        yield from ((task, reader.read(task)) for task in waiting)
        return
    make = _Making(make_visitor, limits)
    if _forks():
        make.reader = PackReader(make_visitor(), limits)
        make.reader.prepare(waiting[0])
    workers: list[_Worker[R]] = []
    try:
        for _ in range(min(jobs, len(waiting))):
            workers.append(_start(make, workers))
        yield from _serve(waiting, workers)
    finally:
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.join()


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
    """A worker process, and the task it is at."""

    process: BaseProcess
    connection: Connection[Any, Any]
    task: PackTask | None = None

    def dismiss(self) -> None:
        """Has it end; one without a task does so by itself when its connection closes."""
        self.connection.close()
        if self.task is not None:
            self.process.kill()

    def join(self) -> None:
        """Waits until it has ended."""
        self.process.join()
        self.process.close()


def _start(make: _Making[R], before: Sequence[_Worker[R]]) -> _Worker[R]:
    context: BaseContext = multiprocessing.get_context("fork" if make.reader else "spawn")
    ours, theirs = context.Pipe()
    # A forked worker inherits our ends of all connections, and would keep the others from seeing them closed.
    inherited = [ours, *(worker.connection for worker in before)] if make.reader else []
    process = context.Process(  # type: ignore[attr-defined]  # every context has it, says the documentation
        target=_work, args=(theirs, make, inherited), daemon=True
    )
    with _without_interruption():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _without_interruption() -> Iterator[None]:
    """Ctrl-C reaches the whole process group, also a process that does not ignore it yet.

    What is started here has it blocked; for this process it waits until the end.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Started later, by `multiprocessing`, it would unblock the signal again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(
    connection: Connection[Any, Any], make: _Making[R], inherited: Sequence[Connection[Any, Any]]
) -> None:
    """What a worker does until its connection closes."""
    # Ctrl-C reaches the whole process group: the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for other in inherited:
        other.close()
    reader = make()
    with suppress(EOFError, BrokenPipeError):
        while True:
            task = connection.recv()
            try:
                answer = reader.read(task)
            except Exception as error:  # noqa: BLE001 (the parent raises it)
                connection.send(error)
                return
            connection.send(answer)


def _serve(
    waiting: deque[PackTask], workers: list[_Worker[R]]
) -> Iterator[tuple[PackTask, PartRead[R] | Refused]]:
    live = list(workers)
    for worker in workers:
        _give(worker, waiting)
    while busy := {worker.connection: worker for worker in live if worker.task}:
        ready = wait(list(busy))
        for worker in (worker for connection, worker in busy.items() if connection in ready):
            task, worker.task = worker.task, None
            assert task is not None
            try:
                answer = worker.connection.recv()
            except (EOFError, OSError):
                live.remove(worker)
                yield task, _lost(task)
                continue
            _give(worker, waiting)
            if isinstance(answer, Exception):
                raise answer
            yield task, answer
    yield from ((task, _lost(task)) for task in waiting)


def _give(worker: _Worker[R], waiting: deque[PackTask]) -> None:
    if waiting:
        worker.task = waiting.popleft()
        with suppress(BrokenPipeError):  # it died: reading from it says so
            worker.connection.send(worker.task)


def _lost(task: PackTask) -> PartRead[R]:
    what = f"part {task.number + 1} of {task.parts} of {task.path}"
    return PartRead(
        (), (), ObjectCounts(), 0, (), (Gap(what, "the process that read it ended unexpectedly"),)
    )

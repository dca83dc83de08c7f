"""Worker processes that read packs part by part.

They are spawned, not forked, because the parent may run threads. A worker that dies costs the part it was
reading, which becomes a gap, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Generic, TypeVar

from keyleak.coverage import Gap, ObjectCounts
from keyleak.git.delta_walk import PartRead
from keyleak.git.pack import open_pack, read_apart, read_part
from keyleak.git.pack_index import PackError, UnusualPackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

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
    workers = [_start(make_visitor, limits) for _ in range(min(jobs, len(waiting)))]
    try:
        yield from _serve(waiting, workers)
    finally:
        for worker in workers:
            worker.stop()


@dataclass(slots=True)
class _Worker:
    """A worker process, and the task it is at."""

    process: SpawnProcess
    connection: Connection
    task: PackTask | None = None

    def stop(self) -> None:
        """Ends it; one without a task ends by itself when its connection closes."""
        self.connection.close()
        if self.task is not None:
            self.process.kill()
        self.process.join()
        self.process.close()


def _start(make_visitor: MakeVisitor[R], limits: ReadLimits) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, make_visitor, limits), daemon=True)
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


def _work(connection: Connection, make_visitor: MakeVisitor[R], limits: ReadLimits) -> None:
    """What a worker does until its connection closes."""
    # Ctrl-C reaches the whole process group: the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reader = PackReader(make_visitor(), limits)
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
    waiting: deque[PackTask], workers: list[_Worker]
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


def _give(worker: _Worker, waiting: deque[PackTask]) -> None:
    if waiting:
        worker.task = waiting.popleft()
        with suppress(BrokenPipeError):  # it died: reading from it says so
            worker.connection.send(worker.task)


def _lost(task: PackTask) -> PartRead[R]:
    what = f"part {task.number + 1} of {task.parts} of {task.path}"
    return PartRead(
        (), (), ObjectCounts(), 0, (), (Gap(what, "the process that read it ended unexpectedly"),)
    )

"""Batches read by several processes, each asking for the next when it has done one.

A process that dies takes no finding with it: what it held is read again path by path, each by a process that
reads nothing else, and the path whose reader dies again is a gap. Where the system gives no further process,
there are fewer; where it gives none, this one reads.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final

from keyleak.coverage import Coverage, Gap
from keyleak.sources.batch import BatchReader, BatchResult
from keyleak.sources.walk import Batch
from keyleak.sources.wire import PackedSightings, packed, unpacked
from keyleak.worker_process import WorkerProcess, start_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyleak.sources.inspector import Inspector

# Batches a process holds at a time: one it reads and one that waits, so that it never idles. The waiting one
# must fit the pipe whole, or both sides could wait for each other; elsewhere than on Linux pipes are small.
_HELD: Final = 2 if sys.platform == "linux" else 1

_Wire = tuple[PackedSightings, Coverage]


def read_in_processes(
    batches: Iterator[Batch], make_inspector: Callable[[], Inspector], jobs: int
) -> Iterator[BatchResult]:
    """The results of all batches, in the order in which they are ready.

    Args:
        batches: what to read.
        make_inspector: called once in each process.
        jobs: how many processes, if the system gives as many.
    """
    pool = _Pool(batches, make_inspector)
    try:
        pool.start(jobs)
        yield from pool.read()
    finally:
        pool.end()


@dataclass(slots=True)
class _Worker:
    process: WorkerProcess
    held: deque[Batch] = field(default_factory=deque)

    @property
    def connection(self) -> Connection[Any, Any]:
        return self.process.connection


class _Pool:
    """The processes, what they hold, and what is to be read again."""

    def __init__(self, batches: Iterator[Batch], make_inspector: Callable[[], Inspector]) -> None:
        # Forking shares the compiled rules; where it is not safe (macOS) processes start anew.
        forks = sys.platform == "linux"
        self._context = multiprocessing.get_context("fork" if forks else "spawn")
        self._forks = forks
        self._batches = batches
        self._make_inspector = make_inspector
        self._workers: list[_Worker] = []
        self._suspects: deque[Batch] = deque()

    def start(self, jobs: int) -> None:
        """Start processes, as many as the system gives."""
        while len(self._workers) < jobs and self._start() is not None:
            pass

    def read(self) -> Iterator[BatchResult]:
        """Read everything."""
        for worker in self._workers:
            self._feed(worker)
        while busy := [worker for worker in self._workers if worker.held]:
            ready = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection in ready:
                    yield from self._receive(worker)
        # Only where there is no process (any more).
        reader: BatchReader | None = None
        for batch in self._batches:
            reader = reader or BatchReader(self._make_inspector())
            yield reader.read(batch)
        while self._suspects:
            yield from self._examine(self._suspects.popleft())

    def end(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.process.end()
        self._workers.clear()

    def _start(self) -> _Worker | None:
        siblings = [worker.process for worker in self._workers]
        given = (self._make_inspector,)
        process = start_worker(self._context, _serve, given, siblings, forks=self._forks)
        if process is None:
            return None
        worker = _Worker(process)
        self._workers.append(worker)
        return worker

    def _feed(self, worker: _Worker) -> None:
        while len(worker.held) < _HELD:
            batch = next(self._batches, None)
            if batch is None:
                return
            worker.held.append(batch)
            try:
                worker.connection.send(batch)
            except (BrokenPipeError, ConnectionResetError):
                return

    def _receive(self, worker: _Worker) -> Iterator[BatchResult]:
        result = _answer(worker)
        if result is not None:
            worker.held.popleft()
            self._feed(worker)
            yield result
            return
        # What it held is suspected path by path, but only at the end: the others go on meanwhile.
        self._suspects.extend(chain.from_iterable(map(_one_by_one, worker.held)))
        self._remove(worker)
        if (other := self._start()) is not None:
            self._feed(other)

    def _examine(self, batch: Batch) -> Iterator[BatchResult]:
        """Read one path in a process that may die of it; the next one takes the same process, if it lives."""
        worker = self._workers[0] if self._workers else self._start()
        if worker is None:
            yield _lost(
                batch, "the process that read it ended, and the system gives no other; try again later"
            )
            return
        worker.held.append(batch)
        try:
            worker.connection.send(batch)
        except (BrokenPipeError, ConnectionResetError):
            result = None
        else:
            result = _answer(worker)
        worker.held.clear()
        if result is None:
            code = self._remove(worker)
            result = _lost(batch, f"the process that read it ended with {code}; look at it with --jobs 1")
        yield result

    def _remove(self, worker: _Worker) -> int | None:
        self._workers.remove(worker)
        return worker.process.end()


def _answer(worker: _Worker) -> BatchResult | None:
    """What a process read; None where it is gone."""
    try:
        wire: _Wire = worker.connection.recv()
    except (EOFError, OSError):
        return None
    sightings, coverage = wire
    return BatchResult(unpacked(sightings), coverage)


def _serve(connection: Connection[Any, Any], make_inspector: Callable[[], Inspector]) -> None:
    reader = BatchReader(make_inspector())
    while True:
        result = reader.read(connection.recv())
        connection.send((packed(result.sightings), result.coverage))


def _one_by_one(batch: Batch) -> Iterator[Batch]:
    yield from (Batch((path,)) for path in batch.files)
    yield from (Batch((), (path,)) for path in batch.links)
    if batch.folders:
        yield Batch((), (), batch.folders)


def _lost(batch: Batch, reason: str) -> BatchResult:
    gaps = tuple(
        Gap(path, reason, paths=(path,)) for path in (*batch.files, *batch.links, *batch.folders[:1])
    )
    return BatchResult((), Coverage(gaps=gaps))

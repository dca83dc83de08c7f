"""Batches read by several processes, each asking for the next when it has done one.

A process that dies takes no finding with it unseen: the paths it held are listed as a gap.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final

from keyleak.coverage import Coverage, Gap
from keyleak.sources.batch import BatchReader, BatchResult
from keyleak.sources.wire import PackedSightings, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess

    from keyleak.sources.inspector import Inspector
    from keyleak.sources.walk import Batch

# Batches a process holds at a time: one it reads and one that waits, so that it never idles. The waiting one
# must fit the pipe whole, or both sides could wait for each other; elsewhere than on Linux pipes are small.
_HELD: Final = 2 if sys.platform == "linux" else 1

_Wire = tuple[PackedSightings, Coverage]


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection[Any, Any]
    held: deque[Batch]


def read_in_processes(
    batches: Iterator[Batch], make_inspector: Callable[[], Inspector], jobs: int
) -> Iterator[BatchResult]:
    """The results of all batches, in the order in which they are ready.

    Args:
        batches: what to read.
        make_inspector: called once in each process.
        jobs: how many processes.
    """
    context = multiprocessing.get_context(_start_method())
    workers = [_start(context, make_inspector) for _ in range(jobs)]
    try:
        for worker in workers:
            _feed(worker, batches)
        while busy := [worker for worker in workers if worker.held]:
            ready = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection in ready:
                    yield from _receive(worker, batches)
        # Only where every process died early: what is left is read here, or listed.
        yield from _unread(batches)
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.terminate()
            worker.process.join()


def _start_method() -> str:
    # Forking shares the compiled rules; where it is not safe (macOS) or not there, processes start anew.
    return "fork" if sys.platform == "linux" else "spawn"


def _start(context: Any, make_inspector: Callable[[], Inspector]) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make_inspector), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, deque())


def _serve(connection: Connection[Any, Any], make_inspector: Callable[[], Inspector]) -> None:
    # Ctrl-C reaches the whole process group; the parent decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reader = BatchReader(make_inspector())
    while True:
        try:
            batch = connection.recv()
        except EOFError:
            return
        result = reader.read(batch)
        connection.send((packed(result.sightings), result.coverage))


def _feed(worker: _Worker, batches: Iterator[Batch]) -> None:
    while len(worker.held) < _HELD:
        batch = next(batches, None)
        if batch is None:
            return
        worker.held.append(batch)
        try:
            worker.connection.send(batch)
        except (BrokenPipeError, ConnectionResetError):
            return


def _receive(worker: _Worker, batches: Iterator[Batch]) -> Iterator[BatchResult]:
    try:
        wire: _Wire = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        yield from (_lost(batch, worker.process.exitcode) for batch in worker.held)
        worker.held.clear()
        return
    worker.held.popleft()
    _feed(worker, batches)
    sightings, coverage = wire
    yield BatchResult(unpacked(sightings), coverage)


def _lost(batch: Batch, exit_code: int | None) -> BatchResult:
    reason = f"the process that read it ended with {exit_code}; try again with --jobs 1"
    gaps = tuple(Gap(path, reason) for path in (*batch.files, *batch.links))
    return BatchResult((), Coverage(gaps=gaps))


def _unread(batches: Iterator[Batch]) -> Iterator[BatchResult]:
    for batch in batches:
        yield _lost(batch, None)

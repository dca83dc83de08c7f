"""Processes that read for this one: none outlives it, and signals that end a run are its own affair.

On Linux they are forked and share the compiled rules; elsewhere they are started anew. The system may refuse
another process, as a container with a limit does: then there are fewer.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, Final

from keyleak.records import dataclass
from keyleak.termination import ENDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

_FAILED: Final = 70


class Lifeline:
    """A pipe that nobody writes to: the system ends the process that holds it when its maker is gone.

    Also after SIGKILL, which leaves that process no time to end others itself. The closing end raises SIGIO,
    whose default is to end a process. Where none is raised, the reader sees its connection close later.
    """

    def __init__(self) -> None:
        self._maker = os.getpid()
        self._read, self._write = os.pipe()

    def hold(self) -> None:
        """Called in the process that is to end with the maker."""
        import fcntl  # noqa: PLC0415 - POSIX only

        os.close(self._write)
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(self._read, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._read, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
        if os.getppid() != self._maker:
            # It went before the system was asked to tell.
            os._exit(_FAILED)

    def hand_over(self) -> None:
        """Called in the maker when the other process has it."""
        os.close(self._read)

    def let_go(self) -> None:
        """Called in the maker at the end, and in every other process that inherits it."""
        os.close(self._write)


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A process and our end of the connection to it."""

    process: BaseProcess
    connection: Connection[Any, Any]
    lifeline: Lifeline | None

    def end(self) -> int | None:
        """End it now, whatever it does, and give its exit code; it has nothing to tidy up."""
        self.release()
        self.process.kill()
        self.process.join()
        code = self.process.exitcode
        self.process.close()
        return code

    def release(self) -> None:
        """Close what leads to it."""
        self.connection.close()
        if self.lifeline is not None:
            self.lifeline.let_go()


def start_worker(
    context: BaseContext,
    work: Callable[..., None],
    given: Sequence[Any],
    siblings: Sequence[WorkerProcess],
    *,
    forks: bool,
) -> WorkerProcess | None:
    """A process that does some work, or None where the system gives no more.

    Args:
        context: how it is started.
        work: called in it with its end of a connection and `given`.
        given: what it is given.
        siblings: started before it: a forked process must close what it inherits of theirs.
        forks: whether the context forks.
    """
    try:
        ours, theirs = context.Pipe()
        lifeline = Lifeline() if forks else None
    except OSError:
        return None
    worker = _Start(
        work, theirs, tuple(given), tuple(siblings) if forks else (), ours if forks else None, lifeline
    )
    process = context.Process(  # type: ignore[attr-defined]  # every context has it, says the documentation
        target=worker, daemon=True
    )
    started = WorkerProcess(process, ours, lifeline)
    try:
        with _without_signals():
            process.start()
    except (OSError, MemoryError):
        started.release()
        return None
    finally:
        theirs.close()
        if lifeline is not None:
            lifeline.hand_over()
    return started


@contextmanager
def _without_signals() -> Iterator[None]:
    """Ctrl-C reaches the whole process group, also a process that does not handle it yet.

    What is started here has it blocked; for this process it waits until the end.
    """
    if sys.platform != "linux":
        # Started later, by `multiprocessing`, it would unblock the signal again.
        resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(frozen=True, slots=True)
class _Start:
    """What the process does, until its connection closes."""

    work: Callable[..., None]
    connection: Connection[Any, Any]
    given: tuple[Any, ...]
    siblings: tuple[WorkerProcess, ...]
    others_end: Connection[Any, Any] | None
    """The end that a forked process inherits beside its own."""
    lifeline: Lifeline | None

    def __call__(self) -> None:
        """Do it."""
        # A signal to the group is for the parent. Programs that are started here do not inherit this.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _left_to_the_parent)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        for sibling in self.siblings:
            sibling.release()
        if self.others_end is not None:
            self.others_end.close()
        if self.lifeline is not None:
            self.lifeline.hold()
        try:
            with suppress(EOFError, BrokenPipeError, ConnectionResetError):
                self.work(self.connection, *self.given)
        except BaseException:  # noqa: BLE001 - its text may hold content, and the parent sees that it is gone
            os._exit(_FAILED)


def _left_to_the_parent(_number: int, _frame: object) -> None:
    """A signal that means the whole run."""

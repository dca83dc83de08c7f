"""Work that has to end in time, whatever happens to it: it is done in a process of its own.

A timer in the same process is not heard while a library computes, and says nothing where the process dies.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_STANDARD: Final = 3
"""Descriptors that belong to standard input, output and error."""
_PIECE: Final = 1 << 16


def in_time(work: Callable[[], bytes], seconds: float) -> bytes | None:
    """What some work gives, or None where it fails, dies or takes too long.

    Args:
        work: what to do; it has this process's standard streams.
        seconds: how long it may take.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    _occupy_standard_descriptors()
    reader, writer = os.pipe()
    try:
        worker = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        return None
    if not worker:
        os.close(reader)
        _work(work, writer, seconds)
    os.close(writer)
    try:
        return _received(reader, time.monotonic() + seconds)
    finally:
        os.close(reader)
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


def _work(work: Callable[[], bytes], writer: int, seconds: float) -> None:
    """Do it, in the process made for it, which never returns."""
    # Where the process that waits is killed, this one ends by itself.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with os.fdopen(writer, "wb") as pipe:
            content = work()
            pipe.write(b"%d " % len(content) + content)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(0)


def _received(reader: int, end: float) -> bytes | None:
    received = bytearray()
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            return None
        piece = os.read(reader, _PIECE)
        if not piece:
            break
        received += piece
    length, _, content = bytes(received).partition(b" ")
    # Half an answer is none.
    return content if length.isdigit() and int(length) == len(content) else None


def _occupy_standard_descriptors() -> None:
    """Give a closed standard stream's number to nothing: a pipe with that number would be taken for it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < _STANDARD:
        pass
    os.close(descriptor)

"""One run of a program as the system accounts for it, and rows of a table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """One run of a program."""

    wall: float
    cpu: float
    peak: float
    """Megabytes of the largest process."""
    code: int
    output: bytes


def measure(
    command: list[str], *, environment: dict[str, str] | None = None, keep: bool = False, most_code: int = 1
) -> Run:
    """Run a command to its end.

    Args:
        command: the program and its arguments.
        environment: variables besides those of this process.
        keep: whether its standard output is kept, not thrown away.
        most_code: the largest exit code that is no failure.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if not 0 <= code <= most_code:
        sys.exit(f"{' '.join(command)} ended with {code}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, code, output)


def row(name: str, runs: list[Run]) -> str:
    """A row of the table: medians, the range of times, the peak."""
    walls = [run.wall for run in runs]
    return (
        f"| {name} | {statistics.median(walls):.3f} | {min(walls):.3f} to {max(walls):.3f} "
        f"| {statistics.median(run.cpu for run in runs):.2f} | {max(run.peak for run in runs):.0f} |"
    )

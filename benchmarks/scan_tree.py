"""`keyleak scan` against ripgrep on one tree: medians, the ratio run by run, and memory.

    python benchmarks/scan_tree.py TREE [--runs 9]

Both read every file of the tree, hidden, ignored and binary ones too; ripgrep counts the lines with a key's
shape. Runs alternate, so that a slow moment of the machine hits both, and one run of each goes first to warm
the page cache. Needs `rg` on PATH.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PATTERN = "sk_(live|test)_[A-Za-z0-9_-]{16,}"


@dataclass(frozen=True)
class Run:
    """One run of a program, as the system accounted for it."""

    wall: float
    cpu: float
    peak: float
    """Megabytes of the largest process."""


def measure(command: list[str]) -> Run:
    """Run a command to its end, its output thrown away."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode > 1:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def row(name: str, runs: list[Run]) -> str:
    """A row of the table."""
    walls = [run.wall for run in runs]
    return (
        f"| {name} | {statistics.median(walls):.3f} | {min(walls):.3f} to {max(walls):.3f} "
        f"| {statistics.median(run.cpu for run in runs):.2f} | {max(run.peak for run in runs):.0f} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tree", help="folder to scan")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    keyleak = shutil.which("keyleak") or str(Path(sys.executable).with_name("keyleak"))
    ripgrep = shutil.which("rg")
    if ripgrep is None:
        sys.exit("ripgrep (rg) is not on PATH; on Debian: apt-get install ripgrep")
    commands = {
        "keyleak scan": [keyleak, "scan", "--no-progress", options.tree],
        "rg -uuu -a -c": [ripgrep, "-uuu", "-a", "-c", PATTERN, options.tree],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    for command in commands.values():
        measure(command)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            runs[name].append(measure(command))
    files = [path for path in Path(options.tree).rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    ratios = [ours.wall / theirs.wall for ours, theirs in zip(*list(runs.values())[:2], strict=True)]
    print(
        f"{len(files):,} files, {size / 1e6:,.0f} MB, {os.cpu_count()} processors, {options.runs} runs each\n"
    )
    print("| program | median s | range s | CPU s | peak MB |\n|---|---|---|---|---|")
    for name, measured in runs.items():
        print(row(name, measured))
    print(f"\nkeyleak / rg, run by run: median {statistics.median(ratios):.2f}, "
          f"from {min(ratios):.2f} to {max(ratios):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()

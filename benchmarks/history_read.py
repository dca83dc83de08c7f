"""Reads every object of a repository with a Hyperscan visitor, against git's own raw read.

    python benchmarks/history_read.py REPOSITORY [--jobs N] [--runs N]

Prints medians, their ratio, objects, bytes and the peak memory of the largest process.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

import hyperscan

from keyleak.git.objects import read_objects
from keyleak.git.visitor import ObjectsRead, ReadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.git.visitor import Kind

PATTERN = rb"[sr]k_(live|test)_[A-Za-z0-9_-]{16}"


class Searcher:
    """Tells the ids of objects that the pattern matches."""

    def __init__(self) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=[PATTERN], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH]
        )
        self._hits: list[int] = []

    def _found(self, rule: int, *_: object) -> None:
        self._hits.append(rule)

    def visit(self, oid: bytes, _kind: Kind, data: bytes) -> bytes | None:
        """Looks at a whole object."""
        self._database.scan(data, match_event_handler=self._found)
        if not self._hits:
            return None
        self._hits.clear()
        return oid

    def visit_windows(self, oid: bytes, kind: Kind, windows: Iterator[bytes]) -> bytes | None:
        """Looks at each window by itself: good enough to measure with."""
        return max((self.visit(oid, kind, window) or b"" for window in windows), default=b"") or None


def git_seconds(repository: str) -> float:
    """How long git takes to print everything."""
    command = ["git", "cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"]
    started = time.perf_counter()
    subprocess.run(command, cwd=repository, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def keyleak_seconds(repository: str, jobs: int) -> tuple[float, ObjectsRead[bytes]]:
    """How long the object reading layer takes, and what it brought."""
    started = time.perf_counter()
    read = read_objects(repository, Searcher, ReadOptions(jobs=jobs))
    return time.perf_counter() - started, read


def peak_mebibytes() -> int:
    """Peak memory of the largest of this process and its children so far."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in both) >> 10


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    # keyleak first: the peak of its children is read before git is one of them.
    runs = [keyleak_seconds(arguments.repository, arguments.jobs) for _ in range(arguments.runs)]
    peak = peak_mebibytes()
    ours = statistics.median(seconds for seconds, _ in runs)
    theirs = statistics.median(git_seconds(arguments.repository) for _ in range(arguments.runs))
    read = runs[-1][1]
    print(f"keyleak  {ours:7.2f} s  {peak} MiB in the largest process")
    print(f"git      {theirs:7.2f} s")
    print(f"ratio    {ours / theirs:7.3f}")
    print(f"{read.counts}, {read.content_bytes} bytes, {len(read.results)} objects match, gaps: {read.gaps}")


if __name__ == "__main__":
    main()

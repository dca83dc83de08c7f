"""Processes that read: one that dies costs the path it died of, none outlives the scan, a few will do."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from keyleak.coverage import Coverage, Gap
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspector
from keyleak.sources.processes import read_in_processes
from keyleak.sources.walk import Batch
from strategies import rulebook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from keyleak.sources.batch import BatchResult

KEY = expand("sk_live_${base62:42}", 5)


class Deadly(Inspector):
    """An inspector that ends its process where a content says so, as a defect of a native library would."""

    def suspects(self, content: memoryview, ends: Sequence[int]) -> list[int]:
        if b"KILL" in bytes(content):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().suspects(content, ends)


def deadly() -> Inspector:
    return Deadly(rulebook())


def files(folder: Path, contents: dict[str, str]) -> list[str]:
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content)
    return [str(folder / name) for name in contents]


def read(paths: list[str], make: Callable[[], Inspector], jobs: int = 2, size: int = 3) -> list[BatchResult]:
    batches = [Batch(tuple(paths[at : at + size])) for at in range(0, len(paths), size)]
    return list(read_in_processes(iter(batches), make, jobs))


def together(results: list[BatchResult]) -> tuple[int, list[Gap], list[str | None]]:
    coverage = sum((result.coverage for result in results), Coverage())
    found = [sighting.location.path for result in results for sighting in result.sightings]
    return coverage.files, list(coverage.gaps), sorted(found, key=str)


@pytest.mark.parametrize("jobs", [1, 2, 4])
@pytest.mark.parametrize("size", [1, 3, 50])
def test_a_process_that_dies_costs_the_file_it_died_of(tmp_path: Path, jobs: int, size: int) -> None:
    contents = {f"{number}.env": f"FLORA_API_KEY={KEY}\n" for number in range(20)}
    paths = files(tmp_path / "a", contents | {"7.env": "KILL\n", "19.env": "KILL\n"})
    count, gaps, found = together(read(paths, deadly, jobs, size))
    assert sorted(gap.what for gap in gaps) == sorted([paths[7], paths[19]])
    assert {gap.reason for gap in gaps} == {
        "the process that read it ended with -9; look at it with --jobs 1"
    }
    assert count == 18
    assert found == sorted(set(paths) - {paths[7], paths[19]})


@pytest.mark.parametrize("given", [0, 1, 3])
@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM])
def test_where_the_system_gives_fewer_processes_fewer_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: int, number: int
) -> None:
    forked = []

    def fork(real: Callable[[], int] = os.fork) -> int:
        if len(forked) == given:
            raise OSError(number, os.strerror(number))
        forked.append(1)
        return real()

    monkeypatch.setattr(os, "fork", fork)
    paths = files(tmp_path / "a", {f"{each}.env": f"FLORA_API_KEY={KEY}\n" for each in range(20)})
    count, gaps, found = together(read(paths, lambda: Inspector(rulebook()), jobs=4))
    assert (count, gaps, found) == (20, [], sorted(paths))
    assert len(forked) == given


def test_where_the_system_gives_no_other_process_what_killed_one_is_not_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forked = []

    def fork(real: Callable[[], int] = os.fork) -> int:
        if forked:
            raise OSError(errno.EAGAIN, "again")
        forked.append(1)
        return real()

    monkeypatch.setattr(os, "fork", fork)
    paths = files(tmp_path / "a", {"0.env": "KILL\n", "1.env": "x\n"})
    count, gaps, _ = together(read(paths, deadly, jobs=2, size=1))
    # The second one was waiting behind the first, so it is suspected too.
    assert count == 0
    assert sorted(gap.what for gap in gaps) == sorted(paths)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_no_process_outlives_the_one_that_started_it(tmp_path: Path, number: int) -> None:
    script = """
        import os, signal, sys
        from keyleak.sources.inspector import Inspector
        from keyleak.sources.processes import read_in_processes
        from keyleak.sources.walk import Batch
        from keyleak.rulebook.loader import load_rulebook

        class Waiting(Inspector):
            def suspects(self, content, ends):
                os.write(1, f"{os.getpid()} ".encode())
                while True:
                    signal.pause()

        rules = load_rulebook()
        batches = (Batch((path,)) for path in sys.argv[1:])
        list(read_in_processes(batches, lambda: Waiting(rules), 3))
    """
    paths = files(tmp_path / "a", {str(each): "x" for each in range(9)})
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *paths],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = b""
        while said.count(b" ") < 3:
            said += os.read(process.stdout.fileno(), 100)
        # Handles of the processes, for their numbers may be given again.
        workers = [os.pidfd_open(int(pid)) for pid in said.split()]
        os.kill(process.pid, number)
        for worker in workers:
            ended, _, _ = select.select([worker], [], [], 60)
            os.close(worker)
            assert ended

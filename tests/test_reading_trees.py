"""Trees of files: everything read, one process or several, and nothing silent when one dies."""

from __future__ import annotations

import os
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

import keyleak
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspector
from keyleak.sources.reading import Reader
from keyleak.sources.walk import Walk

if TYPE_CHECKING:
    from pathlib import Path


def key(seed: int) -> str:
    return expand("sk_live_${base62:42}", seed)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number in range(700):
        folder = tmp_path / f"d{number % 13}" / f"e{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        leak = f"x = '{key(number)}'\n" if number % 50 == 0 else "nothing\n"
        (folder / f"f{number}.txt").write_text("line\n" * (number % 40) + leak)
    (tmp_path / "package-lock.json").write_text(key(1001))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0" + key(1002).encode() + b"\0")
    (tmp_path / "node_modules" / "a").mkdir(parents=True)
    (tmp_path / "node_modules" / "a" / "min.js").write_text("a;" * 100_000 + f"k='{key(1003)}';" + "b;" * 9)
    for folder in ("objects", "refs"):
        (tmp_path / ".git" / folder).mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "config").write_text(key(1004))
    return tmp_path


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_file_is_read_in_any_number_of_processes(tree: Path, jobs: int) -> None:
    result = keyleak.scan_paths([tree], jobs=jobs)
    expected = {key(number) for number in range(0, 700, 50)} | {key(number) for number in (1001, 1002, 1003)}
    assert {finding.secret.reveal().decode() for finding in result.findings} == expected
    assert result.coverage.complete
    assert result.coverage.files == 703
    lines = {
        place.path: place.line for finding in result.findings for place in finding.locations if place.path
    }
    assert lines[str(tree / "d11" / "e1" / "f50.txt")] == 11
    assert lines[str(tree / "node_modules" / "a" / "min.js")] == 1


def test_paths_named_twice_are_read_once(tree: Path) -> None:
    result = keyleak.scan_paths([tree, tree / "d0", tree / "package-lock.json", tree], jobs=1)
    assert result.coverage.files == 703
    assert all(len(finding.locations) == 1 for finding in result.findings)


def test_what_cannot_be_opened_or_listed_is_a_gap(tmp_path: Path) -> None:
    reader = Reader(Inspector(load_rulebook()))
    (tmp_path / "folder").mkdir()
    (tmp_path / "leak").write_text(key(2))
    result = reader.read_files([str(tmp_path / "gone"), str(tmp_path / "folder"), str(tmp_path / "leak")])
    assert [(gap.what, gap.reason) for gap in result.gaps] == [
        (str(tmp_path / "gone"), "No such file or directory"),
        (str(tmp_path / "folder"), "Is a directory"),
    ]
    assert len(result.sightings) == 1
    walk = Walk([str(tmp_path / ("n" * 300))])
    assert list(walk.batches()) == []
    assert "too long" in walk.gaps[0].reason


def test_a_file_that_shrinks_while_it_is_read_is_a_gap(tmp_path: Path) -> None:
    file = tmp_path / "huge"
    file.write_bytes(b"x" * 400_000)

    class Shrinker(Inspector):
        """Cuts the file when the first window is looked at."""

        def inspect(self, *arguments: object, **named: object):  # type: ignore[no-untyped-def]
            os.truncate(file, 250_000)
            return super().inspect(*arguments, **named)  # type: ignore[arg-type]

    result = Reader(Shrinker(load_rulebook()), window=1).read_file(str(file))
    assert "shrank while it was read" in result.gaps[0].reason


def test_small_files_read_together_keep_to_themselves(tmp_path: Path) -> None:
    """The end of one file and the start of the next do not make a key."""
    whole = key(3)
    paths = []
    for number, text in enumerate([whole[:20], whole[20:], "FLORA_API_KEY=", expand("${base62:40}"), whole]):
        path = tmp_path / str(number)
        path.write_text(text)
        paths.append(str(path))
    result = Reader(Inspector(load_rulebook())).read_files(paths)
    assert [(each.secret.reveal().decode(), each.location.path) for each in result.sightings] == [
        (whole, paths[4])
    ]


def test_a_file_that_does_not_fit_behind_others_is_read_alone(tmp_path: Path) -> None:
    paths = []
    for number, size in enumerate([100_000, 200_000, 10]):
        path = tmp_path / str(number)
        path.write_bytes(b"." * size + b" " + key(number).encode())
        paths.append(str(path))
    result = Reader(Inspector(load_rulebook()), window=150_000).read_files(paths)
    assert {each.location.path for each in result.sightings} == set(paths)
    assert result.bytes == sum(os.path.getsize(path) for path in paths)


def test_a_deep_tree_with_long_names_never_blocks_the_pipe(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(12):
        folder = folder / ("n" * 200)
    folder.mkdir(parents=True)
    for number, _ in enumerate(repeat(None, 900)):
        (folder / f"{number:0200}").write_text(key(number) if number % 100 == 0 else "")
    result = keyleak.scan_paths([tmp_path], jobs=2)
    assert len(result.findings) == 9
    assert result.coverage.files == 900

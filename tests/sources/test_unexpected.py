"""Whatever is raised while one input is examined costs that input only, which is listed as not read."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import keyleak
from keyleak.containers import zip_archive
from keyleak.containers.member import Member
from keyleak.manifests import reading as manifests
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.batch import BatchReader
from keyleak.sources.examiner import Examiner
from keyleak.sources.inspector import Inspector
from keyleak.sources.walk import Batch
from keyleak.unexpected import contained
from repositories import commit, new_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEYLEAK = Path(sys.executable).with_name("keyleak")
SECRET = "the content of the file"


def key(seed: int) -> str:
    return expand("sk_live_${base62:42}", seed)


def line(seed: int) -> bytes:
    return f"FLORA_API_KEY={key(seed)}\n".encode()


def found(result: keyleak.ScanResult) -> set[str]:
    return {finding.secret.reveal().decode() for finding in result.findings}


def zipped(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name) if isinstance(name, str) else name
            archive.writestr(info, content)
    return buffer.getvalue()


def tarred(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


NAMES = [
    "",
    "/",
    "a\nb",
    "../../etc/passwd",
    "/etc/passwd",
    "\udc80\udcff",
    "e\u0301\u202e",
    "C:\\x",
    "n" * 60_000,
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_of_any_name_is_read_and_costs_no_other_file(tmp_path: Path, kind: str, name: str) -> None:
    members = (("first", line(1)), (name, line(2)), ("last", line(3)))
    if kind == "zip":
        # A name that is no UTF-8 is one of code page 437 here.
        written = name.encode("utf-8", "surrogateescape").decode("cp437") if "\udc80" in name else name
        content = zipped(("first", line(1)), (written, line(2)), ("last", line(3)))
    else:
        content = tarred(*members)
    (tmp_path / "a.bin").write_bytes(content)
    (tmp_path / "b.env").write_bytes(line(4))
    result = keyleak.scan_paths([tmp_path])
    assert found(result) == {key(seed) for seed in (1, 2, 3, 4)}
    assert result.coverage.complete
    for arguments in (("--format", "json"), ("--format", "text"), ("--format", "sarif")):
        done = subprocess.run(
            [KEYLEAK, "scan", *arguments, "."], cwd=tmp_path, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    "arguments", [("scan", "--jobs", "1"), ("scan", "--jobs", "2"), ("history", "--no-cache")]
)
def test_a_zip_member_without_a_name_crashes_nothing(tmp_path: Path, arguments: Sequence[str]) -> None:
    files = {f"f{number}": b"%d\n" % number for number in range(40)}
    files |= {"a.env": line(1), "a.zip": zipped((zipfile.ZipInfo(""), line(2)))}
    repository = new_repository(tmp_path / "r")
    commit(repository, files)
    done = subprocess.run(
        [KEYLEAK, *arguments, "--format", "json"], cwd=repository, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["findings"]) == 2


class Raises:
    """Raises for what holds a mark, and else does what was done before."""

    def __init__(self, before: Any, error: type[Exception], mark: bytes = b"BREAKS") -> None:
        self._before, self._error, self._mark = before, error, mark

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        for each in arguments:
            if isinstance(each, bytes | memoryview | str) and self._mark in _bytes(each):
                raise self._error(SECRET)
        return self._before(*arguments, **named)


def _bytes(content: bytes | memoryview | str) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content)


ERRORS = [ValueError, IndexError, RecursionError, MemoryError, AssertionError, StopIteration, OSError]
BREAKS = b"BREAKS " + line(90)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("where", ["plain", "zip", "tar", "gzip", "nested"])
def test_what_raises_is_listed_with_a_safe_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: type[Exception]
) -> None:
    examine = Examiner.examine

    def raising(self: Examiner, content: Any, *others: Any) -> Any:
        return Raises(lambda content: examine(self, content, *others), error)(content)

    monkeypatch.setattr(Examiner, "examine", raising)
    made = {
        "plain": BREAKS,
        "zip": zipped(("a", line(1)), ("b", BREAKS), ("c", line(2))),
        "tar": tarred(("a", line(1)), ("b", BREAKS), ("c", line(2))),
        "gzip": gzip.compress(BREAKS),
        "nested": zipped(("a", line(1)), ("b", tarred(("x", BREAKS), ("y", line(2))))),
    }[where]
    (tmp_path / "made").write_bytes(made)
    (tmp_path / "other").write_bytes(line(3))
    result = keyleak.scan_paths([tmp_path])
    others = {key(3)} if where in {"plain", "gzip"} else {key(1), key(2), key(3)}
    assert found(result) >= others
    assert result.coverage.files == 2
    assert not result.coverage.complete
    for gap in result.coverage.gaps:
        assert gap.what.startswith(str(tmp_path / "made"))
        assert error.__name__ in gap.reason
        assert SECRET not in gap.reason
        assert ".py:" in gap.reason


def test_a_defect_while_members_are_listed_costs_what_follows_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def members(_stream: object) -> Iterator[Member]:
        yield Member("a", iter((line(1),)))
        yield Member("b", _breaking(line(2)))
        yield Member("c", iter((line(3),)))
        raise KeyError(SECRET)

    monkeypatch.setattr(zip_archive, "members", members)
    (tmp_path / "a.zip").write_bytes(zipped(("a", b"x")))
    result = keyleak.scan_paths([tmp_path])
    # What came before a member broke off is searched too.
    assert found(result) == {key(1), key(2), key(3)}
    assert [gap.what for gap in result.coverage.gaps] == [f"{tmp_path}/a.zip", f"{tmp_path}/a.zip (b)"]
    assert all("KeyError" in gap.reason and SECRET not in gap.reason for gap in result.coverage.gaps)


def _breaking(content: bytes) -> Iterator[bytes]:
    yield content
    raise KeyError(SECRET)


def test_a_defect_of_the_reader_costs_one_file_of_those_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspects = Inspector.suspects

    def raising(self: Inspector, joined: Any, ends: Sequence[int]) -> list[int]:
        if b"BREAKS" in bytes(joined):
            raise TypeError(SECRET)
        return suspects(self, joined, ends)

    monkeypatch.setattr(Inspector, "suspects", raising)
    for number in range(9):
        (tmp_path / f"f{number}").write_bytes(line(number) if number != 4 else b"BREAKS")
    batch = Batch(tuple(str(tmp_path / f"f{number}") for number in range(9)))
    result = BatchReader(Inspector(load_rulebook(()))).read(batch)
    assert {each.secret.reveal().decode() for each in result.sightings} == {
        key(number) for number in range(9) if number != 4
    }
    assert result.coverage.files == 9


def test_a_name_that_cannot_be_examined_costs_no_other_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = Examiner.examine

    def raising(self: Examiner, content: Any, *others: Any) -> Any:
        return Raises(lambda content: examine(self, content, *others), ValueError)(content)

    monkeypatch.setattr(Examiner, "examine", raising)
    (tmp_path / f"BREAKS {key(1)}").touch()
    (tmp_path / f"FLORA_API_KEY={key(2)}").touch()
    result = keyleak.scan_paths([tmp_path])
    assert found(result) == {key(2)}
    (gap,) = result.coverage.gaps
    assert gap.what == str(tmp_path / f"BREAKS {key(1)}")


def test_a_manifest_that_raises_keeps_the_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(_text: str) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setitem(manifests._BY_NAME, "package.json", raising)  # type: ignore[index]
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "a.js").write_bytes(b"const k = '" + key(1).encode() + b"'\n")
    result = keyleak.scan_paths([tmp_path])
    assert found(result) == {key(1)}


def test_a_content_nested_as_deep_as_anybody_likes(tmp_path: Path) -> None:
    deep = (
        b'{"nbformat": 4, "cells": ' + b"[" * 200_000 + b"]" * 200_000 + b', "k": "' + key(1).encode() + b'"}'
    )
    (tmp_path / "deep.ipynb").write_bytes(deep)
    (tmp_path / "package.json").write_bytes(b'{"dependencies": ' + b"[" * 100_000)
    (tmp_path / "other.env").write_bytes(line(2))
    result = keyleak.scan_paths([tmp_path])
    assert found(result) == {key(1), key(2)}


def test_an_interruption_is_no_defect() -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        contained(interrupted, str)

"""Every command, whatever kept something from being read: none says clean, by its words or its exit code."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import zlib
from typing import TYPE_CHECKING

import pytest

from keyleak.cli.program import main
from keyleak.errors import ExitCode
from keyleak.sources.inspector import Inspector
from repositories import commit, git, new_repository, only_pack, repack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLEAN = re.compile(
    r"no (?:leaked )?keys? (?:was )?found\b(?! in what)|found no leaked key|no leaked key$"
    r"|holds none of the keys|nothing to fix|staged\. no key|no new key",
    re.IGNORECASE | re.MULTILINE,
)
FILES = ("scan", "scan-json", "verify", "baseline-create", "baseline-check")
HISTORY = ("history", "history-json", "history-range", "history-refs", "history-since", "fix", "in-place")
INDEX = ("staged", "pre-commit")

COMMANDS = {
    "scan": ["scan", "."],
    "scan-json": ["scan", ".", "--format", "json"],
    "verify": ["verify", "--yes"],
    "baseline-create": ["baseline", "create", "--baseline", "new.json"],
    "baseline-check": ["baseline", "check", "--baseline", "known.json"],
    "history": ["history", "--no-cache"],
    "history-json": ["history", "--no-cache", "--format", "json"],
    "history-range": ["history", "--no-cache", "--range", "HEAD~3..HEAD"],
    "history-refs": ["history", "--no-cache", "--refs", "main"],
    "history-since": ["history", "--no-cache", "--since", "2001-01-01"],
    "fix": ["fix", "."],
    "in-place": ["fix", ".", "--in-place-check", "--remote", "."],
    "staged": ["staged"],
    "pre-commit": ["hook", "run", "pre-commit"],
}


def blob_of(repository: Path, name: str) -> str:
    return git(repository, "rev-parse", f"HEAD:{name}").decode().strip()


def loose(repository: Path, oid: str) -> Path:
    return repository / ".git/objects" / oid[:2] / oid[2:]


def locked(repository: Path) -> None:
    """A file that cannot be read to its end."""
    (repository / "damaged.gz").write_bytes(gzip.compress(os.urandom(3000))[:-900])


def too_deep(repository: Path) -> None:
    """More containers in each other than are opened."""
    content = b"x"
    for _ in range(20):
        content = gzip.compress(content)
    (repository / "deep.gz").write_bytes(content)


def dead(repository: Path) -> None:
    """A file at which the process that reads it ends."""
    for number in range(600):
        (repository / f"f{number}").write_text("x")
    (repository / "f300").write_text("KILL")


def lost_blob(repository: Path) -> None:
    loose(repository, blob_of(repository, "b.txt")).unlink()


def lost_tree(repository: Path) -> None:
    loose(repository, git(repository, "rev-parse", "HEAD^{tree}").decode().strip()).unlink()


def damaged_blob(repository: Path) -> None:
    file = loose(repository, blob_of(repository, "b.txt"))
    file.chmod(0o644)
    file.write_bytes(zlib.compress(b"blob 5\0other"))


def damaged_pack(repository: Path) -> None:
    repack(repository)
    pack = only_pack(repository)
    pack.chmod(0o644)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    pack.write_bytes(content)


def broken_ref(repository: Path) -> None:
    (repository / ".git/refs/heads/broken").write_text("nothing\n")


def ref_to_nothing(repository: Path) -> None:
    (repository / ".git/refs/heads/broken").write_text("1" * 40 + "\n")


def bad_packed_refs(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    with (repository / ".git/packed-refs").open("a") as file:
        file.write("nonsense\n")


def shallow(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD~1").decode()
    (repository / ".git/shallow").write_text(head)


def lost_alternate(repository: Path) -> None:
    (repository / ".git/objects/info").mkdir(exist_ok=True)
    (repository / ".git/objects/info/alternates").write_text("/nowhere/at/all\n")


def lost_staged(repository: Path) -> None:
    (repository / "new.txt").write_text("something staged\n")
    git(repository, "add", "new.txt")
    loose(repository, git(repository, "hash-object", "new.txt").decode().strip()).unlink()
    (repository / "new.txt").unlink()


def damaged_staged(repository: Path) -> None:
    (repository / "new.gz").write_bytes(gzip.compress(os.urandom(3000))[:-900])
    git(repository, "add", "new.gz")


REFS = ("history", "history-json", "fix")
WHOLE = ("history", "history-json", "fix")
DAMAGES: dict[Callable[[Path], None], tuple[str, ...]] = {
    locked: FILES,
    too_deep: FILES,
    dead: ("scan", "scan-json"),
    lost_blob: ("history", "history-json", "history-range", "history-refs", "history-since", "fix"),
    lost_tree: ("history", "history-json", "history-range", "history-refs", "history-since", "fix"),
    damaged_blob: ("history", "history-json", "history-range", "history-refs", "history-since", "fix"),
    damaged_pack: HISTORY,
    broken_ref: REFS,
    ref_to_nothing: REFS,
    bad_packed_refs: REFS,
    shallow: ("history", "history-json", "history-refs", "history-since", "fix"),
    lost_alternate: WHOLE,
    lost_staged: INDEX,
    damaged_staged: INDEX,
}
CASES = [(damage, command) for damage, commands in DAMAGES.items() for command in commands]


class Deadly(Inspector):
    """Ends its process where a content says so."""

    def suspects(self, joined: bytes | bytearray | memoryview, ends: list[int]) -> list[int]:  # type: ignore[override]
        if b"KILL" in bytes(joined):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().suspects(joined, ends)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repository = new_repository(tmp_path / "r")
    for number in range(4):
        commit(
            repository, {"a.txt": b"%d\n" % number, "b.txt": b"b\n" if number else b"first\n"}, f"c{number}"
        )
    monkeypatch.chdir(repository)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b""), encoding="utf-8"))
    assert main(["baseline", "create", "--baseline", "known.json"]) == ExitCode.CLEAN
    return repository


@pytest.mark.parametrize("command", COMMANDS)
def test_where_everything_is_read_it_is_clean(
    command: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(COMMANDS[command]) == ExitCode.CLEAN, capsys.readouterr()


@pytest.mark.parametrize(
    ("damage", "command"), CASES, ids=[f"{damage.__name__}-{command}" for damage, command in CASES]
)
def test_what_was_not_read_is_not_called_clean(
    damage: Callable[[Path], None],
    command: str,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(repository)
    if damage is dead:
        monkeypatch.setattr("keyleak.commands.options.Inspector", Deadly)
        monkeypatch.setattr("keyleak.commands.scan.Inspector", Deadly, raising=False)
    capsys.readouterr()
    code = main([*COMMANDS[command], *(["--jobs", "2"] if damage is dead else [])])
    said = capsys.readouterr()
    assert code == ExitCode.INCOMPLETE, said
    assert CLEAN.search(said.out + said.err) is None, said
    if command.endswith("json"):
        made = json.loads(said.out)
        assert made["coverage"]["complete"] is False
        assert made["coverage"]["gaps"]


@pytest.mark.parametrize("form", ["text", "markdown", "github", "junit", "csv", "html", "sarif"])
def test_no_format_calls_a_report_of_a_part_clean(
    form: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    locked(repository)
    assert main(["scan", ".", "--format", "json:r.json", "--format", form]) == ExitCode.INCOMPLETE
    first = capsys.readouterr().out
    main(["report", "r.json", "--format", form])
    again = capsys.readouterr().out
    for said in (first, again):
        assert "damaged.gz" in said
        assert CLEAN.search(said) is None
    (repository / "r.json").rename(repository / "old.json")
    assert main(["report", "diff", "old.json", "old.json"]) == ExitCode.INCOMPLETE

"""A scope that selects nothing is not a clean result: the report says so in words, and the exit code is 2."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from keyleak.cli.program import main
from keyleak.coverage import Coverage, Gap, ObjectCounts
from keyleak.errors import ExitCode
from keyleak.findings import Status
from keyleak.records import replace
from keyleak.rulebook.template import expand
from reports.saved import finding, report
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

    from keyleak.reports.report import Report


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def scanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main([*arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_an_empty_folder_is_not_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    code, made = scanned(capsys, "scan", "empty")
    assert code == ExitCode.INCOMPLETE
    assert [(gap["what"], gap["reason"].split(":")[0]) for gap in made["coverage"]["gaps"]] == [
        ("empty", "nothing was read")
    ]
    assert main(["scan", "empty"]) == ExitCode.INCOMPLETE
    shown = capsys.readouterr().out
    assert "Nothing was read." in shown
    assert "No key found" not in shown
    assert main(["scan", "empty", "--allow-incomplete"]) == ExitCode.CLEAN


def test_a_folder_whose_files_are_all_left_out_is_not_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = new_repository(tmp_path / "repository")
    (repository / ".gitignore").write_text("*\n")
    (repository / "a.txt").write_text("nothing\n")
    code, made = scanned(capsys, "scan", "--no-ignored", "repository")
    assert (code, made["coverage"]["files"], made["coverage"]["complete"]) == (ExitCode.INCOMPLETE, 0, False)
    assert scanned(capsys, "scan", "repository")[0] == ExitCode.CLEAN


@pytest.mark.parametrize(
    "named", [["vendor"], ["vendor/deep"], ["vendor/deep/k.env"], ["vendor", "vendor/deep"]]
)
def test_a_named_folder_that_is_left_out_is_not_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: list[str]
) -> None:
    """It was read, its keys were dropped, and "No key found" was said of it."""
    repository = new_repository(tmp_path / "repository")
    (repository / ".gitignore").write_text("vendor/\n")
    (repository / "vendor/deep").mkdir(parents=True)
    (repository / "vendor/deep/k.env").write_text(expand("FLORA_API_KEY=sk_live_${base62:42}\n"))
    roots = [f"repository/{name}" for name in named]
    code, made = scanned(capsys, "scan", "--no-ignored", *roots)
    assert (code, made["coverage"]["files"], made["coverage"]["complete"]) == (ExitCode.INCOMPLETE, 0, False)
    (repository / "a.txt").write_text("nothing\n")
    code, made = scanned(capsys, "scan", "--no-ignored", *roots, "repository/a.txt")
    assert (code, made["coverage"]["files"]) == (ExitCode.CLEAN, 1)


def test_an_empty_range_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"a.txt": b"nothing\n"})
    for text in ("", "  "):
        assert main(["history", "repository", "--no-cache", "--range", text]) == ExitCode.INCOMPLETE
        assert "write A..B" in capsys.readouterr().err


def test_an_empty_file_is_something_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.txt").touch()
    code, made = scanned(capsys, "scan", "empty.txt")
    assert (code, made["coverage"]["files"], made["coverage"]["gaps"]) == (ExitCode.CLEAN, 1, [])


def test_where_no_agent_is_a_report_says_that_nothing_was_read(capsys: pytest.CaptureFixture[str]) -> None:
    code, made = scanned(capsys, "scan", "--agents")
    assert (code, made["scan"]["target"], made["coverage"]["files"]) == (ExitCode.CLEAN, "coding agents", 0)
    assert main(["scan", "--agents"]) == ExitCode.CLEAN
    assert capsys.readouterr().out.startswith("Nothing was read.")


def test_a_range_without_commits_is_not_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"a.txt": b"nothing\n"})
    code, made = scanned(capsys, "history", "repository", "--no-cache", "--range", "HEAD..HEAD")
    assert code == ExitCode.INCOMPLETE
    assert "nothing was read" in made["coverage"]["gaps"][0]["reason"]


def test_nothing_staged_is_clean_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"a.txt": b"nothing\n"})
    monkeypatch.chdir(repository)
    assert main(["staged"]) == ExitCode.CLEAN
    assert capsys.readouterr().out.startswith("Nothing staged.")


def test_a_push_of_known_commits_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"a.txt": b"nothing\n"})
    monkeypatch.chdir(repository)
    git(repository, "branch", "other")
    head = git(repository, "rev-parse", "HEAD").strip()
    lines = b"refs/heads/other " + head + b" refs/heads/other " + head + b"\n"
    monkeypatch.setattr("sys.stdin", type("Input", (), {"buffer": io.BytesIO(lines)}))
    assert main(["hook", "run", "pre-push", "origin", "https://example.org"]) == ExitCode.CLEAN


def test_a_baseline_of_an_empty_folder_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["baseline", "create", "empty"]) == ExitCode.INCOMPLETE
    assert not (tmp_path / ".keyleak-baseline.json").exists()


def test_an_issuer_that_is_none_is_named_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").touch()
    assert main(["scan", "--issuer", "Strip", "a.txt"]) == ExitCode.INCOMPLETE
    assert "did you mean stripe?" in capsys.readouterr().err


COVERAGES = [
    Coverage(size, files, objects, gaps)
    for size, files, objects in (
        (0, 0, ObjectCounts()),
        (0, 1, ObjectCounts()),
        (5, 1, ObjectCounts()),
        (0, 0, ObjectCounts(tree=1)),
    )
    for gaps in ((), (Gap("a", "gone"),))
]


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("kind", ["scan", "history", "staged"])
@pytest.mark.parametrize("status", [None, Status.NEW, Status.BASELINED])
def test_no_key_found_is_said_only_of_what_was_read_whole(
    coverage: Coverage, kind: str, status: Status | None
) -> None:
    example = report(*([finding(1, status=status)] if status else []))
    made: Report = replace(example, coverage=coverage, scan=replace(example.scan, kind=kind))
    clean = status is not Status.NEW and coverage.complete and not coverage.nothing_read
    assert (made.headline() == "No key found") is clean
    assert (made.verdict() == "No leaked key") is clean
    if not coverage.complete:
        assert "No key found" not in made.headline()
    if not coverage.complete:
        assert made.exit_code(allow_incomplete=False, exit_zero=True) is ExitCode.INCOMPLETE

"""A scan reads every file whatever its name, and names the repositories whose history it does not read."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

import keyleak
from keyleak.cli.program import main
from keyleak.errors import ExitCode
from keyleak.reports.reader import read_report
from keyleak.rulebook.template import expand
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

KEY = expand("sk_live_${base62:42}", 5)
LEAK = f"FLORA_API_KEY={KEY}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def scanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    capsys.readouterr()
    code = main(["scan", *arguments, "--format", "json"])
    written = capsys.readouterr().out
    assert read_report(written, "report").coverage.repositories == tuple(
        json.loads(written)["coverage"]["repositories"]
    )
    return code, json.loads(written), written


def test_a_plain_file_called_git_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".git").write_text(LEAK)
    code, made, _ = scanned(capsys, ".")
    assert code == ExitCode.FINDINGS
    assert [place["path"] for place in made["findings"][0]["locations"]] == ["a/.git"]
    assert made["coverage"]["repositories"] == []


def test_a_folder_called_git_that_is_no_repository_is_read(tmp_path: Path) -> None:
    (tmp_path / "a" / ".git").mkdir(parents=True)
    (tmp_path / "a" / ".git" / "notes.txt").write_text(LEAK)
    assert len(keyleak.scan_paths([tmp_path]).findings) == 1


def test_repositories_below_are_named_with_what_reads_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(new_repository(tmp_path / "projects" / "one"), {"a.txt": b"nothing\n"})
    commit(new_repository(tmp_path / "projects" / "deep" / "a b"), {"a.txt": b"nothing\n"})
    git(tmp_path, "init", "-q", "--bare", "projects/bare.git")
    git(tmp_path / "projects" / "one", "worktree", "add", "-q", "../linked")
    code, made, _ = scanned(capsys, "projects")
    assert code == ExitCode.CLEAN
    assert made["coverage"]["complete"]
    assert made["coverage"]["repositories"] == [
        f"projects/{name}" for name in ("bare.git", "deep/a b", "linked", "one")
    ]
    (tmp_path / "report.json").write_text(json.dumps(made))
    for form in ("text", "markdown", "html"):
        main(["report", "report.json", "--format", form])
        shown = capsys.readouterr().out
        assert "4 repositories below: their history was not read" in shown
        assert "keyleak history projects/bare.git" in shown
        assert "a b" in shown
    main(["scan", "projects/deep"])
    assert "1 repository below: its history was not read\n  keyleak history 'projects/deep/a b'\n" in (
        capsys.readouterr().out
    )


def test_the_repository_that_is_scanned_itself_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(tmp_path / "r")
    commit(repository, {"a.txt": b"nothing\n"})
    monkeypatch.chdir(repository)
    assert scanned(capsys, ".")[1]["coverage"]["repositories"] == []
    assert scanned(capsys, str(repository))[1]["coverage"]["repositories"] == []
    # Named itself, it is files like others; its packs take `history`.
    assert scanned(capsys, ".git")[1]["coverage"]["repositories"] == [".git"]


def test_a_submodule_is_named_and_its_gitfile_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = new_repository(tmp_path / "inner")
    commit(inner, {"a.txt": b"nothing\n"})
    outer = new_repository(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    code, made, _ = scanned(capsys, "outer")
    assert (code, made["coverage"]["repositories"]) == (ExitCode.CLEAN, ["outer/sub"])
    # .gitmodules, the submodule's a.txt and its .git.
    assert made["coverage"]["files"] == 3


def test_files_beside_what_looks_like_a_bare_repository_are_read(tmp_path: Path) -> None:
    (tmp_path / "fake" / "objects").mkdir(parents=True)
    (tmp_path / "fake" / "refs").mkdir()
    (tmp_path / "fake" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "fake" / "a.env").write_text(LEAK)
    result = keyleak.scan_paths([tmp_path])
    assert len(result.findings) == 1
    assert result.coverage.repositories == (str(tmp_path / "fake"),)


@pytest.mark.parametrize("content", [b"gitdir: \0", b"gitdir:", b"gitdir: nowhere\n", b"", b"\xff" * 9000])
def test_a_gitfile_that_leads_nowhere_is_a_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".git").write_bytes(content)
    result = keyleak.scan_paths([tmp_path])
    assert (result.coverage.files, result.coverage.repositories, result.coverage.gaps) == (1, (), ())


def test_a_pipe_called_git_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "a" / ".git")
    assert keyleak.scan_paths([tmp_path]).coverage.files == 0


def test_what_a_sparse_checkout_leaves_out_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = sparse(tmp_path)
    code, made, _ = scanned(capsys, "r")
    assert (code, made["coverage"]["not_checked_out"], made["coverage"]["complete"]) == (0, 2, True)
    assert main(["scan", "r"]) == ExitCode.CLEAN
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 tracked files are not checked out, so they were not read: `git sparse-checkout list`" in shown
    assert scanned(capsys, "r/in")[1]["coverage"]["not_checked_out"] == 0
    assert scanned(capsys, str(tmp_path))[1]["coverage"]["not_checked_out"] == 2
    git(repository, "sparse-checkout", "disable")
    assert scanned(capsys, "r")[1]["coverage"]["not_checked_out"] == 0


def test_a_baseline_keeps_what_a_sparse_checkout_does_not_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = sparse(tmp_path, f"FLORA_API_KEY={KEY}\n".encode())
    git(repository, "sparse-checkout", "disable")
    monkeypatch.chdir(repository)
    assert main(["baseline", "create"]) == ExitCode.CLEAN
    before = (repository / ".keyleak-baseline.json").read_text()
    git(repository, "sparse-checkout", "set", "in")
    capsys.readouterr()
    assert main(["baseline", "update"]) == ExitCode.CLEAN
    said = capsys.readouterr()
    assert "0 taken out, 1 known" in said.out
    assert "not checked out" in said.err
    assert (repository / ".keyleak-baseline.json").read_text() == before
    main(["baseline", "check"])
    assert "found nowhere" not in capsys.readouterr().err


def sparse(tmp_path: Path, outside: bytes = b"nothing\n") -> Path:
    repository = new_repository(tmp_path / "r")
    (repository / "in").mkdir()
    (repository / "out").mkdir()
    commit(repository, {"in/a.txt": b"nothing\n", "out/b.txt": outside, "out/c.txt": b"nothing\n"})
    git(repository, "sparse-checkout", "set", "in")
    assert not (repository / "out").exists()
    return repository

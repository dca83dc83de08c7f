"""What `keyleak fix` meets that is not as it should be: named, in a line, and nothing is broken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from keyleak.cli import main
from keyleak.errors import ExitCode, KeyleakError
from keyleak.remediation import filter_repo, rewriting
from remediation.leaky import KEY, assigned
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "work")
    commit(repository, {"a.env": assigned().encode()}, "one")
    return repository


def fix(repository: Path, output: Path) -> int:
    return main(["fix", str(repository), "--apply", "--yes", "--output", str(output)])


def test_filter_repo_that_is_missing_or_too_old_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filter_repo.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeyleakError, match="pip install"):
        filter_repo.find_filter_repo()
    old = tmp_path / "git-filter-repo"
    old.write_text("#!/bin/sh\necho usage: --replace-text --replace-message\n")
    old.chmod(0o755)
    with pytest.raises(KeyleakError, match=r"too old.*pip install"):
        filter_repo.find_filter_repo()


def test_disk_without_room_is_told_before_anything_is_written(
    leaking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rewriting, "_LEAST_SPACE", 1 << 60)
    assert fix(leaking, tmp_path / "out") == ExitCode.INCOMPLETE
    assert "may be needed" in capsys.readouterr().err
    assert not (tmp_path / "out" / "rewritten.git").exists()


def test_folder_of_somebody_else_is_not_touched(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert fix(leaking, tmp_path / "out") == ExitCode.INCOMPLETE
    assert "not empty" in capsys.readouterr().err
    assert os.listdir(tmp_path / "out") == ["thesis.txt"]


def test_names_of_people_are_replaced(leaking: Path, tmp_path: Path) -> None:
    git(
        leaking,
        "-c",
        "user.name=x",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
        f"--author={KEY} <a@b.example>",
    )
    commit(leaking, {"b": b"b"}, "after")
    assert fix(leaking, tmp_path / "out") == ExitCode.CLEAN
    authors = git(tmp_path / "out" / "rewritten.git", "log", "--format=%an <%ae>").decode().splitlines()
    assert authors[1] == "REMOVED-KEY <a@b.example>"
    assert KEY not in "".join(authors)


def test_names_of_files_are_replaced(leaking: Path, tmp_path: Path) -> None:
    commit(leaking, {f"dir/{KEY}.txt": b"b"}, "name")
    assert fix(leaking, tmp_path / "out") == ExitCode.CLEAN
    names = git(tmp_path / "out" / "rewritten.git", "ls-tree", "-r", "--name-only", "HEAD").split()
    assert b"dir/REMOVED-KEY.txt" in names


def test_ref_that_cannot_be_rewritten_is_named(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(leaking, "tag", "-a", "-m", "tree", "leaves", "HEAD^{tree}")
    git(leaking, "update-ref", f"refs/heads/use-{KEY}", "HEAD")
    assert fix(leaking, tmp_path / "out") != ExitCode.CLEAN
    said = " ".join(capsys.readouterr().out.split())
    assert "NOT clean" in said
    assert "refs/tags/leaves" in said
    assert "the name of a ref" in said
    assert KEY not in said
    assert (tmp_path / "out" / "backup.bundle").is_file()


def test_detached_head_does_not_keep_the_old_history(leaking: Path, tmp_path: Path) -> None:
    commit(leaking, {"b": b"b"}, "two")
    git(leaking, "checkout", "-q", "--detach", "HEAD~1")
    assert fix(leaking, tmp_path / "out") == ExitCode.CLEAN
    objects = git(tmp_path / "out" / "rewritten.git", "cat-file", "--batch", "--batch-all-objects")
    assert KEY.encode() not in objects


def test_message_that_names_a_commit_names_its_new_id(leaking: Path, tmp_path: Path) -> None:
    first = git(leaking, "rev-parse", "HEAD").decode().strip()
    commit(leaking, {"b": b"b"}, f"Revert something\n\nThis reverts commit {first}.")
    assert fix(leaking, tmp_path / "out") == ExitCode.CLEAN
    result = tmp_path / "out" / "rewritten.git"
    new = git(result, "rev-parse", "HEAD~1").decode().strip()
    assert f"This reverts commit {new}." in git(result, "log", "-1", "--format=%B").decode()


def test_signed_commits_and_encodings_survive_but_for_the_signature(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(
        leaking,
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "commit",
        "-q",
        "--allow-empty",
        "-F",
        "-",
        stdin=b"caf\xe9",
    )
    raw = git(leaking, "cat-file", "commit", "HEAD")
    head, _, message = raw.partition(b"\n\n")
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----"
    signed = head + b"\n" + signature + b"\n\n" + message
    oid = git(leaking, "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed).decode().strip()
    git(leaking, "update-ref", "HEAD", oid)
    assert fix(leaking, tmp_path / "out") == ExitCode.CLEAN
    said = capsys.readouterr().out
    assert "1 signed commits" in said
    assert "1 signatures are gone" in said
    assert b"caf\xe9" in git(tmp_path / "out" / "rewritten.git", "cat-file", "commit", "HEAD")

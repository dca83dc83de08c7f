"""What `keyleak fix` meets that is not as it should be: named, in a line, and nothing is broken."""

from __future__ import annotations

import base64
import gzip
import os
import re
import signal
import subprocess
import sys
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


def test_filter_repo_of_the_current_folder_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filter_repo.sys, "executable", "/nowhere/python")
    planted = tmp_path / "git-filter-repo"
    planted.write_text("#!/bin/sh\ntouch ran\n")
    planted.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for path in (".", "", f"{os.pathsep}.{os.pathsep}nowhere"):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(KeyleakError, match="not installed"):
            filter_repo.find_filter_repo()
    assert not (tmp_path / "ran").exists()


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
    assert fix(leaking, tmp_path / "out") == ExitCode.INCOMPLETE
    said = " ".join(capsys.readouterr().out.split())
    assert "NOT clean" in said
    assert "Not cleaned: refs/tags/leaves: it names a tree" in said
    assert KEY not in said
    branches = git(tmp_path / "out" / "rewritten.git", "branch", "--format=%(refname:short)").split()
    assert branches == [b"main", b"use-REMOVED-KEY"]
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
    assert "signed commits lose their signature: 1 (" in " ".join(said.split())
    assert "1 signatures are gone" in said
    assert b"caf\xe9" in git(tmp_path / "out" / "rewritten.git", "cat-file", "commit", "HEAD")


def test_partial_clone_and_sha256_are_refused_before_anything_is_written(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(leaking, {"big.txt": b"b\n" * 999}, "two")
    commit(leaking, {"big.txt": b"c\n" * 999}, "three")
    git(leaking, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:limit=1k", f"file://{leaking}", "partial")
    assert fix(tmp_path / "partial", tmp_path / "out") == ExitCode.INCOMPLETE
    assert "is a partial clone; rewrite a full one" in capsys.readouterr().err
    other = new_repository(tmp_path / "sha256", sha256=True)
    commit(other, {"a.env": assigned().encode()}, "one")
    assert fix(other, tmp_path / "out256") == ExitCode.INCOMPLETE
    assert "SHA-256" in capsys.readouterr().err
    for folder in ("out", "out256"):
        assert not (tmp_path / folder / "rewritten.git").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "packed.txt",
            b"config=" + base64.b64encode(gzip.compress(assigned().encode() * 3, mtime=0)) + b"\n",
        ),
        ("split.py", f'FLORA_API_KEY = "{KEY[:20]}" + "{KEY[20:]}"\n'.encode()),
    ],
)
def test_text_that_no_expression_describes_says_what_to_do_and_that_works(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    commit(leaking, {name: content}, "two")
    commit(leaking, {name: b"by hand\n"}, "by hand")
    assert fix(leaking, tmp_path / "out") == ExitCode.INCOMPLETE
    said = " ".join(capsys.readouterr().out.split())
    assert "NOT clean" in said
    told = re.search(
        rf"Not cleaned: {re.escape(name)}: no expression .* FILE has the line ([0-9a-f]{{40}})", said
    )
    assert told
    result = tmp_path / "out" / "rewritten.git"
    (tmp_path / "FILE").write_text(f"{told[1]}\n")
    strip = ("--force", "--partial", "--strip-blobs-with-ids", str(tmp_path / "FILE"))
    subprocess.run([*filter_repo.find_filter_repo(), *strip], cwd=result, check=True, capture_output=True)
    git(result, "reflog", "expire", "--expire=now", "--all")
    git(result, "gc", "-q", "--prune=now")
    assert main(["history", str(result), "--quiet"]) == ExitCode.CLEAN
    assert git(result, "show", f"main:{name}") == b"by hand\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    ["", "cloning every ref", "writing the backup", "rewriting with", "comparing", "reading the rew"],
)
def test_ctrl_c_leaves_a_folder_that_goes_on_and_a_backup_that_lasts(
    leaking: Path, tmp_path: Path, moment: str
) -> None:
    out = tmp_path / "out"
    program = os.path.join(os.path.dirname(sys.executable), "keyleak")
    command = [program, "fix", str(leaking), "--apply", "--yes", "--output", str(out)]
    running = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert running.stderr is not None
    if moment:
        while moment not in running.stderr.readline():
            assert running.poll() is None
    else:
        while not out.exists():
            assert running.poll() is None
    # As a terminal does it: to git and filter-repo as well.
    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.wait(30) == ExitCode.INTERRUPTED, said
    assert "Traceback" not in said
    backup = out / "backup.bundle"
    kept = backup.read_bytes() if backup.exists() else None
    assert (kept is not None) == (moment in {"rewriting with", "comparing", "reading the rew"})
    assert fix(leaking, out) == ExitCode.CLEAN
    assert kept is None or backup.read_bytes() == kept
    git(tmp_path, "clone", "-q", "--mirror", str(backup), "restored.git")
    assert git(tmp_path / "restored.git", "rev-parse", "main") == git(leaking, "rev-parse", "main")
    assert not list(out.rglob("*.part"))


@pytest.mark.parametrize("kind", ["graft", "replace"])
def test_history_is_rewritten_as_it_is_and_not_as_grafts_and_replacements_show_it(
    leaking: Path, tmp_path: Path, kind: str
) -> None:
    first = git(leaking, "rev-parse", "HEAD").decode().strip()
    commit(leaking, {"b": b"b"}, "two")
    tip = commit(leaking, {"c": b"c"}, "three")
    if kind == "graft":
        (leaking / ".git" / "info").mkdir(exist_ok=True)
        (leaking / ".git" / "info" / "grafts").write_text(f"{tip}\n")
    else:
        orphan = git(leaking, "commit-tree", f"{tip}^{{tree}}", "-m", "orphan").decode().strip()
        git(leaking, "replace", tip, orphan)
    assert fix(leaking, tmp_path / "out") == ExitCode.CLEAN
    result = tmp_path / "out" / "rewritten.git"
    assert git(result, "--no-replace-objects", "rev-list", "--count", "main").strip() == b"3"
    objects = git(result, "cat-file", "--batch", "--batch-all-objects")
    assert KEY.encode() not in objects
    assert first.encode() not in git(result, "--no-replace-objects", "rev-list", "main")

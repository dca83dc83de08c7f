"""Git runs nothing that a repository names, and says what went wrong."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from keyleak.errors import GitError
from keyleak.git import process

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    process.run(["init", "-q", os.fspath(tmp_path)], cwd=tmp_path)
    return tmp_path


def test_redirecting_variables_do_not_reach_git() -> None:
    clean = process.clean_environment(
        {"GIT_DIR": "/elsewhere", "GIT_EXTERNAL_DIFF": "x", "HOME": "/h", "PATH": ".:/bin:"}
    )
    assert "GIT_DIR" not in clean
    assert "GIT_EXTERNAL_DIFF" not in clean
    assert clean["HOME"] == "/h"
    assert clean["PATH"] == "/bin"
    assert clean["GIT_NO_REPLACE_OBJECTS"] == "1"


def test_a_hook_may_trust_its_index_file() -> None:
    clean = process.clean_environment({"GIT_INDEX_FILE": "/i"}, keep=["GIT_INDEX_FILE"])
    assert clean["GIT_INDEX_FILE"] == "/i"


def test_fixed_variables_cannot_be_kept() -> None:
    clean = process.clean_environment({"GIT_ALLOW_PROTOCOL": "ext"}, keep=["GIT_ALLOW_PROTOCOL"])
    assert clean["GIT_ALLOW_PROTOCOL"] == "none"


def test_bytes_go_in_and_come_out(repository: Path) -> None:
    oid = process.run(["hash-object", "-w", "--stdin"], cwd=repository, stdin=b"\x00\xff").strip()
    assert process.run(["cat-file", "blob", oid], cwd=repository) == b"\x00\xff"


def test_an_accepted_exit_code_is_no_failure(repository: Path) -> None:
    args = ["check-ignore", "-z", "--stdin"]
    assert process.run(args, cwd=repository, stdin=b"file\x00", accept=(0, 1)) == b""


def test_a_failure_tells_command_code_and_first_words(repository: Path) -> None:
    with pytest.raises(GitError) as caught:
        process.run(["cat-file", "blob", "1" * 40], cwd=repository)
    assert caught.value.command[0] == "cat-file"
    assert caught.value.returncode == 128
    assert "bad file" in str(caught.value)


def test_a_missing_folder_is_a_git_error(tmp_path: Path) -> None:
    with pytest.raises(GitError):
        process.run(["status"], cwd=tmp_path / "none")


def test_a_missing_git_is_a_git_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(GitError, match="not on PATH"):
        process.run(["status"], cwd=tmp_path)


def test_a_repository_of_another_user_is_explained(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # git's own switch for its own tests: every repository counts as somebody else's.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("HOME", os.fspath(repository))
    with pytest.raises(GitError, match=r"safe\.directory"):
        process.run(["ls-files"], cwd=repository, keep=["GIT_TEST_ASSUME_DIFFERENT_OWNER"])


def test_what_git_says_holds_no_escape_sequence(repository: Path) -> None:
    with pytest.raises(GitError) as caught:
        process.run(["rev-parse", "--verify", "\x1b[31mred"], cwd=repository)
    assert "\x1b" not in caught.value.stderr


def test_a_repository_cannot_run_a_program(repository: Path) -> None:
    trap = repository / "sprung"
    script = repository / "trap"
    script.write_text(f"#!/bin/sh\ntouch '{trap}'\n")
    script.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "gpg.program", "core.sshCommand"):
        subprocess.run(["git", "-C", repository, "config", name, script], check=True)
    for name, value in (
        ("core.hooksPath", repository),
        ("log.showSignature", "true"),
        ("protocol.ext.allow", "always"),
        ("remote.origin.url", f"ext::{script}"),
        ("remote.origin.promisor", "true"),
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
    ):
        subprocess.run(["git", "-C", repository, "config", name, value], check=True)
    process.run(["ls-files", "-z", "--others"], cwd=repository)
    process.run(["cat-file", "--batch-check"], cwd=repository, stdin=b"1" * 40 + b"\n")
    with pytest.raises(GitError):
        process.run(["ls-remote", "origin"], cwd=repository)
    assert not trap.exists()


def test_a_stream_answers_while_it_is_asked(repository: Path) -> None:
    oid = process.run(["hash-object", "-w", "--stdin"], cwd=repository, stdin=b"abc").strip()
    with process.stream(["cat-file", "--batch"], cwd=repository) as git:
        for _ in range(3):
            git.stdin.write(oid + b"\n")
            git.stdin.flush()
            assert git.stdout.readline() == oid + b" blob 3\n"
            assert git.stdout.read(4) == b"abc\n"


def test_a_stream_that_fails_is_a_git_error(repository: Path) -> None:
    with (
        pytest.raises(GitError, match="cat-file"),
        process.stream(["cat-file", "blob", "1" * 40], repository),
    ):
        pass


def test_the_exception_of_a_stream_s_body_goes_first(repository: Path) -> None:
    with pytest.raises(KeyError), process.stream(["cat-file", "--batch"], cwd=repository):
        raise KeyError

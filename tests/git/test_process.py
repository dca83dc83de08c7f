"""Git runs nothing that a repository names, and says what went wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from keyleak.errors import GitError
from keyleak.git import process
from keyleak.git.rewriting import forget_old_objects, mirror_clone, write_bundle
from repositories import commit, git, new_repository

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


@pytest.mark.parametrize(
    ("environ", "folders"),
    [
        ({}, []),
        (
            {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "/a b"},
            ["/a b"],
        ),
        ({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "Safe.Directory", "GIT_CONFIG_VALUE_0": "*"}, ["*"]),
        ({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.pager", "GIT_CONFIG_VALUE_0": "x"}, []),
        ({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_1": "safe.directory", "GIT_CONFIG_VALUE_1": "/a"}, []),
        ({"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}, []),
        ({"GIT_CONFIG_COUNT": "no", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "/a"}, []),
        ({"GIT_CONFIG_COUNT": "9" * 40}, []),
        ({"GIT_CONFIG_PARAMETERS": "'safe.directory'='/a b' 'core.pager'='x'"}, ["/a b"]),
        ({"GIT_CONFIG_PARAMETERS": "'safe.directory=/a'"}, ["/a"]),
        ({"GIT_CONFIG_PARAMETERS": "'safe.directory"}, []),
        ({"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "/a"}, []),
    ],
)
def test_the_environment_may_trust_folders_and_nothing_else(
    environ: dict[str, str], folders: list[str]
) -> None:
    assert process.trusted_folders(environ) == folders


def test_a_folder_trusted_by_the_environment_is_read(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("HOME", os.fspath(repository))
    keep = ["GIT_TEST_ASSUME_DIFFERENT_OWNER"]
    for given in ({"GIT_CONFIG_COUNT": "1"}, {"GIT_CONFIG_PARAMETERS": f"'safe.directory'='{repository}'"}):
        monkeypatch.delenv("GIT_CONFIG_COUNT", raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", os.fspath(repository))
        assert process.run(["ls-files"], cwd=repository, keep=keep) == b""


def test_a_trusted_repository_is_cloned_whoever_owns_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(tmp_path / "r")
    commit(repository, {"f": b"1"})
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    for name in ("GIT_TEST_ASSUME_DIFFERENT_OWNER", "GIT_CONFIG_COUNT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(process, "_KEPT", process._KEPT | {"GIT_TEST_ASSUME_DIFFERENT_OWNER"})
    with pytest.raises(GitError, match=rf"{repository} belongs to another user"):
        mirror_clone(os.fspath(repository), os.fspath(tmp_path / "m.git"))
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", os.fspath(repository))
    mirror_clone(os.fspath(repository), os.fspath(tmp_path / "m.git"))
    assert (tmp_path / "m.git" / "HEAD").exists()


def test_a_bare_repository_that_is_named_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    (tmp_path / ".gitconfig").write_text("[safe]\n\tbareRepository = explicit\n")
    bare = tmp_path / "tree" / "b.git"
    process.run(["init", "-q", "--bare", os.fspath(bare)], cwd=tmp_path)
    assert process.run(["rev-parse", "--is-bare-repository"], cwd=bare) == b"true\n"
    # One that is only met on the way up was not named.
    with pytest.raises(GitError):
        process.run(["rev-parse", "--git-dir"], cwd=bare / "objects")


def test_a_commit_graph_that_hides_history_is_not_believed(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "r")
    for number in range(3):
        commit(repository, {"f": b"%d" % number})
    git(repository, "commit-graph", "write", "--reachable")
    graph = repository / ".git/objects/info/commit-graph"
    content = bytearray(graph.read_bytes())
    data = int.from_bytes(content[content.index(b"CDAT") + 4 :][:8], "big")
    for row in range(3):
        # No first parent. An entry is a tree, two parents, and generation and date.
        content[data + row * 36 + 20 : data + row * 36 + 24] = b"\x70\0\0\0"
    graph.chmod(0o644)
    graph.write_bytes(content)
    assert git(repository, "rev-list", "--count", "HEAD").strip() == b"1"
    assert process.run(["rev-list", "--count", "HEAD"], cwd=repository).strip() == b"3"


def test_a_clone_of_a_repository_runs_nothing_that_it_names(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "r")
    commit(repository, {"f": b"1"})
    trap = tmp_path / "sprung"
    script = tmp_path / "trap"
    script.write_text(f"#!/bin/sh\ntouch '{trap}'\nexec \"$@\"\n")
    script.chmod(0o755)
    for name in (
        "uploadpack.packObjectsHook",
        "core.alternateRefsCommand",
        "core.fsmonitor",
        "core.gitProxy",
    ):
        git(repository, "config", name, script)
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (repository / ".git/hooks").mkdir(exist_ok=True)
        shutil.copy(script, repository / ".git/hooks" / hook)
    mirror_clone(os.fspath(repository), os.fspath(tmp_path / "m.git"))
    write_bundle(os.fspath(tmp_path / "m.git"), os.fspath(tmp_path / "b"))
    forget_old_objects(os.fspath(tmp_path / "m.git"))
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

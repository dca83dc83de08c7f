"""Which files git ignores, whatever the scanned repository's configuration and special files say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keyleak.errors import GitError
from keyleak.git.mentions import mentions
from keyleak.git.worktree import ignored_among, ignored_below
from keyleak.rulebook.template import expand
from repositories import commit, git, new_repository

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", os.fspath(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "home" / ".config" / "git").mkdir(parents=True)
    repository = new_repository(tmp_path / "r")
    commit(repository, {"a.txt": b"a", "deep/b.txt": b"b"})
    (repository / "deep" / "new.log").write_text("x")
    return repository


def ask(repository: Path) -> tuple[frozenset[str], frozenset[str]]:
    root = os.fspath(repository)
    return ignored_among(root, ["deep/new.log"]), ignored_below(root)


NONE: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
THE_LOG = (frozenset({"deep/new.log"}), frozenset({"deep/new.log"}))


def test_a_file_that_only_the_repository_s_configuration_names_has_no_say(
    repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "rules").write_text("*.log\n")
    git(repository, "config", "core.excludesFile", os.fspath(tmp_path / "rules"))
    assert ask(repository) == NONE


def test_nor_one_that_its_includes_name(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("*.log\n")
    included = tmp_path / "included"
    included.write_text(f"[core]\n\texcludesFile = {tmp_path / 'rules'}\n")
    git(repository, "config", "include.path", os.fspath(included))
    assert ask(repository) == NONE


@pytest.mark.parametrize("local", [True, False])
def test_the_user_s_own_rules_count(repository: Path, tmp_path: Path, local: bool) -> None:
    (tmp_path / "home" / "rules").write_text("*.log\n")
    (tmp_path / "home" / ".gitconfig").write_text("[core]\n\texcludesFile = ~/rules\n")
    if local:
        git(repository, "config", "core.excludesFile", os.devnull)
    assert ask(repository) == THE_LOG


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("folder", [None, "xdg"])
def test_the_user_s_usual_rules_count(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: bool, folder: str | None
) -> None:
    rules = tmp_path / (folder or "home/.config") / "git" / "ignore"
    if folder:
        monkeypatch.setenv("XDG_CONFIG_HOME", os.fspath(tmp_path / folder))
        rules.parent.mkdir(parents=True)
    rules.write_text("*.log\n")
    if local:
        git(repository, "config", "core.excludesFile", os.devnull)
    assert ask(repository) == THE_LOG


def test_a_pipe_named_by_the_configuration_is_never_opened(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"leak.txt": expand("sk_live_51${base62:97}", 1).encode()})
    os.mkfifo(tmp_path / "pipe")
    for name in ("core.excludesFile", "core.attributesFile", "mailmap.file", "diff.orderFile"):
        git(repository, "config", name, os.fspath(tmp_path / "pipe"))
    assert ask(repository) == NONE
    assert mentions(os.fspath(repository), ["b"]) == [("deep/b.txt", 1)]
    # Where a whole repository is read, the pipe is a gap; no command waits for it.
    for command, code in {"history --no-cache": 2, "scan --no-ignored": 1, "fix": 2}.items():
        done = subprocess.run(
            [KEYLEAK, *command.split(), "-q"], cwd=repository, timeout=300, capture_output=True, check=False
        )
        assert (command, done.returncode) == (command, code)
        assert b"Stripe" in done.stdout


@pytest.mark.parametrize("place", [".gitignore", "deep/.gitignore", ".git/info/exclude"])
@pytest.mark.parametrize("link", [True, False])
def test_a_pipe_in_place_of_rules_is_refused_by_its_name(
    repository: Path, tmp_path: Path, place: str, link: bool
) -> None:
    path = repository / place
    path.unlink(missing_ok=True)
    pipe = tmp_path / "pipe" if link else path
    os.mkfifo(pipe)
    if link:
        path.symlink_to(pipe)
    for asked in (lambda: ignored_below(os.fspath(repository)), lambda: ask(repository)[0]):
        with pytest.raises(GitError, match=rf"{path} is a pipe"):
            asked()


def test_a_pipe_in_place_of_attributes_is_refused_by_its_name(repository: Path) -> None:
    os.mkfifo(repository / "deep" / ".gitattributes")
    with pytest.raises(GitError, match="is a pipe"):
        mentions(os.fspath(repository), ["b"])


def test_a_repository_does_not_choose_which_other_folder_is_read(repository: Path, tmp_path: Path) -> None:
    private = tmp_path / "home" / "notes.env"
    private.write_text(f"FLORA_API_KEY={expand('sk_live_${base62:42}', 2)}\n")
    git(repository, "config", "core.worktree", os.fspath(tmp_path))
    done = subprocess.run(
        [KEYLEAK, "fix", os.fspath(repository)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "core.worktree" in done.stderr
    assert "notes.env" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["HEAD", "index", "commondir", "config.worktree", "info/exclude"])
def test_a_scan_that_finds_a_key_does_not_wait_for_a_pipe_in_the_git_folder(
    tmp_path: Path, name: str
) -> None:
    repository = new_repository(tmp_path / "work")
    commit(repository, {"a.env": b"FLORA_API_KEY=" + expand("sk_live_${base62:42}", 3).encode()}, "key")
    pipe = repository / ".git" / name
    pipe.parent.mkdir(exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    for more in ([], ["--no-ignored"]):
        done = subprocess.run(
            [sys.executable, "-m", "keyleak", "scan", str(repository), "-q", *more],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in {1, 2}, done.stderr
        assert more or "FLORA key" in done.stdout


@pytest.mark.parametrize("name", ["HEAD", "index", "commondir", "config", "packed-refs", "info/exclude"])
def test_no_command_waits_for_a_pipe_in_the_git_folder(repository: Path, name: str) -> None:
    (repository / "b.txt").write_text("b")
    git(repository, "add", "b.txt")
    pipe = repository / ".git" / name
    pipe.parent.mkdir(exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    for command in (
        "staged",
        "hook run pre-commit",
        "fix",
        "hook doctor",
        "hook install",
        "history --no-cache",
    ):
        done = subprocess.run(
            [KEYLEAK, *command.split()],
            cwd=repository,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in {1, 2}, (command, done.stderr)
        assert b"Traceback" not in done.stderr

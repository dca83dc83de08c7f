"""The hooks under the real `pre-commit` program, which installs keyleak from this checkout once for all."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from commands.hooked import KEY, LEAK, Person, new_person

ROOT = Path(__file__).parent.parent.parent
HOOKS = ("keyleak", "keyleak-commit-msg", "keyleak-pre-push", "keyleak-history")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a repository with one commit: what is changed here counts, recorded or not."""
    folder = tmp_path_factory.mktemp("source") / "keyleak"
    new_person(folder)
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in (
        subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    ):
        if name and (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    person = Person(folder)
    person.git("add", "-A")
    person.git("commit", "-q", "-m", "keyleak")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps the one environment that it makes."""
    return tmp_path_factory.mktemp("pre-commit")


@pytest.fixture
def person(tmp_path: Path, source: Path, home: Path) -> Person:
    """In a repository with all hooks and one commit on the remote."""
    person = new_person(tmp_path / "work")
    person.variables["PRE_COMMIT_HOME"] = str(home)
    new_person(tmp_path / "server.git", bare=True)
    person.git("remote", "add", "origin", "../server.git")
    hooks = "".join(f"      - id: {name}\n" for name in HOOKS)
    revision = Person(source).head()
    person.record(
        ".pre-commit-config.yaml", f"repos:\n  - repo: {source}\n    rev: {revision}\n    hooks:\n{hooks}"
    )
    person.git("push", "-q", "origin", "main")
    kinds = [
        part for kind in ("pre-commit", "pre-merge-commit", "commit-msg", "pre-push") for part in ("-t", kind)
    ]
    installed = person.run("pre-commit", "install", "--install-hooks", *kinds)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return person


def stopped(done: subprocess.CompletedProcess[str]) -> bool:
    said = done.stdout + done.stderr
    assert KEY not in said
    assert "Traceback" not in said
    if done.returncode:
        assert "sk_live_" in said, said
    return done.returncode != 0


def test_commits_merges_and_work_trees(person: Person, tmp_path: Path) -> None:
    person.stage("leak.env", LEAK)
    assert stopped(person.run("git", "commit", "-m", "leak"))
    # Partially staged: the staged version counts.
    person.write("leak.env")
    assert stopped(person.run("git", "commit", "-m", "leak"))
    person.stage("leak.env")
    person.write("leak.env", LEAK)
    assert not stopped(person.run("git", "commit", "-m", "clean"))
    assert stopped(person.run("git", "commit", "-a", "-m", "all"))
    assert stopped(person.run("git", "commit", "-m", "one", "leak.env"))
    person.write("leak.env")
    person.stage("a ü\t'name'.txt")
    person.git("mv", "leak.env", "moved.env")
    assert not stopped(person.run("git", "commit", "-m", "renamed"))
    person.git("update-index", "--chmod=+x", "moved.env")
    assert not stopped(person.run("git", "commit", "-m", "mode"))
    assert stopped(person.run("git", "commit", "--allow-empty", "-m", f"message {KEY}"))
    person.git("worktree", "add", "-q", "../linked")
    linked = Person(tmp_path / "linked", person.variables)
    linked.stage("leak.env", LEAK)
    assert stopped(linked.run("git", "commit", "-m", "leak"))
    linked.stage("leak.env")
    linked.git("commit", "-q", "-m", "a file beside it")
    linked.record("side.env", LEAK + "# from the side\n")
    assert stopped(person.run("git", "merge", "--no-ff", "--no-edit", "linked"))


def test_a_merge_with_a_conflict_whose_resolution_holds_a_key(person: Person) -> None:
    person.record("file.env", "base\n")
    person.git("checkout", "-q", "-b", "side")
    person.record("file.env", "theirs\n")
    person.git("checkout", "-q", "main")
    person.record("file.env", "ours\n")
    assert person.run("git", "merge", "side").returncode != 0
    person.stage("file.env", LEAK)
    assert stopped(person.run("git", "commit", "--no-edit"))
    person.stage("file.env", "both\n")
    assert not stopped(person.run("git", "commit", "--no-edit"))


def test_all_files_are_really_looked_at(person: Person) -> None:
    assert not stopped(person.run("pre-commit", "run", "--all-files"))
    person.record("old.env", LEAK)
    assert stopped(person.run("pre-commit", "run", "--all-files"))
    assert not stopped(person.run("pre-commit", "run")), "nothing is staged"
    assert stopped(person.run("pre-commit", "run", "--files", "old.env"))


def test_names_that_look_like_options_and_files_that_are_not_staged(person: Person) -> None:
    for name in ("--exit-zero", "--format"):
        person.stage(name)
    person.stage("leak.env", LEAK)
    assert stopped(person.run("git", "commit", "-m", "leak"))
    person.stage("leak.env")
    assert not stopped(person.run("git", "commit", "-m", "clean"))
    person.write("leak.env", LEAK)
    for which in (["--all-files"], ["--files", "leak.env"]):
        done = person.run("pre-commit", "run", *which)
        assert stopped(done)
        assert "both were read" in done.stdout


def test_a_push_is_its_whole_range(person: Person) -> None:
    person.record("clean.txt")
    assert not stopped(person.run("git", "push", "origin", "main"))
    person.record("leak.env", LEAK)
    person.record("leak.env")
    assert stopped(person.run("git", "push", "origin", "main"))
    assert stopped(person.run("git", "push", "origin", "main:new"))
    person.git("checkout", "-q", "-b", "clean", "HEAD~2")
    assert not stopped(person.run("git", "push", "origin", "clean"))


def test_history_is_looked_at_when_it_is_asked_for(person: Person) -> None:
    person.record("leak.env", LEAK)
    person.git("rm", "-q", "leak.env")
    person.git("commit", "-q", "-m", "gone")
    done = person.run("pre-commit", "run", "keyleak-history", "--hook-stage", "manual")
    assert stopped(done)
    assert "leak.env" in done.stdout


def test_a_repository_without_a_commit(source: Path, home: Path, tmp_path: Path) -> None:
    person = new_person(tmp_path / "fresh")
    person.variables["PRE_COMMIT_HOME"] = str(home)
    revision = Person(source).head()
    config = f"repos:\n  - repo: {source}\n    rev: {revision}\n    hooks:\n      - id: keyleak\n"
    person.stage(".pre-commit-config.yaml", config)
    assert person.run("pre-commit", "install").returncode == 0
    person.stage("leak.env", LEAK)
    assert stopped(person.run("git", "commit", "-m", "first"))
    person.stage("leak.env")
    assert not stopped(person.run("git", "commit", "-m", "first"))


def test_it_can_be_tried_without_any_configuration(source: Path, home: Path, tmp_path: Path) -> None:
    person = new_person(tmp_path / "trying")
    person.variables["PRE_COMMIT_HOME"] = str(home)
    # Each try installs keyleak anew, so it is tried once: that it passes clean commits, installed hooks show.
    person.record("leak.env", LEAK)
    assert stopped(person.run("pre-commit", "try-repo", str(source), "keyleak", "--all-files"))

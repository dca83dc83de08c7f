"""Installing, uninstalling and judging hooks, whatever else manages them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from commands.hooked import LEAK, PROGRAMS, Person, new_person
from keyleak.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

LEFTHOOK = shutil.which("lefthook", path=f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = new_person(tmp_path / "work")
    person.record("base.txt")
    return person


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    path.chmod(0o755)
    return path


def files(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (path.read_text(), path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".sample")
    }


def keyleak(person: Person, *arguments: str) -> str:
    done = person.run("keyleak", "hook", *arguments)
    assert done.returncode == ExitCode.CLEAN, done.stderr + done.stdout
    return done.stdout + done.stderr


def leak_is_stopped(person: Person) -> bool:
    person.stage("leak.env", LEAK)
    return person.run("git", "commit", "-m", "leak").returncode != 0


def doctor(person: Person, **variables: str) -> tuple[int, dict[str, str]]:
    done = person.run("keyleak", "hook", "doctor", **variables)
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    return done.returncode, {line[0]: line[1] for line in lines}


def test_installing_twice_is_installing_once_and_uninstalling_leaves_nothing(person: Person) -> None:
    hooks = person.folder / ".git" / "hooks"
    before = files(hooks)
    keyleak(person, "install")
    once = files(hooks)
    keyleak(person, "install")
    assert files(hooks) == once
    assert set(once) - set(before) == {"pre-commit", "pre-merge-commit", "commit-msg", "pre-push"}
    assert leak_is_stopped(person)
    assert doctor(person)[0] == ExitCode.CLEAN
    keyleak(person, "uninstall")
    assert files(hooks) == before
    assert "no hook of keyleak's" in keyleak(person, "uninstall")


def test_a_hook_that_is_there_runs_afterwards_and_comes_back(person: Person) -> None:
    hooks = person.folder / ".git" / "hooks"
    program(hooks / "pre-commit", "echo ran >> ran\n")
    program(hooks / "pre-push", 'echo "$1 $(cat)" >> pushed\n')
    before = files(hooks)
    keyleak(person, "install")
    assert leak_is_stopped(person)
    assert not (person.folder / "ran").exists(), "keyleak comes first"
    person.stage("leak.env")
    assert person.run("git", "commit", "-m", "clean").returncode == 0
    assert (person.folder / "ran").read_text() == "ran\n"
    new_person(person.folder.parent / "server.git", bare=True)
    person.git("remote", "add", "origin", "../server.git")
    assert person.run("git", "push", "origin", "main").returncode == 0
    assert (person.folder / "pushed").read_text().startswith("origin refs/heads/main ")
    program(hooks / "pre-commit.before-keyleak", "exit 7\n")
    person.stage("other.txt")
    assert person.run("git", "commit", "-m", "its answer counts").returncode != 0
    program(hooks / "pre-commit.before-keyleak", "echo ran >> ran\n")
    keyleak(person, "uninstall")
    assert files(hooks) == before


def test_two_hooks_to_keep_are_not_mixed_up(person: Person) -> None:
    hooks = person.folder / ".git" / "hooks"
    program(hooks / "pre-commit", "exit 0\n")
    program(hooks / "pre-commit.before-keyleak", "exit 0\n")
    before = files(hooks)
    done = person.run("keyleak", "hook", "install", "pre-commit")
    assert done.returncode == ExitCode.INCOMPLETE
    assert files(hooks) == before


@pytest.mark.parametrize("where", [".githooks", "../shared"])
def test_the_configured_folder_is_the_one_that_counts(person: Person, where: str) -> None:
    keyleak(person, "install", "pre-commit")
    person.git("config", "core.hooksPath", where)
    # `git -c core.hooksPath` of the tests themselves is not what is configured.
    code, found = doctor(person)
    assert code == ExitCode.INCOMPLETE
    assert "shadowed by core.hooksPath (local)" in found["pre-commit"]
    assert not leak_is_stopped(person)
    person.git("reset", "-q", "--hard", "HEAD~1")
    keyleak(person, "install")
    assert doctor(person)[0] == ExitCode.CLEAN
    assert leak_is_stopped(person)
    keyleak(person, "uninstall")
    assert not (person.folder / ".git" / "hooks" / "pre-commit").exists()
    assert not leak_is_stopped(person)


def test_a_folder_that_is_none_is_said(person: Person) -> None:
    person.git("config", "core.hooksPath", "/dev/null")
    assert person.run("keyleak", "hook", "install").returncode == ExitCode.INCOMPLETE
    code, found = doctor(person)
    assert code == ExitCode.INCOMPLETE
    assert "no hook at all" in found["pre-commit"]


def test_the_doctor_says_what_is_wrong(person: Person) -> None:
    hooks = person.folder / ".git" / "hooks"
    code, found = doctor(person)
    assert code == ExitCode.INCOMPLETE
    assert "nothing is installed" in found["pre-commit"]
    keyleak(person, "install")
    (hooks / "pre-commit").chmod(0o644)
    script = hooks / "commit-msg"
    script.write_text(script.read_text().replace(f"program={PROGRAMS}", "program=/none"))
    program(hooks / "pre-push", "exit 0\n")
    program(hooks / "pre-merge-commit", "# File generated by pre-commit: https://pre-commit.com\n")
    done = person.run(str(PROGRAMS / "keyleak"), "hook", "doctor", PATH="/usr/bin:/bin")
    found = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()}
    assert done.returncode == ExitCode.INCOMPLETE
    assert "not executable" in found["pre-commit"]
    assert "finds no program" in found["commit-msg"]
    assert "does not start keyleak" in found["pre-push"]
    assert "cannot be read" in found["pre-merge-commit"]


def test_the_doctor_tells_a_hook_of_an_earlier_version(person: Person) -> None:
    keyleak(person, "install")
    script = person.folder / ".git" / "hooks" / "pre-commit"
    script.write_text(script.read_text().replace("package=", "other="))
    code, found = doctor(person)
    assert code == ExitCode.INCOMPLETE
    assert "of an earlier version" in found["pre-commit"]
    keyleak(person, "install")
    assert doctor(person)[0] == ExitCode.CLEAN


def test_the_doctor_says_what_would_be_looked_at_and_what_was_skipped(person: Person) -> None:
    keyleak(person, "install")
    person.stage("leak.env", LEAK)
    assert person.run("git", "commit", "-m", "x", KEYLEAK_SKIP="an old key").returncode == 0
    person.stage("more.txt")
    done = person.run("keyleak", "hook", "doctor", KEYLEAK_SKIP="left over", SKIP="keyleak")
    assert "1 staged version to read now" in done.stdout
    assert "2 commits on no remote" in done.stdout
    assert "KEYLEAK_SKIP is set" in done.stdout
    assert "SKIP=keyleak" in done.stdout
    assert "2 recorded, the last:" in done.stdout
    assert "an old key" in done.stdout


def test_the_framework_s_configuration_is_read(person: Person) -> None:
    hooks = person.folder / ".git" / "hooks"
    for stage in ("pre-commit", "pre-merge-commit", "commit-msg", "pre-push"):
        program(hooks / stage, "# File generated by pre-commit: https://pre-commit.com\n")
    person.write(
        ".pre-commit-config.yaml",
        "repos:\n- repo: x\n  hooks:\n  - id: keyleak\n  - id: keyleak-pre-push # y\n",
    )
    code, found = doctor(person)
    assert code == ExitCode.INCOMPLETE
    assert {stage for stage, said in found.items() if said == "runs"} == {
        "pre-commit",
        "pre-merge-commit",
        "pre-push",
    }
    assert "has no hook keyleak-commit-msg" in found["commit-msg"]


def test_a_bare_repository_gets_pre_receive(tmp_path: Path) -> None:
    server = new_person(tmp_path / "server.git", bare=True)
    assert "pre-receive" in keyleak(server, "install")
    assert doctor(server)[1]["pre-receive"] == "runs"
    keyleak(server, "uninstall")
    assert doctor(server)[0] == ExitCode.INCOMPLETE


def test_a_bare_repository_with_work_trees_stops_their_commits(person: Person, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    person.git("clone", "-q", "--bare", str(person.folder), str(project / ".bare"))
    (project / ".git").write_text("gitdir: ./.bare\n")
    top = Person(project)
    assert "after linking a work tree" in keyleak(top, "install")
    top.git("worktree", "add", "-q", "main", "main")
    assert doctor(top)[0] == ExitCode.INCOMPLETE, "commits in the work tree go unseen"
    assert "commits in them are looked at" in keyleak(top, "install")
    assert doctor(top)[0] == ExitCode.CLEAN
    for folder in (project / "main", project / "main" / "below"):
        folder.mkdir(exist_ok=True)
        assert leak_is_stopped(Person(folder))
    assert doctor(Person(project / "main"))[0] == ExitCode.CLEAN
    top.git("config", "core.hooksPath", "hooks-of-each")
    assert "run `keyleak hook install` in each" in keyleak(top, "install")


@pytest.mark.parametrize("own_folder", [False, True])
def test_husky_starts_keyleak_before_what_else_its_file_does(person: Person, own_folder: bool) -> None:
    husky = person.folder / ".husky"
    beginning = '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\n' if own_folder else ""
    (husky / "_").mkdir(parents=True)
    (husky / "_" / "husky.sh").write_text("")
    (husky / "pre-commit").write_text(f"{beginning}echo ran >> ran\n")
    (husky / "pre-commit").chmod(0o755)
    for stage in ("pre-commit", "pre-merge-commit", "commit-msg", "pre-push"):
        # What Husky 9 writes: a file for each stage that starts the one above it.
        program(husky / "_" / stage, f'[ ! -f "{husky}/{stage}" ] || sh -e "{husky}/{stage}" "$@"\n')
    before = files(husky)
    person.git("config", "core.hooksPath", ".husky" if own_folder else ".husky/_")
    keyleak(person, "install")
    assert doctor(person)[0] == ExitCode.CLEAN
    assert leak_is_stopped(person)
    assert not (person.folder / "ran").exists()
    person.stage("leak.env")
    assert person.run("git", "commit", "-m", "clean").returncode == 0
    assert (person.folder / "ran").read_text() == "ran\n"
    new_person(person.folder.parent / "server.git", bare=True)
    person.git("remote", "add", "origin", "../server.git")
    with (husky / "pre-push").open("a") as hook:
        hook.write("cat >> pushed\n")
    person.record("late.env", LEAK)
    assert person.run("git", "push", "origin", "main").returncode != 0
    person.git("reset", "-q", "--hard", "HEAD~1")
    assert person.run("git", "push", "origin", "main").returncode == 0
    assert "refs/heads/main" in (person.folder / "pushed").read_text()
    (husky / "pre-push").write_text((husky / "pre-push").read_text().replace("cat >> pushed\n", ""))
    keyleak(person, "uninstall")
    assert files(husky) == before


def test_lefthook_s_local_file_gets_a_block_and_loses_it_again(person: Person) -> None:
    person.record("lefthook.yml", "pre-commit:\n  commands:\n    own:\n      run: echo ran >> ran\n")
    keyleak(person, "install")
    local = person.folder / "lefthook-local.yml"
    assert local.read_text().count("keyleak hook run") == 4
    assert doctor(person)[0] == ExitCode.INCOMPLETE, "lefthook itself is not installed yet"
    keyleak(person, "uninstall")
    assert not local.exists()
    local.write_text("pre-push:\n  commands: {}\n")
    done = person.run("keyleak", "hook", "install")
    assert done.returncode == ExitCode.INCOMPLETE
    assert "add there yourself" in done.stderr


@pytest.mark.skipif(LEFTHOOK is None, reason="lefthook is not installed")
def test_lefthook_itself_starts_keyleak(person: Person) -> None:
    person.record("lefthook.yml", "pre-commit:\n  commands:\n    own:\n      run: echo ran >> ran\n")
    keyleak(person, "install")
    assert person.run("lefthook", "install").returncode == 0
    assert doctor(person)[0] == ExitCode.CLEAN
    assert leak_is_stopped(person)
    person.stage("leak.env")
    assert person.run("git", "commit", "-m", "clean").returncode == 0
    new_person(person.folder.parent / "server.git", bare=True)
    person.git("remote", "add", "origin", "../server.git")
    assert person.run("git", "push", "origin", "main").returncode == 0
    person.record("late.env", LEAK)
    assert person.run("git", "push", "origin", "main").returncode != 0

"""Git's own hooks, end to end: what is stopped, what passes, and what happens where a hook cannot look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commands.hooked import KEY, LEAK, Person, new_person
from keyleak.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """In a repository with keyleak's hooks and one commit on the remote."""
    person = new_person(tmp_path / "work")
    new_person(tmp_path / "server.git", bare=True)
    person.git("remote", "add", "origin", "../server.git")
    person.record("old.env", LEAK)
    person.git("push", "-q", "origin", "main")
    person.git("fetch", "-q", "origin")  # says of the tracking refs which URL they are of
    assert person.run("keyleak", "hook", "install").returncode == 0
    return person


@pytest.fixture
def guarded(tmp_path: Path) -> Person:
    """In a repository without hooks, whose server has one."""
    person = new_person(tmp_path / "work")
    server = new_person(tmp_path / "server.git", bare=True)
    person.git("remote", "add", "origin", "../server.git")
    person.record("old.env", LEAK)
    person.git("push", "-q", "origin", "main")
    assert server.run("keyleak", "hook", "install").returncode == 0
    return person


def test_a_commit_with_a_key_is_stopped_and_one_without_passes(person: Person) -> None:
    before = person.head()
    person.stage("leak.env", LEAK)
    stopped = person.run("git", "commit", "-m", "leak")
    assert stopped.returncode != 0
    assert "nothing was committed" in stopped.stderr
    assert "KEYLEAK_SKIP='reason' git commit" in stopped.stderr
    assert KEY not in stopped.stdout + stopped.stderr
    assert person.head() == before
    person.stage("leak.env")
    assert person.run("git", "commit", "-m", "clean").returncode == 0


def test_the_staged_version_counts_also_in_commits_of_everything_and_of_one_file(person: Person) -> None:
    person.record("file.env")
    person.record("other.txt")
    person.write("file.env", LEAK)
    person.stage("other.txt", "changed\n")
    # The key is in the file only: git records what is staged.
    assert person.run("git", "commit", "-m", "other").returncode == 0
    assert person.run("git", "commit", "-a", "-m", "all").returncode != 0
    assert person.run("git", "commit", "-m", "one", "file.env").returncode != 0
    # The key is staged, and another file alone is recorded.
    person.git("add", "file.env")
    person.write("other.txt", "changed again\n")
    assert person.run("git", "commit", "-m", "one", "other.txt").returncode == 0
    assert person.run("git", "commit", "-m", "rest").returncode != 0


def test_a_merge_that_brings_a_key_is_stopped(person: Person) -> None:
    person.git("checkout", "-q", "-b", "side")
    person.record("leak.env", LEAK + "# more\n")
    person.git("checkout", "-q", "main")
    person.record("main.txt")
    stopped = person.run("git", "merge", "--no-edit", "side")
    assert stopped.returncode != 0
    assert "nothing was merged" in stopped.stderr


def test_a_message_with_a_key_is_stopped_and_the_change_below_the_scissors_is_no_message(
    person: Person,
) -> None:
    assert person.run("git", "commit", "--allow-empty", "-m", f"use {KEY}").returncode != 0
    person.git("rm", "-q", "old.env")
    shown = person.run("git", "commit", "--verbose", "-m", "remove it", "-e", GIT_EDITOR="true")
    assert shown.returncode == 0, shown.stderr


def test_a_key_below_scissors_that_a_person_wrote_is_stopped(person: Person) -> None:
    message = f"subject\n\n# {'-' * 24} >8 {'-' * 24}\n{KEY}\n"
    assert person.run("git", "commit", "--allow-empty", "-m", message).returncode != 0


def test_a_linked_work_tree_has_the_same_hooks(person: Person, tmp_path: Path) -> None:
    person.git("worktree", "add", "-q", "../linked")
    linked = Person(tmp_path / "linked")
    linked.stage("leak.env", LEAK)
    assert linked.run("git", "commit", "-m", "leak").returncode != 0
    linked.stage("leak.env")
    assert linked.run("git", "commit", "-m", "clean").returncode == 0


def test_the_first_commit_of_a_repository_is_looked_at(tmp_path: Path) -> None:
    person = new_person(tmp_path / "fresh")
    person.run("keyleak", "hook", "install")
    person.stage("leak.env", LEAK)
    assert person.run("git", "commit", "-m", "leak").returncode != 0


def test_a_skip_needs_a_reason_and_is_recorded_without_the_key(person: Person) -> None:
    person.stage("leak.env", LEAK)
    assert person.run("git", "commit", "-m", "leak", KEYLEAK_SKIP=" ").returncode != 0
    skipped = person.run("git", "commit", "-m", "leak", KEYLEAK_SKIP=f"{KEY} is\nrevoked")
    assert skipped.returncode == 0
    assert "was skipped" in skipped.stderr
    log = (person.folder / ".git" / "keyleak-skips.log").read_text()
    assert [line.split()[1] for line in log.splitlines()] == ["pre-commit", "commit-msg"]
    assert KEY not in log + skipped.stderr


def test_a_skip_that_cannot_be_recorded_is_none(person: Person) -> None:
    (person.folder / ".git" / "keyleak-skips.log").mkdir()
    person.stage("leak.env", LEAK)
    stopped = person.run("git", "commit", "-m", "leak", KEYLEAK_SKIP="because")
    assert stopped.returncode != 0
    assert "cannot be recorded" in stopped.stderr


def test_a_hook_that_cannot_look_stops_git(person: Person) -> None:
    person.stage("clean.txt")
    elsewhere = person.run("git", "commit", "-m", "x", GIT_INDEX_FILE=str(person.folder / "elsewhere"))
    assert elsewhere.returncode != 0
    hook = person.folder / ".git" / "hooks" / "pre-commit"
    hook.write_text(hook.read_text().replace(program_of(hook), "/none/keyleak"))
    missing = person.run("git", "commit", "-m", "x", PATH="/usr/bin:/bin")
    assert missing.returncode != 0
    assert "not installed" in missing.stderr
    assert "KEYLEAK_SKIP" in missing.stderr


def program_of(hook: Path) -> str:
    return hook.read_text(encoding="utf-8").split("program=")[1].split()[0]


def test_without_the_program_a_skip_is_recorded_all_the_same(person: Person) -> None:
    for stage in ("pre-commit", "commit-msg"):
        hook = person.folder / ".git" / "hooks" / stage
        hook.write_text(hook.read_text().replace(program_of(hook), "/none/keyleak"))
    person.stage("clean.txt")
    skipped = person.run("git", "commit", "-m", "x", PATH="/usr/bin:/bin", KEYLEAK_SKIP="no keyleak here")
    assert skipped.returncode == 0, skipped.stderr
    log = (person.folder / ".git" / "keyleak-skips.log").read_text()
    assert "pre-commit (keyleak is missing) no keyleak here" in log


def test_a_push_is_looked_at_from_what_the_remote_has(person: Person) -> None:
    person.record("clean.txt")
    passed = person.run("git", "push", "origin", "main")
    assert passed.returncode == 0, passed.stderr
    person.record("leak.env", LEAK + "again\n")
    person.record("leak.env")
    # The key is in a commit between, and in no file any more.
    stopped = person.run("git", "push", "origin", "main")
    assert stopped.returncode != 0
    assert "nothing was pushed" in stopped.stderr
    assert KEY not in stopped.stdout + stopped.stderr


def test_every_ref_of_a_push_is_looked_at(person: Person) -> None:
    person.git("branch", "clean")
    person.git("checkout", "-q", "-b", "leak")
    person.record("leak.env", LEAK + "more\n")
    assert person.run("git", "push", "origin", "clean", "leak").returncode != 0
    assert person.run("git", "push", "origin", "clean").returncode == 0


def test_a_deleted_ref_and_an_empty_push_pass(person: Person) -> None:
    person.git("push", "-q", "origin", "main:gone")
    assert person.run("git", "push", "origin", ":gone").returncode == 0
    assert person.run("git", "push", "origin", "main").returncode == 0


def test_a_force_push_brings_what_is_new_in_it(person: Person) -> None:
    person.record("one.txt")
    person.git("push", "-q", "origin", "main")
    person.git("reset", "-q", "--hard", "HEAD~1")
    person.record("two.txt")
    assert person.run("git", "push", "--force", "origin", "main").returncode == 0
    person.git("reset", "-q", "--hard", "HEAD~1")
    person.record("leak.env", LEAK + "forced\n")
    assert person.run("git", "push", "--force", "origin", "main").returncode != 0


def test_a_remote_that_is_only_a_url_knows_nothing(person: Person, tmp_path: Path) -> None:
    new_person(tmp_path / "other.git", bare=True)
    # It would bring the old key, too.
    assert person.run("git", "push", str(tmp_path / "other.git"), "main").returncode != 0


@pytest.mark.parametrize("target", ["HEAD", "HEAD:old.env", "HEAD^{tree}"])
def test_a_tag_brings_its_message_whatever_it_names(person: Person, target: str) -> None:
    person.git("tag", "-a", "-m", f"deployed with {KEY}", "v1", target)
    assert person.run("git", "push", "origin", "v1").returncode != 0


@pytest.mark.parametrize("nested", [False, True])
def test_a_lone_tag_on_a_commit_that_is_there_already(person: Person, nested: bool) -> None:
    person.git("tag", "-a", "-m", f"deployed with {KEY}", "v1", "main")
    if nested:
        person.git("tag", "-a", "-m", "a tag of a tag", "v2", "v1")
    refused = person.run("git", "push", "origin", "v2" if nested else "v1")
    assert refused.returncode != 0
    assert "nothing was pushed" in refused.stderr
    person.git("tag", "-a", "-m", "nothing in it", "v3", "main")
    assert person.run("git", "push", "origin", "v3").returncode == 0
    assert person.run("git", "push", "--follow-tags", "origin", "main").returncode != 0


def test_a_tag_of_a_blob_brings_the_blob(person: Person) -> None:
    person.write("leak.env", LEAK + "only in a tag\n")
    oid = person.git("hash-object", "-w", "leak.env")
    person.git("tag", "-a", "-m", "a blob", "inner", oid)
    person.git("tag", "-a", "-m", "a tag of a tag", "outer", "inner")
    assert person.run("git", "push", "origin", "outer").returncode != 0


def test_a_name_with_a_key_is_stopped(person: Person) -> None:
    assert person.run("git", "push", "origin", f"main:refs/heads/{KEY}").returncode != 0


def test_a_line_that_git_never_wrote_stops(person: Person) -> None:
    done = person.run("keyleak", "hook", "run", "pre-push", "origin", "url", stdin="what is this\n")
    assert done.returncode == ExitCode.INCOMPLETE
    assert "no line about a ref" in done.stderr
    assert "nothing was pushed" in done.stderr


def test_a_commit_that_is_not_here_stops(person: Person) -> None:
    line = f"refs/heads/x {'1' * 40} refs/heads/x {'0' * 40}\n"
    done = person.run("keyleak", "hook", "run", "pre-push", "origin", "url", stdin=line)
    assert done.returncode == ExitCode.INCOMPLETE


def test_a_server_refuses_a_key_in_quarantine(guarded: Person, tmp_path: Path) -> None:
    guarded.record("clean.txt")
    assert guarded.run("git", "push", "origin", "main").returncode == 0
    guarded.record("leak.env", LEAK + "new\n")
    refused = guarded.run("git", "push", "origin", "main")
    assert refused.returncode != 0
    assert "the push was not accepted" in refused.stderr
    assert "leak.env" in refused.stderr
    assert "INCOMPLETE" not in refused.stderr
    assert KEY not in refused.stderr


def test_a_server_looks_at_new_branches_tags_and_forced_ones_and_lets_refs_go(guarded: Person) -> None:
    assert guarded.run("git", "push", "origin", "main:new").returncode == 0
    assert guarded.run("git", "push", "origin", ":new").returncode == 0
    guarded.git("tag", "-a", "-m", f"with {KEY}", "v1")
    assert guarded.run("git", "push", "origin", "v1").returncode != 0
    guarded.git("commit", "-q", "--amend", "-m", f"with {KEY}")
    assert guarded.run("git", "push", "--force", "origin", "main").returncode != 0
    guarded.git("commit", "-q", "--amend", "-m", "without")
    assert guarded.run("git", "push", "--force", "origin", "main").returncode == 0
    assert guarded.run("git", "push", "origin", f"main:{KEY}").returncode != 0


def test_a_quarantine_from_elsewhere_stops(guarded: Person, tmp_path: Path) -> None:
    server = Person(tmp_path / "server.git")
    line = f"{'0' * 40} {guarded.head()} refs/heads/x\n"
    done = server.run(
        "keyleak", "hook", "run", "pre-receive", stdin=line,
        GIT_QUARANTINE_PATH="/elsewhere", GIT_OBJECT_DIRECTORY="/elsewhere",
    )  # fmt: skip
    assert done.returncode == ExitCode.INCOMPLETE
    assert "GIT_QUARANTINE_PATH" in done.stderr


@pytest.mark.parametrize("stage", ["pre-push", "pre-receive"])
def test_lines_that_cannot_be_read_stop(person: Person, stage: str) -> None:
    done = person.run("sh", "-c", f"exec keyleak hook run {stage} origin url <&-")
    assert done.returncode == ExitCode.INCOMPLETE
    assert "cannot be read" in done.stderr
    assert "crashed" not in done.stderr

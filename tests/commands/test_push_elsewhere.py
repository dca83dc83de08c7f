"""A push to a place that tracking refs say nothing of: all that it brings is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.hooked import LEAK, Person, new_person
from keyleak.git.refspecs import Refspec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """On `origin` there is an old key already, which a push to it need not be stopped for."""
    person = new_person(tmp_path / "work")
    for name in ("server.git", "other.git"):
        new_person(tmp_path / name, bare=True)
    person.git("remote", "add", "origin", "../server.git")
    person.record("old.env", LEAK)
    person.record("old.env")
    person.git("push", "-q", "origin", "main")
    # Says of the tracking refs which URL they are of.
    person.git("fetch", "-q", "origin")
    assert person.run("keyleak", "hook", "install").returncode == 0
    return person


def pushed(person: Person, *arguments: str, **variables: str) -> bool:
    done = person.run("git", "push", *arguments, **variables)
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert "nothing was pushed" in done.stderr, done.stderr
        assert "old.env" in done.stdout + done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("refs", ["main", "main:new", "topic", "--all", "main:refs/tags/v1"])
def test_a_url_that_was_changed_is_another_place(person: Person, refs: str) -> None:
    person.git("branch", "topic")
    assert pushed(person, "origin", "topic:topic")
    person.git("remote", "set-url", "origin", "../other.git")
    assert not pushed(person, "origin", refs)


def test_a_url_that_was_changed_is_known_without_an_earlier_push(person: Person) -> None:
    person.git("remote", "set-url", "origin", "../other.git")
    assert not pushed(person, "origin", "main:new")


def test_a_clone_whose_url_was_changed_before_the_hooks_were_installed(
    person: Person, tmp_path: Path
) -> None:
    person.git("clone", "-q", "../server.git", "../clone")
    clone = Person(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", "../other.git")
    assert clone.run("keyleak", "hook", "install").returncode == 0
    assert not pushed(clone, "origin", "main:new")
    clone.git("remote", "set-url", "origin", str(tmp_path / "server.git"))
    assert not pushed(clone, "origin", "main:new"), "what was fetched from where is not known any more"
    clone.git("fetch", "-q", "origin")
    assert pushed(clone, "origin", "main:new")


def test_hooks_that_are_installed_after_the_url_was_changed_trust_no_tracking_ref(tmp_path: Path) -> None:
    person = new_person(tmp_path / "work")
    for name in ("server.git", "other.git"):
        new_person(tmp_path / name, bare=True)
    person.git("remote", "add", "origin", "../server.git")
    person.record("old.env", LEAK)
    person.record("old.env")
    person.git("push", "-q", "origin", "main")
    person.git("remote", "set-url", "origin", "../other.git")
    assert person.run("keyleak", "hook", "install").returncode == 0
    assert not pushed(person, "origin", "main:topic")


@pytest.mark.parametrize("changed", [True, False])
def test_a_new_branch_says_nothing_of_a_place_that_nobody_wrote_down(person: Person, changed: bool) -> None:
    for name in ("keyleak-remotes", "FETCH_HEAD"):
        (person.folder / ".git" / name).unlink()
    if changed:
        person.git("remote", "set-url", "origin", "../other.git")
    assert not pushed(person, "origin", "main:new")
    if not changed:
        # What the remote says of a branch that was pushed before does.
        person.record("more.txt")
        assert pushed(person, "origin", "main")
        assert pushed(person, "origin", "main:new")


def test_a_clone_knows_where_it_came_from(person: Person, tmp_path: Path) -> None:
    person.git("clone", "-q", "../server.git", "../clone")
    clone = Person(tmp_path / "clone")
    assert clone.run("keyleak", "hook", "install").returncode == 0
    assert pushed(clone, "origin", "main:new")


def test_a_fetch_from_the_changed_url_says_what_is_there(person: Person) -> None:
    person.git("push", "-q", "../other.git", "main")
    person.git("remote", "set-url", "origin", "../other.git")
    assert not pushed(person, "origin", "main:new")
    person.git("fetch", "-q", "--prune", "origin")
    assert pushed(person, "origin", "main:new")


def test_a_fetch_does_not_make_up_for_refs_that_the_new_place_lacks(person: Person) -> None:
    person.git("checkout", "-q", "-b", "secret")
    person.record("old.env", LEAK + "another branch\n")
    person.git("push", "-q", "origin", "secret")
    person.git("push", "-q", "../other.git", "main")
    person.git("remote", "set-url", "origin", "../other.git")
    person.git("fetch", "-q", "origin")
    assert not pushed(person, "origin", "secret:new"), "refs/remotes/origin/secret is left from the old place"


@pytest.mark.parametrize("key", ["remote.origin.pushurl", "url.../other.git.pushInsteadOf"])
def test_a_push_goes_elsewhere_than_a_fetch(person: Person, key: str) -> None:
    person.git("config", key, "../other.git" if key.endswith("pushurl") else "../server.git")
    assert not pushed(person, "origin", "main")
    assert not pushed(person, "origin", "main:new")


def test_a_url_that_git_rewrites_for_both_is_one_place(person: Person) -> None:
    person.git("config", "--global", "url.../server.git.insteadOf", "short:")
    person.git("remote", "set-url", "origin", "short:")
    assert pushed(person, "origin", "main:new")
    person.git("config", "--global", "--replace-all", "url.../server.git.insteadOf", "none:")
    person.git("config", "--global", "url.../other.git.insteadOf", "short:")
    assert not pushed(person, "origin", "main:newer")


def test_a_setting_of_one_command_is_another_place(person: Person) -> None:
    assert not pushed(
        person, "origin", "main",
        GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="remote.origin.pushurl", GIT_CONFIG_VALUE_0="../other.git",
    )  # fmt: skip


def test_a_second_url_of_the_same_remote_gets_everything_read(person: Person) -> None:
    person.git("remote", "set-url", "--add", "origin", "../other.git")
    assert not pushed(person, "origin", "main:new")


@pytest.mark.parametrize("longer_first", [True, False])
def test_a_remote_whose_name_begins_with_another_s(person: Person, longer_first: bool) -> None:
    person.git("remote", "rename", "origin", "origin/x" if longer_first else "kept")
    if longer_first:
        person.git("remote", "add", "origin", "../other.git")
        assert not pushed(person, "origin", "main")
        assert not pushed(person, "origin", "main:new")
    else:
        person.git("config", "remote.kept/x.url", "../other.git")
        person.git("config", "remote.kept/x.fetch", "+refs/heads/*:refs/remotes/kept/x/*")
        assert person.run("keyleak", "hook", "install").returncode == 0
        assert not pushed(person, "kept/x", "main:new")
        assert pushed(person, "kept", "main:new")


@pytest.mark.parametrize("destination", ["refs/heads/*", "refs/tags/*"])
def test_refs_of_one_s_own_are_no_tracking_refs(person: Person, destination: str) -> None:
    person.git("remote", "add", "mirror", "../other.git")
    person.git("config", "remote.mirror.fetch", f"+{destination}:{destination}")
    person.git("tag", "mine")
    assert not pushed(person, "mirror", "main:new")


def test_a_branch_that_is_gone_there_is_read_again(person: Person, tmp_path: Path) -> None:
    person.git("push", "-q", "origin", "main:topic")
    Person(tmp_path / "server.git").git("update-ref", "-d", "refs/heads/topic")
    assert not pushed(person, "origin", "main:topic")
    person.git("fetch", "-q", "--prune", "origin")
    assert pushed(person, "origin", "main:topic")


def test_the_note_says_why_and_what_to_do(person: Person) -> None:
    person.git("remote", "set-url", "origin", "../other.git")
    said = person.run("git", "push", "origin", "main").stderr
    assert "all that the push brings is read" in said
    assert "git fetch --prune" in said


@pytest.mark.parametrize("changed", [False, True])
def test_what_the_framework_makes_of_tracking_refs_counts_no_more_than_they(
    person: Person, changed: bool
) -> None:
    old = person.head()
    new = person.record("more.txt")
    if changed:
        person.git("remote", "set-url", "origin", "../other.git")
    done = person.run(
        "keyleak", "hook", "run", "pre-push", PRE_COMMIT="1", PRE_COMMIT_FROM_REF=old, PRE_COMMIT_TO_REF=new,
        PRE_COMMIT_REMOTE_NAME="origin", PRE_COMMIT_REMOTE_BRANCH="refs/heads/new",
        PRE_COMMIT_REMOTE_URL="../other.git" if changed else "../server.git",
    )  # fmt: skip
    assert done.returncode == (1 if changed else 0), done.stderr


def test_no_url_is_written_down_readably(person: Person) -> None:
    person.git("remote", "add", "token", "https://user:hunter2@example.invalid/x.git")
    assert person.run("keyleak", "hook", "install").returncode == 0
    record = (person.folder / ".git" / "keyleak-remotes").read_text()
    assert {line.split(" ")[0] for line in record.splitlines()} == {"origin", "token"}
    assert "example.invalid" not in record


@given(st.text("ab/", max_size=6), st.text("ab/", max_size=6), st.text("abc/", max_size=8))
def test_a_refspec_maps_what_git_would_map(before: str, after: str, middle: str) -> None:
    spec = Refspec(f"{before}*{after}", f"refs/remotes/{after}*{before}")
    assert spec.tracking(before + middle + after) == f"refs/remotes/{after}{middle}{before}"
    assert spec.fills(f"refs/remotes/{after}{middle}{before}")
    assert Refspec(f"x{before}*{after}", "refs/remotes/*").tracking(before + middle + after) is None

"""The action's own steps, run in bash with GitHub's variables and event files; GitLab's likewise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.hooked import LEAK, Person, new_person
from commands.pipeline import ACTION, INSTALL, SCAN, ZEROS, Runner, pull, push
from keyleak.errors import ExitCode


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = new_person(tmp_path / "checkout")
    person.record("base.txt")
    return person


@pytest.fixture
def runner(person: Person, tmp_path: Path) -> Runner:
    return Runner(person, tmp_path / "runner")


def test_a_pull_request_is_what_its_commits_bring(person: Person, runner: Runner) -> None:
    old = person.record("old.env", LEAK)
    clean = person.record("clean.txt")
    found = runner.run("pull_request", pull(old, clean))
    assert (found["exit"], found["findings"]) == (ExitCode.CLEAN, "0")
    person.record("leak.env", LEAK + "again\n")
    head = person.record("leak.env")
    found = runner.run("pull_request", pull(old, head))
    assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1")
    assert "::error " in found["out"]
    assert "leak.env" in found["summary"]
    sarif = json.loads(Path(found["sarif"]).read_text(encoding="utf-8"))
    assert sum(len(each["results"]) for each in sarif["runs"]) == 1


def test_both_parents_of_a_merge_belong_to_a_pull_request(person: Person, runner: Runner) -> None:
    base = person.head()
    person.git("checkout", "-q", "-b", "side")
    person.record("leak.env", LEAK)
    person.record("leak.env")
    person.git("checkout", "-q", "-b", "topic", base)
    person.record("topic.txt")
    person.git("merge", "-q", "--no-edit", "side")
    assert runner.run("pull_request", pull(base, person.head()))["findings"] == "1"


def test_content_that_only_the_checked_out_merge_has_is_seen(person: Person, runner: Runner) -> None:
    base = person.head()
    person.git("checkout", "-q", "-b", "topic")
    head = person.record("topic.txt")
    person.git("checkout", "-q", "main")
    person.git("merge", "-q", "--no-commit", "--no-ff", "topic")
    person.record("leak.env", LEAK)
    assert runner.run("pull_request", pull(base, head))["findings"] == "1"


def test_a_push_is_what_came_since(person: Person, runner: Runner) -> None:
    before = person.record("old.env", LEAK)
    after = person.record("clean.txt")
    assert runner.run("push", push(before, after))["exit"] == ExitCode.CLEAN
    assert runner.run("push", push(before, person.record("new.env", LEAK + "n\n")))["findings"] == "1"


def test_a_new_branch_is_what_the_default_branch_has_not(person: Person, runner: Runner) -> None:
    trunk = person.record("old.env", LEAK)
    person.git("update-ref", "refs/remotes/origin/main", trunk)
    person.git("checkout", "-q", "-b", "topic")
    clean = person.record("clean.txt")
    # A full checkout knows the new branch as a remote one, too.
    person.git("update-ref", "refs/remotes/origin/topic", clean)
    assert runner.run("push", push(ZEROS, clean, "refs/heads/topic"))["exit"] == ExitCode.CLEAN
    leak = person.record("leak.env", LEAK + "n\n")
    assert runner.run("push", push(ZEROS, leak, "refs/heads/topic"))["findings"] == "1"
    assert runner.run("push", push(ZEROS, trunk))["findings"] == "1", "the first push of the default branch"


def test_a_forced_push_whose_old_commits_are_gone_is_looked_at_whole(person: Person, runner: Runner) -> None:
    person.record("leak.env", LEAK)
    after = person.record("leak.env")
    assert runner.run("push", push("1" * 40, after))["findings"] == "1"


def test_a_deleted_branch_brings_nothing(person: Person, runner: Runner) -> None:
    before = person.record("old.env", LEAK)
    assert runner.run("push", push(before, ZEROS))["exit"] == ExitCode.CLEAN


@pytest.mark.parametrize("name", ["schedule", "workflow_dispatch"])
def test_without_a_range_it_is_the_whole_history(person: Person, runner: Runner, name: str) -> None:
    person.record("leak.env", LEAK)
    person.git("rm", "-q", "leak.env")
    person.git("commit", "-q", "-m", "gone")
    assert runner.run(name, {})["findings"] == "1"
    assert runner.run("push", push(person.head(), person.head()), {"scope": "history"})["findings"] == "1"


def test_a_shallow_checkout_is_noticed(person: Person, runner: Runner, tmp_path: Path) -> None:
    base = person.head()
    head = person.record("new.txt")
    person.git("clone", "-q", "--depth", "1", f"file://{person.folder}", str(tmp_path / "shallow"))
    runner.checkout = Person(tmp_path / "shallow")
    found = runner.run("pull_request", pull(base, head))
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "fetch-depth: 0" in found["err"]
    found = runner.run("schedule", {})
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "fetch-depth: 0" in found["out"] + found["err"]


def test_a_folder_that_git_does_not_read_is_no_shallow_checkout(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    runner.checkout = Person(tmp_path / "empty")
    found = runner.run("pull_request", pull("1" * 40, "2" * 40))
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "not a git repository" in found["err"]
    assert "fetch-depth" not in found["err"]


@pytest.mark.parametrize(
    "event",
    ["not JSON", "[]", "{}", '{"pull_request": 1}', '{"pull_request": {"base": {"sha": "--all"}}}'],
)
def test_an_event_that_is_none_stops(runner: Runner, event: str) -> None:
    found = runner.run("pull_request", event)
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "event file" in found["err"]


def test_a_missing_event_file_stops(person: Person) -> None:
    done = person.run(
        "keyleak", "hook", "run", "github-action", GITHUB_EVENT_NAME="push", GITHUB_EVENT_PATH="/no"
    )
    assert done.returncode == ExitCode.INCOMPLETE
    assert "no event file" in done.stderr


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [
        ("low", ExitCode.FINDINGS),
        ("critical", ExitCode.FINDINGS),
        ("never", ExitCode.CLEAN),
        ("x", ExitCode.INCOMPLETE),
    ],
)
def test_the_policy_says_what_fails(person: Person, runner: Runner, fail_on: str, code: ExitCode) -> None:
    before = person.head()
    after = person.record("leak.env", LEAK)
    found = runner.run("push", push(before, after), {"fail-on": fail_on})
    assert found["exit"] == code
    assert found.get("findings", "1") == "1"


def test_inputs_are_never_read_as_shell(person: Person, runner: Runner, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    for name in ACTION["inputs"]:
        runner.run(
            "push",
            push(person.head(), person.head()),
            {name: f'"; touch {trap}; $(touch {trap}) `touch {trap}`'},
        )
    assert not trap.exists()
    for step in (INSTALL, SCAN):
        assert "${{" not in step["run"]


def test_gitlab_s_variables_name_the_range(person: Person) -> None:
    old = person.record("old.env", LEAK)
    clean = person.record("clean.txt")
    ci = ("keyleak", "hook", "run", "gitlab-ci")
    merge_request = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": old, "CI_PIPELINE_SOURCE": "merge_request_event"}
    assert person.run(*ci, CI_COMMIT_SHA=clean, **merge_request).returncode == ExitCode.CLEAN
    pushed = {"CI_COMMIT_BEFORE_SHA": old, "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}
    assert person.run(*ci, CI_COMMIT_SHA=clean, **pushed).returncode == ExitCode.CLEAN
    assert person.run(*ci, CI_COMMIT_SHA=clean, CI_PIPELINE_SOURCE="schedule").returncode == ExitCode.FINDINGS
    leak = person.record("leak.env", LEAK + "n\n")
    assert person.run(*ci, CI_COMMIT_SHA=leak, **merge_request).returncode == ExitCode.FINDINGS


@pytest.mark.slow
def test_the_action_installs_keyleak_from_its_own_checkout(person: Person, tmp_path: Path) -> None:
    runner = Runner(person, tmp_path / "runner")
    (tmp_path / "runner" / "keyleak").unlink()
    assert runner.run("push", {}, step=INSTALL)["exit"] == 0
    before = person.head()
    assert runner.run("push", push(before, person.record("leak.env", LEAK)))["findings"] == "1"

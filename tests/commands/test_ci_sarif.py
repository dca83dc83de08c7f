"""What is uploaded under a category is its whole state, whatever an event brought."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from commands.hooked import KEY, LEAK, Person, new_person
from commands.pipeline import Runner, pull, push
from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from collections.abc import Mapping

AT_HEAD = "keyleak/history/at-head/"
IN_HISTORY = "keyleak/history/only-in-history/"
OTHER = LEAK.replace(KEY, expand("sk_live_${base62:42}", 31))
LOCKED = b"7z\xbc\xaf'\x1c\0\x04" + bytes(200)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = new_person(tmp_path / "checkout")
    person.record("base.txt")
    return person


@pytest.fixture
def runner(person: Person, tmp_path: Path) -> Runner:
    return Runner(person, tmp_path / "runner")


def uploaded(found: Mapping[str, Any]) -> dict[str, list[str]]:
    """By category, where its results stand."""
    runs = json.loads(Path(found["sarif"]).read_text(encoding="utf-8"))["runs"]
    return {
        run["automationDetails"]["id"]: sorted(
            place["physicalLocation"]["artifactLocation"]["uri"]
            for result in run["results"]
            for place in (*result["locations"], *result["relatedLocations"])
        )
        for run in runs
    }


def test_a_clean_push_after_one_with_a_key_closes_no_alert(person: Person, runner: Runner) -> None:
    first = person.head()
    leak = person.record("leak.env", LEAK)
    found = runner.run("push", push(first, leak))
    assert (found["exit"], uploaded(found)) == (ExitCode.FINDINGS, {AT_HEAD: ["leak.env"]})
    found = runner.run("push", push(leak, person.record("clean.txt")))
    assert (found["exit"], uploaded(found)) == (ExitCode.CLEAN, {AT_HEAD: ["leak.env"]})
    assert found["findings"] == "0"
    person.git("rm", "-q", "leak.env")
    before = person.head()
    found = runner.run("push", push(before, person.record("gone.txt")))
    assert uploaded(found) == {AT_HEAD: []}, "the key was taken out, so its alert may close"


def test_a_pull_request_uploads_all_of_its_merge(person: Person, runner: Runner) -> None:
    base = person.record("old.env", LEAK)
    head = person.record("new.env", OTHER)
    found = runner.run("pull_request", pull(base, head))
    assert found["findings"] == "1"
    assert uploaded(found) == {AT_HEAD: ["new.env", "old.env"]}


def test_the_whole_history_has_a_category_of_its_own(person: Person, runner: Runner) -> None:
    person.record("kept.env", LEAK)
    person.record("gone.env", OTHER)
    person.git("rm", "-q", "gone.env")
    person.git("commit", "-q", "-m", f"configured with {expand('sk_live_${base62:42}', 32)} for FLORA")
    found = runner.run("schedule", {})
    state = uploaded(found)
    assert state[AT_HEAD] == ["kept.env"]
    elsewhere = {place.partition("/")[0] for place in state[IN_HISTORY]}
    assert {"commit-message", "gone.env"} <= elsewhere
    assert "kept.env" not in elsewhere
    found = runner.run("push", push(person.head(), person.record("clean.txt")))
    assert uploaded(found) == {AT_HEAD: ["kept.env"]}, "the same key is in the same category for every event"
    found = runner.run("push", push(person.head(), person.head()), {"scope": "history"})
    assert set(uploaded(found)) == set(state)


def test_every_path_and_name_at_head_is_there(person: Person, runner: Runner) -> None:
    person.stage("a/leak.env", LEAK)
    person.stage("b/leak.env", LEAK)
    named = expand("sk_live_${base62:42}", 33)
    head = person.record(f"flora/FLORA_API_KEY={named}/x.txt")
    state = uploaded(runner.run("push", push(head, head)))[AT_HEAD]
    assert {"a/leak.env", "b/leak.env"} <= set(state)
    assert len(state) == 3
    assert named not in str(state)


def test_what_is_checked_out_is_read_from_its_commit(person: Person, runner: Runner) -> None:
    head = person.record("leak.env", LEAK)
    person.write("leak.env", "nothing\n")
    person.write("untracked.env", OTHER)
    assert uploaded(runner.run("push", push(head, head))) == {AT_HEAD: ["leak.env"]}


def test_a_category_that_was_not_read_whole_is_left_out(
    person: Person, runner: Runner, tmp_path: Path
) -> None:
    person.record("gone.env", OTHER)
    person.git("rm", "-q", "gone.env")
    person.record("kept.env", LEAK)
    person.git("clone", "-q", "--depth", "1", f"file://{person.folder}", str(tmp_path / "shallow"))
    runner.checkout = Person(tmp_path / "shallow")
    found = runner.run("schedule", {})
    assert found["exit"] == ExitCode.INCOMPLETE
    assert uploaded(found) == {AT_HEAD: ["kept.env"]}
    assert "no category history/only-in-history" in found["err"]
    accepted = runner.run("schedule", {}, {"allow-incomplete": "true"})
    assert accepted["exit"] == ExitCode.FINDINGS
    assert set(uploaded(accepted)) == {AT_HEAD, IN_HISTORY}


def test_nothing_is_uploaded_of_a_head_that_cannot_be_read(person: Person, runner: Runner) -> None:
    before = person.head()
    (person.folder / "locked.7z").write_bytes(LOCKED)
    person.git("add", "locked.7z")
    after = person.record("leak.env", LEAK)
    found = runner.run("push", push(before, after))
    assert (found["exit"], found["findings"], found["sarif"]) == (ExitCode.INCOMPLETE, "1", "")
    assert "no category history/at-head" in found["err"]
    assert not (runner.temporary / "keyleak.sarif").exists()
    accepted = runner.run("push", push(before, after), {"allow-incomplete": "true"})
    assert (accepted["exit"], uploaded(accepted)) == (ExitCode.FINDINGS, {AT_HEAD: ["leak.env"]})


def test_a_gap_is_accepted_by_the_base(person: Person, runner: Runner) -> None:
    before = person.head()
    (person.folder / "locked.7z").write_bytes(LOCKED)
    person.stage(".keyleak.yaml", "allow-gap:\n  - path: locked.7z\n    reason: a fixture\n")
    person.git("add", "locked.7z")
    after = person.record("leak.env", LEAK)
    found = runner.run("pull_request", pull(before, after))
    assert (found["exit"], found["findings"], found["sarif"]) == (ExitCode.INCOMPLETE, "1", "")
    assert "proposed by this change: the allow-gap entry path: locked.7z (a fixture)" in found["err"]
    (person.folder / "locked.7z").write_bytes(LOCKED + b"another")
    person.git("add", "locked.7z")
    found = runner.run("pull_request", pull(after, person.record("clean.txt")))
    assert (found["exit"], uploaded(found)) == (ExitCode.CLEAN, {AT_HEAD: ["leak.env"]})
    assert "accepts" in found["err"]


def test_an_entry_that_was_merged_allows_the_alert(person: Person, runner: Runner) -> None:
    before = person.head()
    person.stage(".keyleak.yaml", "allow:\n  - path: leak.env\n    reason: a fixture\n")
    after = person.record("leak.env", LEAK)

    def suppressed(found: Mapping[str, Any]) -> list[bool]:
        [run] = json.loads(Path(found["sarif"]).read_text(encoding="utf-8"))["runs"]
        return [bool(result["suppressions"]) for result in run["results"]]

    found = runner.run("pull_request", pull(before, after))
    assert suppressed(found) == [False]
    found = runner.run("push", push(before, after))
    assert (found["exit"], suppressed(found)) == (ExitCode.FINDINGS, [True])


def test_submodules_can_be_read_or_accepted(person: Person, runner: Runner, tmp_path: Path) -> None:
    inner = new_person(tmp_path / "inner")
    inner.record("leak.env", LEAK)
    person.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner", "inner")
    person.git("commit", "-q", "-m", "a submodule")
    assert runner.run("schedule", {})["exit"] == ExitCode.INCOMPLETE
    found = runner.run("schedule", {}, {"submodules": "true"})
    assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1")
    assert uploaded(found)[AT_HEAD] == []
    accepted = runner.run("schedule", {}, {"allow-incomplete": "true"})
    assert (accepted["exit"], accepted["findings"]) == (ExitCode.CLEAN, "0")


@pytest.mark.parametrize("name", ["allow-incomplete", "submodules", "trust-head-config"])
def test_a_switch_that_is_neither_stops(person: Person, runner: Runner, name: str) -> None:
    found = runner.run("push", push(person.head(), person.head()), {name: "1"})
    assert found["exit"] == ExitCode.INCOMPLETE
    assert f"{name} '1' is none of: true, false" in found["err"]


def test_a_part_of_history_is_no_state_of_a_category(person: Person, tmp_path: Path) -> None:
    person.record("leak.env", LEAK)
    person.record("clean.txt")
    for part in (("--range", "HEAD~1..HEAD"), ("--since", "2001-01-01"), ("--refs", "main")):
        sarif, saved = tmp_path / "part.sarif", tmp_path / "part.json"
        person.run("keyleak", "history", *part, "--format", f"sarif:{sarif}", "--format", f"json:{saved}")
        assert set(uploaded({"sarif": sarif})) == {"keyleak/history/part/"}
        assert json.loads(saved.read_text())["scan"]["scope"] == " ".join(part)
        person.run("keyleak", "report", str(saved), "--format", f"sarif:{sarif}")
        assert set(uploaded({"sarif": sarif})) == {"keyleak/history/part/"}
    person.run("keyleak", "history", "--format", f"sarif:{sarif}")
    assert set(uploaded({"sarif": sarif})) == {AT_HEAD, IN_HISTORY}


def test_gitlab_s_report_is_that_of_head_too(person: Person) -> None:
    before = person.record("leak.env", LEAK)
    after = person.record("clean.txt")
    done = person.run(
        "keyleak", "hook", "run", "gitlab-ci", CI_COMMIT_SHA=after, CI_COMMIT_BEFORE_SHA=before,
        CI_COMMIT_BRANCH="main", CI_DEFAULT_BRANCH="main",
    )  # fmt: skip
    assert done.returncode == ExitCode.CLEAN
    assert uploaded({"sarif": person.folder / "keyleak.sarif"}) == {AT_HEAD: ["leak.env"]}


def test_what_to_do_about_a_base_alone_is_said(person: Person, runner: Runner) -> None:
    found = runner.run("pull_request_target", pull(person.head(), "1" * 40))
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "ref: ${{ github.event.pull_request.head.sha }}" in found["err"]

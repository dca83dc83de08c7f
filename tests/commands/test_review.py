"""A change is judged by what it is to be merged into: in the Action, in GitLab's job, on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from commands.hooked import KEY, LEAK, Person, new_person
from commands.pipeline import ZEROS, Runner, pull, push
from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALLOW = "allow:\n  - path: leak.env\n    reason: a fixture\n"
OTHER = expand("sk_live_${base62:42}", 22)
MARKED = f'FLORA_API_KEY="{KEY}"  # keyleak:allow a fixture\n'
PROPOSED = "proposed by this change"
RULE = """\
issuer: internal
name: Internal
homepage: https://internal.example
docs: https://internal.example
keys:
  - id: internal-key
    description: Of a test
    found_by: prefix
    prefixes: [zz_live_]
    pattern: '[A-Za-z0-9]{40}'
    environment: by-prefix
    strength: strong
    min_entropy: 2.2
    severity: {live: critical, test: medium, unknown: high}
    examples: ['INTERNAL_KEY=zz_live_${base62:40}']
    counter_examples: ['INTERNAL_KEY=zz_live_${base62:12}']
context:
  strong:
    names: [INTERNAL_KEY]
    headers: []
    hosts: []
    packages: []
    calls: []
  weak: []
  veto: []
verify: null
runbook: null
samples: []
"""


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = new_person(tmp_path / "checkout")
    person.record("base.txt")
    return person


@pytest.fixture
def runner(person: Person, tmp_path: Path) -> Runner:
    return Runner(person, tmp_path / "runner")


def entry(person: Person) -> None:
    person.stage(".keyleak.yaml", ALLOW)


def entry_in_toml(person: Person) -> None:
    person.stage("pyproject.toml", '[[tool.keyleak.allow]]\npath = "leak.env"\nreason = "a fixture"\n')


def severity(person: Person) -> None:
    person.stage(
        ".keyleak.yaml", "severity:\n  - path: leak.env\n    severity: note\n    reason: a fixture\n"
    )


def issuers(person: Person) -> None:
    person.stage(".keyleak.yaml", "issuers: [stripe]\n")


def least_severity(person: Person) -> None:
    person.stage(
        ".keyleak.yaml",
        "min-severity: high\nseverity:\n  - path: leak.env\n    severity: low\n    reason: a fixture\n",
    )


def baseline(person: Person) -> None:
    person.write("leak.env", LEAK)
    assert person.run("keyleak", "baseline", "create").returncode in {0, 1}
    person.git("add", ".keyleak-baseline.json")


def named_baseline(person: Person) -> None:
    baseline(person)
    person.git("mv", "-f", ".keyleak-baseline.json", "known.json")
    person.stage(".keyleak.yaml", "baseline: known.json\n")


@pytest.mark.parametrize(
    "suppress", [entry, named_baseline, entry_in_toml, severity, issuers, least_severity, baseline]
)
def test_a_change_that_allows_its_own_key_fails(
    person: Person, runner: Runner, suppress: Callable[[Person], None]
) -> None:
    base = person.head()
    suppress(person)
    head = person.record("leak.env", LEAK)
    found = runner.run("pull_request", pull(base, head))
    assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1")
    [(status, reason)] = found["reasons"]
    assert status == "new"
    assert reason is not None
    assert PROPOSED in reason
    assert "does not count until it is merged" in reason
    assert PROPOSED in found["out"], "the annotation says why the entry did not help"
    assert PROPOSED in found["summary"]
    assert "until it is merged" in found["err"]


@pytest.mark.parametrize(
    "marked",
    [
        MARKED,
        f"# keyleak:allow a fixture\n{LEAK}",
        f"FLORA_API_KEY={KEY} # gitleaks:allow\n",
        f"FLORA_API_KEY={KEY} # trufflehog:ignore\n",
        f"FLORA_API_KEY={KEY} # kingfisher:ignore\n",
        f"# pragma: allowlist nextline secret\n{LEAK}",
    ],
)
def test_a_marker_that_comes_with_its_key_allows_nothing(person: Person, runner: Runner, marked: str) -> None:
    base = person.head()
    head = person.record("leak.env", marked)
    found = runner.run("pull_request", pull(base, head))
    assert found["exit"] == ExitCode.FINDINGS
    assert [status for status, _ in found["reasons"]] == ["new"]
    assert PROPOSED in str(found["reasons"])


def test_a_marker_in_a_commit_message_allows_nothing(person: Person, runner: Runner) -> None:
    base = person.head()
    person.git("commit", "-q", "--allow-empty", "-m", f"configure\n\n{MARKED}")
    found = runner.run("pull_request", pull(base, person.head()))
    assert found["exit"] == ExitCode.FINDINGS
    assert PROPOSED in str(found["reasons"])


def test_what_is_merged_counts(person: Person, runner: Runner) -> None:
    person.stage(".keyleak.yaml", ALLOW)
    base = person.record("marked.env", MARKED.replace(KEY, OTHER))
    person.record("leak.env", LEAK)
    head = person.record("marked.env", MARKED.replace(KEY, OTHER) + "edited=below\n")
    found = runner.run("pull_request", pull(base, head))
    assert found["exit"] == ExitCode.CLEAN
    assert sorted(status for status, _ in found["reasons"]) == ["allowed", "allowed"]


def test_a_marker_elsewhere_in_the_base_does_not_spread(person: Person, runner: Runner) -> None:
    base = person.record("marked.env", MARKED)
    head = person.record("elsewhere.env", MARKED)
    # The blob is the base's, so nothing new is in it; another line makes it a new one.
    assert runner.run("pull_request", pull(base, head))["exit"] == ExitCode.CLEAN
    head = person.record("elsewhere.env", MARKED + "new=line\n")
    found = runner.run("pull_request", pull(base, head))
    assert found["exit"] == ExitCode.FINDINGS
    assert PROPOSED in str(found["reasons"])


def test_entries_that_a_change_takes_away_count_still(person: Person, runner: Runner) -> None:
    base = person.record(".keyleak.yaml", ALLOW)
    person.git("rm", "-q", ".keyleak.yaml")
    head = person.record("leak.env", LEAK)
    assert runner.run("pull_request", pull(base, head))["exit"] == ExitCode.CLEAN


def test_who_wants_to_can_trust_the_head(person: Person, runner: Runner) -> None:
    base = person.head()
    entry(person)
    head = person.record("leak.env", LEAK)
    trusting = {"trust-head-config": "true"}
    assert runner.run("pull_request", pull(base, head), trusting)["exit"] == ExitCode.CLEAN
    refused = runner.run("pull_request", pull(base, head), {"trust-head-config": "yes"})
    assert refused["exit"] == ExitCode.INCOMPLETE
    assert "trust-head-config" in refused["err"]


def test_a_configuration_that_the_workflow_names_is_the_base_s(person: Person, runner: Runner) -> None:
    named = {"config": "policy/keys.yaml"}
    base = person.head()
    person.stage("policy/keys.yaml", ALLOW)
    head = person.record("leak.env", LEAK)
    for spelling in (
        "policy/keys.yaml",
        "./policy/../policy/keys.yaml",
        str(person.folder / named["config"]),
    ):
        found = runner.run("pull_request", pull(base, head), {"config": spelling})
        assert found["exit"] == ExitCode.FINDINGS, spelling
        assert PROPOSED in str(found["reasons"])
    assert runner.run("pull_request", pull(head, person.record("clean.txt")), named)["exit"] == ExitCode.CLEAN
    person.record("leak.env", LEAK + "again\n")
    assert runner.run("pull_request", pull(head, person.head()), named)["exit"] == ExitCode.CLEAN


def test_a_link_that_the_change_makes_leads_nowhere(person: Person, runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(ALLOW)
    base = person.head()
    (person.folder / "policy").symlink_to(tmp_path)
    (person.folder / ".keyleak.yaml").symlink_to(tmp_path / "outside.yaml")
    person.git("add", "policy", ".keyleak.yaml")
    head = person.record("leak.env", LEAK)
    found = runner.run("pull_request", pull(base, head), {"config": "policy/outside.yaml"})
    assert [status for status, _ in found["reasons"]] == ["new"]
    found = runner.run("pull_request", pull(base, head))
    assert found["exit"] == ExitCode.INCOMPLETE, "a proposed configuration that cannot be read is a gap"
    assert "a symbolic link" in found["out"] + found["err"]
    assert found["findings"] == "1"


def test_a_file_of_the_machine_s_own_counts(person: Person, runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(ALLOW)
    base = person.head()
    head = person.record("leak.env", LEAK)
    own = {"config": str(tmp_path / "own.yaml")}
    assert runner.run("pull_request", pull(base, head), own)["exit"] == ExitCode.CLEAN
    absent = runner.run("pull_request", pull(base, head), {"config": "no/such.yaml"})
    assert absent["exit"] == ExitCode.INCOMPLETE
    assert "no/such.yaml" in absent["err"]


def test_rules_are_those_of_the_base(person: Person, runner: Runner) -> None:
    key = expand("zz_live_${base62:40}", 3)
    base = person.head()
    person.stage(".keyleak.yaml", "rules: [rules]\n")
    person.stage("rules/internal.yaml", RULE)
    head = person.record("internal.env", f"INTERNAL_KEY={key}\n")
    assert runner.run("pull_request", pull(base, head))["findings"] == "0"
    person.git("rm", "-q", "-r", "rules")
    after = person.record("more.env", f"INTERNAL_KEY={key} again\n")
    found = runner.run("pull_request", pull(head, after))
    assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1"), found["err"]


def test_a_configuration_outside_the_repository_is_refused(person: Person, runner: Runner) -> None:
    for named in ("../../outside", "/etc", "~/rules"):
        base = person.record(".keyleak.yaml", f"rules: ['{named}']\n")
        found = runner.run("pull_request", pull(base, person.record("x.txt", named)))
        assert found["exit"] == ExitCode.INCOMPLETE
        assert "not in the repository" in found["err"]


def test_a_push_to_the_default_branch_is_judged_by_what_was_there(person: Person, runner: Runner) -> None:
    before = person.head()
    entry(person)
    after = person.record("leak.env", LEAK)
    assert runner.run("push", push(before, after))["exit"] == ExitCode.FINDINGS
    later = person.record("leak.env", LEAK + "again\n")
    assert runner.run("push", push(after, later))["exit"] == ExitCode.CLEAN


def test_a_branch_cannot_bring_the_entry_first_and_the_key_next(person: Person, runner: Runner) -> None:
    person.git("update-ref", "refs/remotes/origin/main", person.head())
    person.git("checkout", "-q", "-b", "topic")
    before = person.record(".keyleak.yaml", ALLOW)
    after = person.record("leak.env", LEAK)
    found = runner.run("push", push(before, after, "refs/heads/topic"))
    assert found["exit"] == ExitCode.FINDINGS
    assert PROPOSED in str(found["reasons"])


def test_entries_are_named_before_a_key_comes(person: Person, runner: Runner) -> None:
    base = person.head()
    baseline(person)
    person.stage(
        ".keyleak.yaml",
        f"{ALLOW}severity:\n  - rule: x\n    severity: low\n    reason: of a test\nmin-severity: medium\n",
    )
    person.git("commit", "-q", "-m", "entries")
    found = runner.run("pull_request", pull(base, person.head()))
    assert found["exit"] == ExitCode.CLEAN
    for words in (
        "the allow entry path: leak.env (a fixture)",
        "the severity entry rule: x, low (of a test)",
        "the least severity medium",
        "1 line of the baseline",
    ):
        assert f"{PROPOSED}: {words}; does not count until it is merged" in found["err"]
    found = runner.run("pull_request", pull(person.head(), person.record("clean.txt")))
    assert PROPOSED not in found["err"]


def test_a_configuration_that_only_a_submodule_has_does_not_count(
    person: Person, runner: Runner, tmp_path: Path
) -> None:
    inner = new_person(tmp_path / "inner")
    inner.record("keys.yaml", ALLOW)
    base = person.head()
    person.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner", "inner")
    head = person.record("leak.env", LEAK)
    found = runner.run("pull_request", pull(base, head), {"config": "inner/keys.yaml"})
    assert found["exit"] == ExitCode.FINDINGS
    assert "inner/keys.yaml is not in what this is judged by" in found["err"]


def test_a_tag_is_not_taken_for_the_default_branch(person: Person, runner: Runner) -> None:
    person.git("checkout", "-q", "-b", "topic")
    person.record(".keyleak.yaml", ALLOW)
    person.record("leak.env", LEAK)
    person.git("tag", "refs/remotes/origin/main")
    event = {"repository": {"default_branch": "main"}}
    found = runner.run("workflow_dispatch", event, GITHUB_REF="refs/heads/topic")
    assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1")


def test_rules_that_the_change_brings_do_not_count_yet(person: Person) -> None:
    base = person.head()
    head = person.record("rules/internal.yaml", RULE)
    found = person.run(
        "keyleak", "hook", "run", "gitlab-ci", "--rules", "rules",
        CI_MERGE_REQUEST_DIFF_BASE_SHA=base, CI_COMMIT_SHA=head,
    )  # fmt: skip
    assert found.returncode == ExitCode.CLEAN
    assert "rules is proposed by this change" in found.stderr


def test_the_whole_history_is_judged_by_the_default_branch(person: Person, runner: Runner) -> None:
    person.record(".keyleak.yaml", ALLOW)
    person.record("leak.env", LEAK)
    person.record("gone.env", MARKED.replace(KEY, OTHER))
    person.git("rm", "-q", "gone.env")
    person.git("commit", "-q", "-m", "gone")
    scheduled = {"repository": {"default_branch": "main"}}
    assert runner.run("schedule", scheduled, GITHUB_REF="refs/heads/main")["exit"] == ExitCode.CLEAN
    person.git("update-ref", "refs/remotes/origin/main", "main")
    person.git("checkout", "-q", "-b", "topic")
    person.record("topic.env", MARKED.replace(KEY, expand("sk_live_${base62:42}", 23)))
    for ref in ("refs/heads/topic", "refs/heads/main"):
        found = runner.run(
            "workflow_dispatch", scheduled, GITHUB_REF=ref, GITHUB_SHA=person.git("rev-parse", "main")
        )
        assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1"), ref


def test_an_event_that_strangers_start_is_not_judged_by_what_is_checked_out(
    person: Person, runner: Runner
) -> None:
    entry(person)
    person.record("leak.env", LEAK)
    found = runner.run("issue_comment", {"repository": {"default_branch": "main"}})
    assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1")


def test_gitlab_judges_by_the_base_too(person: Person) -> None:
    base = person.head()
    entry(person)
    head = person.record("leak.env", LEAK)
    merge_request = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_COMMIT_SHA": head,
    }  # fmt: skip
    ci = ("keyleak", "hook", "run", "gitlab-ci")
    found = person.run(*ci, **merge_request)
    assert found.returncode == ExitCode.FINDINGS
    assert PROPOSED in found.stdout
    trusting = {"KEYLEAK_TRUST_HEAD_CONFIG": "true"}
    assert person.run(*ci, **merge_request, **trusting).returncode == ExitCode.CLEAN


@pytest.fixture
def guarded(tmp_path: Path) -> Person:
    """In a repository without hooks, whose server has one."""
    person = new_person(tmp_path / "work")
    server = new_person(tmp_path / "server.git", bare=True)
    person.git("remote", "add", "origin", "../server.git")
    person.record("base.txt")
    person.git("push", "-q", "origin", "main")
    assert server.run("keyleak", "hook", "install").returncode == 0
    return person


@pytest.mark.parametrize("suppress", [entry, severity, issuers, baseline])
def test_a_push_that_allows_its_own_key_is_refused(
    guarded: Person, suppress: Callable[[Person], None]
) -> None:
    suppress(guarded)
    guarded.record("leak.env", LEAK)
    for branch in ("main", "topic"):
        refused = guarded.run("git", "push", "origin", f"main:{branch}")
        assert refused.returncode != 0
        assert PROPOSED in refused.stderr
        assert KEY not in refused.stderr


def test_a_server_honours_what_its_default_branch_has(guarded: Person) -> None:
    guarded.record(".keyleak.yaml", ALLOW)
    assert guarded.run("git", "push", "origin", "main:topic").returncode == 0
    guarded.record("leak.env", LEAK)
    assert guarded.run("git", "push", "origin", "main:topic").returncode != 0, "topic says nothing for main"
    assert guarded.run("git", "push", "origin", "main~1:main").returncode == 0
    pushed = guarded.run("git", "push", "origin", "main:topic")
    assert pushed.returncode == 0, pushed.stderr


def test_a_server_with_a_work_tree_honours_no_marker_that_a_push_brings(tmp_path: Path) -> None:
    person = new_person(tmp_path / "work")
    server = new_person(tmp_path / "server")
    server.git("config", "receive.denyCurrentBranch", "updateInstead")
    person.git("remote", "add", "origin", "../server")
    person.record("base.txt")
    person.git("push", "-q", "origin", "main")
    assert server.run("keyleak", "hook", "install", "pre-receive").returncode == 0
    person.record("leak.env", MARKED)
    refused = person.run("git", "push", "origin", "main")
    assert refused.returncode != 0
    assert PROPOSED in refused.stderr


def test_a_push_of_a_tag_with_a_marked_key_is_refused(guarded: Person) -> None:
    guarded.git("tag", "-a", "-m", f"with\n{MARKED}", "v1")
    refused = guarded.run("git", "push", "origin", "v1")
    assert refused.returncode != 0
    assert PROPOSED in refused.stderr


def test_a_first_push_is_judged_by_nothing(person: Person, runner: Runner) -> None:
    entry(person)
    after = person.record("leak.env", LEAK)
    assert runner.run("push", push(ZEROS, after))["exit"] == ExitCode.FINDINGS

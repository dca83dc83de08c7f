"""`keyleak baseline` and `keyleak config` as a user runs them, in real repositories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))
BASELINE = ".keyleak-baseline.json"


def key(seed: int) -> str:
    return expand("sk_live_${base62:42}", seed)


def keyleak(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KEYLEAK, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def git(*arguments: str, cwd: Path) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(
        ["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True,
        env={**environment, "GIT_CONFIG_GLOBAL": os.devnull},
    )  # fmt: skip


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git("init", "-q", "-b", "main", cwd=folder)
    (folder / "old.env").write_text(f"FLORA_API_KEY={key(0)}\n")
    return folder


def statuses(folder: Path, *arguments: str) -> list[str]:
    report = json.loads(keyleak("scan", "-q", "--format", "json", *arguments, cwd=folder).stdout)
    return sorted(each["status"] for each in report["findings"])


def test_two_branches_add_to_the_baseline_and_merge_to_what_an_update_writes(repo: Path) -> None:
    assert keyleak("baseline", "create", cwd=repo).returncode == ExitCode.CLEAN
    git("add", "-A", cwd=repo)
    git("commit", "-qm", "base", cwd=repo)
    for branch, seeds in (("one", (1, 2, 3)), ("two", (4, 5))):
        git("checkout", "-qb", branch, "main", cwd=repo)
        (repo / f"{branch}.env").write_text("".join(f"FLORA_API_KEY={key(seed)}\n" for seed in seeds))
        assert keyleak("scan", cwd=repo).returncode == ExitCode.FINDINGS
        assert keyleak("baseline", "update", cwd=repo).returncode == ExitCode.CLEAN
        git("add", "-A", cwd=repo)
        git("commit", "-qm", branch, cwd=repo)
    git("merge", "-q", "--no-edit", "one", cwd=repo)
    merged = (repo / BASELINE).read_text()
    assert "0 added, 0 taken out, 6 known" in keyleak("baseline", "update", cwd=repo).stdout
    assert (repo / BASELINE).read_text() == merged
    assert keyleak("scan", cwd=repo).returncode == ExitCode.CLEAN


def test_moving_code_changes_nothing_and_another_key_on_the_same_line_is_new(repo: Path) -> None:
    keyleak("baseline", "create", cwd=repo)
    before = (repo / BASELINE).read_text()
    (repo / "src").mkdir()
    (repo / "old.env").rename(repo / "src" / "new.py")
    (repo / "src" / "new.py").write_text(f"\n\n# moved\nFLORA_API_KEY = '{key(0)}'\n")
    assert statuses(repo) == ["baselined"]
    keyleak("baseline", "update", cwd=repo)
    assert (repo / BASELINE).read_text() == before
    (repo / "src" / "new.py").write_text(f"\n\n# moved\nFLORA_API_KEY = '{key(1)}'\n")
    assert statuses(repo) == ["new"]
    checked = keyleak("baseline", "check", cwd=repo)
    assert checked.returncode == ExitCode.FINDINGS
    assert "1 of its keys are found nowhere" in checked.stderr
    assert key(1) not in checked.stdout + checked.stderr + (repo / BASELINE).read_text()


def test_a_baseline_of_history_keeps_what_only_history_has(repo: Path) -> None:
    git("add", "-A", cwd=repo)
    git("commit", "-qm", "leak", cwd=repo)
    git("rm", "-q", "old.env", cwd=repo)
    git("commit", "-qm", "gone", cwd=repo)
    assert "1 keys" in keyleak("baseline", "create", "--history", cwd=repo).stdout
    assert "0 taken out, 1 known" in keyleak("baseline", "update", cwd=repo).stdout
    assert keyleak("history", cwd=repo).returncode == ExitCode.CLEAN
    assert keyleak("history", "--no-config", cwd=repo).returncode == ExitCode.FINDINGS


def test_part_of_the_tree_takes_nothing_out(repo: Path) -> None:
    keyleak("baseline", "create", cwd=repo)
    (repo / "part").mkdir()
    (repo / "part" / "a").write_text(f"FLORA_API_KEY={key(1)}\n")
    assert "1 added, 0 taken out, 2 known" in keyleak("baseline", "update", "part", cwd=repo).stdout


def test_a_damaged_baseline_is_an_error_and_stays_as_it_is(repo: Path) -> None:
    keyleak("baseline", "create", cwd=repo)
    file = repo / BASELINE
    file.write_text(file.read_text()[:5000])
    for command in (["scan"], ["baseline", "update"], ["baseline", "check"], ["baseline", "create"]):
        result = keyleak(*command, cwd=repo)
        assert result.returncode == ExitCode.INCOMPLETE
        assert BASELINE in result.stderr
    assert len(file.read_text()) == 5000


def test_a_strangers_configuration_and_baseline_are_ignored_and_named(repo: Path, tmp_path: Path) -> None:
    keyleak("baseline", "create", cwd=repo)
    (repo / ".keyleak.yaml").write_text("allow: [{path: '*', reason: trust me}]\n")
    assert statuses(repo) == ["allowed"]
    assert statuses(repo, "--no-config") == ["new"]
    outside = keyleak("scan", "repo", cwd=tmp_path)
    assert outside.returncode == ExitCode.FINDINGS
    assert outside.stderr.count("is ignored") == 2
    assert statuses(tmp_path, "repo", "--config", "repo/.keyleak.yaml") == ["allowed"]
    assert statuses(tmp_path, "repo", "--baseline", f"repo/{BASELINE}") == ["baselined"]


def test_markers_in_history_count_in_the_own_checkout_only(repo: Path, tmp_path: Path) -> None:
    (repo / "old.env").write_text(f"FLORA_API_KEY={key(0)}  # keyleak:allow a sample\n")
    git("add", "-A", cwd=repo)
    git("commit", "-qm", "marked", cwd=repo)
    assert keyleak("history", cwd=repo).returncode == ExitCode.CLEAN
    assert keyleak("history", "--no-inline", cwd=repo).returncode == ExitCode.FINDINGS
    outside = keyleak("history", "repo", cwd=tmp_path)
    assert outside.returncode == ExitCode.FINDINGS
    assert "--inline honours them" in outside.stderr
    assert keyleak("history", "repo", "--inline", cwd=tmp_path).returncode == ExitCode.CLEAN


def test_stale_and_expired_entries_are_reported(repo: Path) -> None:
    entries = "- {path: gone/*, reason: x}\n- {path: '*', reason: y, expires: 2020-01-01}\n"
    (repo / ".keyleak.yaml").write_text(f"allow:\n{entries}")
    result = keyleak("scan", "--format", "json:report.json", cwd=repo)
    assert ".keyleak.yaml:2 is stale" in result.stderr
    assert ".keyleak.yaml:3 expired on 2020-01-01" in result.stderr
    checked = keyleak("config", "check", "--against", "report.json", cwd=repo)
    assert checked.returncode == ExitCode.CLEAN
    assert ".keyleak.yaml:2: stale" in checked.stdout


def test_ignores_of_other_scanners_become_known_keys(repo: Path) -> None:
    (repo / ".gitleaksignore").write_text("old.env:stripe-access-token:1\ngone.env:generic-api-key:4\n")
    result = keyleak("baseline", "import", ".gitleaksignore", cwd=repo)
    assert result.returncode == ExitCode.CLEAN
    assert ".gitleaksignore:2: gone.env:generic-api-key:4 is dead" in result.stdout
    assert "1 keys added, 1 known; 1 entries are dead" in result.stdout
    assert key(0) not in result.stdout
    assert keyleak("scan", cwd=repo).returncode == ExitCode.CLEAN


def test_what_keyleak_does_not_look_for_is_another_kind_of_secret_and_not_dead(repo: Path) -> None:
    (repo / "other.env").write_text("AWS=1\nTOKEN=2\n")
    git("add", "-A", cwd=repo)
    git("commit", "-qm", "first", cwd=repo)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repo, check=True, capture_output=True, text=True
    ).stdout.strip()
    entries = {
        "other.env:aws-access-token:1": "another kind of secret",
        "gone.env:slack-bot-token:1": "another kind of secret",
        "other.env:generic-api-key:2": "another kind of secret",
        f"{head}:other.env:generic-api-key:2": "another kind of secret",
        "other.env:generic-api-key:9": "dead",
        "gone.env:generic-api-key:1": "dead",
        f"{'0' * 40}:other.env:generic-api-key:1": "dead",
        "other.env:stripe-access-token:1": "dead",
        "old.env:generic-api-key:1": key(0)[:12],
    }
    (repo / ".gitleaksignore").write_text("".join(f"{entry}\n" for entry in entries))
    done = keyleak("baseline", "import", ".gitleaksignore", cwd=repo)
    assert done.returncode == ExitCode.CLEAN
    told = done.stdout.splitlines()
    by_line = sorted(told[:-1], key=lambda each: int(each.split(":")[1]))
    for line, (entry, said) in zip(by_line, entries.items(), strict=True):
        assert f"{entry} is " in line
        assert said in line
    assert "1 keys added, 1 known; 4 entries are dead, 4 of another kind of secret" in told[-1]


def test_types_of_detect_secrets_say_what_keyleak_does_not_look_for(repo: Path) -> None:
    (repo / "other.env").write_text("AWS=1\n")
    results = {
        "other.env": [
            {"type": "AWS Access Key", "hashed_secret": "a" * 40},
            {"type": "Secret Keyword", "hashed_secret": "b" * 40},
            {"type": "Stripe Access Key", "hashed_secret": "c" * 40},
        ],
        "gone.env": [{"type": "Hex High Entropy String", "hashed_secret": "d" * 40}],
    }
    (repo / ".secrets.baseline").write_text(json.dumps({"results": results}))
    done = keyleak("baseline", "import", ".secrets.baseline", cwd=repo)
    assert "2 entries are dead, 2 of another kind of secret" in done.stdout


@pytest.mark.parametrize("history", [False, True])
def test_a_baseline_changes_no_id(repo: Path, history: bool) -> None:
    git("add", "-A", cwd=repo)
    git("commit", "-qm", "first", cwd=repo)
    command = "history" if history else "scan"
    keyleak(command, "--format", "json:../before.json", cwd=repo)
    assert keyleak("baseline", "create", *(["--history"] if history else []), cwd=repo).returncode == 0
    keyleak(command, "--format", "json:../after.json", cwd=repo)
    keyleak(command, "--no-config", "--format", "json:../without.json", cwd=repo)
    before, after, without = (
        [each["id"] for each in json.loads((repo.parent / f"{name}.json").read_text())["findings"]]
        for name in ("before", "after", "without")
    )
    assert before == after == without
    compared = keyleak("report", "diff", "../before.json", "../after.json", cwd=repo)
    assert compared.returncode == ExitCode.CLEAN
    assert "0 new, 0 gone, 0 moved, 1 as before" in compared.stdout
    # Entries and `fix` take the id of either report.
    (repo / ".keyleak.yaml").write_text(f"allow:\n  - {{id: '{before[0]}', reason: x}}\n")
    (repo / BASELINE).unlink()
    assert statuses(repo) == ["allowed"]


def test_a_baseline_with_a_key_of_its_own_is_read_as_ever(repo: Path) -> None:
    from keyleak.decisions.baseline import Baseline, Covers
    from keyleak.secret import Secret

    known = Baseline(b"k" * 32, Covers.FILES)
    secret = Secret(key(0).encode())
    (repo / BASELINE).write_text(known.with_ids([known.id_of(secret)]).text())
    assert statuses(repo) == ["baselined"]
    (repo / "new.env").write_text(f"FLORA_API_KEY={key(1)}\n")
    assert keyleak("baseline", "update", cwd=repo).returncode == ExitCode.CLEAN
    assert statuses(repo) == ["baselined", "baselined"]
    assert (b"k" * 32).hex() in (repo / BASELINE).read_text()

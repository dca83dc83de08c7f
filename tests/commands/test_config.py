"""`keyleak config check`: everything that is wrong with a configuration, each with its line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand
from repositories import new_repository

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    new_repository(tmp_path)
    return tmp_path


def keyleak(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KEYLEAK, *arguments], cwd=folder, capture_output=True, text=True, check=False)


WRONG = """\
allow:
  - path: 'tests\\a.env'
    reason: x
  - path: a//b
  - {rule: no-such-rule, issuer: nobody, reason: x}
  - {id: 0123, reason: x}
  - {reason: x}
severity:
  - {path: ../up, severity: bad, reason: x}
  - {path: ../up, severity: low, reason: x}
baseline: gone.json
rules: [gone]
issuers: [flora, nobody]
inline: maybe
other: 1
"""


def test_everything_that_is_wrong_is_told_with_its_line(repo: Path) -> None:
    (repo / ".keyleak.yaml").write_text(WRONG)
    checked = keyleak(repo, "config", "check")
    assert checked.returncode == ExitCode.INCOMPLETE
    assert checked.stdout == ""
    told = checked.stderr
    for said in (
        ".keyleak.yaml:2: path 'tests\\\\a.env' can never fit: it has '\\\\a'",
        ".keyleak.yaml:4: key 'reason' is missing",
        ".keyleak.yaml:5: no rule is called 'no-such-rule'",
        ".keyleak.yaml:5: no issuer is called 'nobody'",
        ".keyleak.yaml:6: '0123' is no id of a report",
        ".keyleak.yaml:7: an entry names at least one of",
        ".keyleak.yaml:9: 'bad' is none of",
        ".keyleak.yaml:10: path '../up' can never fit: it leads upwards",
        "gone.json: no such baseline",
        "gone: no folder of rule files",
        "issuers: no issuer is called 'nobody'",
        ".keyleak.yaml:14: true or false is expected",
        ".keyleak.yaml:15: unknown key 'other'",
    ):
        assert said in told, told
    assert len(told.splitlines()) == 13
    # Every other command stops at the first of them.
    assert len(keyleak(repo, "scan").stderr.splitlines()) == 1


def test_a_path_that_can_never_fit_is_told_by_every_scan(repo: Path) -> None:
    (repo / "a.env").write_text(f"FLORA_API_KEY={expand('sk_live_${base62:42}', 4)}\n")
    (repo / ".keyleak.yaml").write_text("allow:\n  - {path: '*.{env,txt}', reason: x}\n")
    scanned = keyleak(repo, "scan")
    assert scanned.returncode == ExitCode.FINDINGS
    assert ".keyleak.yaml:2: path '*.{env,txt}' can never fit: it has '{env,txt}'" in scanned.stderr


def test_two_configurations_and_none_are_told(repo: Path) -> None:
    assert "name the file to check" in keyleak(repo, "config", "check").stderr
    (repo / "pyproject.toml").write_text("[tool.keyleak]\ninline = true\n")
    assert keyleak(repo, "config", "check").returncode == ExitCode.CLEAN
    (repo / ".keyleak.yaml").write_text("inline: true\n")
    assert "keep one of them" in keyleak(repo, "config", "check").stderr
    (repo / "pyproject.toml").write_text("[tool.keyleak]\nnothing = true\n")
    (repo / ".keyleak.yaml").unlink()
    assert "pyproject.toml:2: unknown key 'nothing'" in keyleak(repo, "config", "check").stderr


@pytest.mark.parametrize("path", ["fixtures/", "/x/fixtures", "x/**/a.env", "a.env"])
def test_a_path_means_the_same_wherever_keyleak_runs(repo: Path, path: str) -> None:
    (repo / "x" / "fixtures").mkdir(parents=True)
    (repo / "x" / "fixtures" / "a.env").write_text(f"K={expand('sk_live_${base62:42}', 4)}\n")
    (repo / ".keyleak.yaml").write_text(f"allow:\n  - {{path: '{path}', reason: x}}\n")
    for folder, what in (
        (repo, "."),
        (repo / "x", "."),
        (repo / "x", "fixtures"),
        (repo, "x/fixtures/a.env"),
    ):
        assert keyleak(folder, "scan", what).returncode == ExitCode.CLEAN
    # Anchored at the configuration, not at where keyleak runs.
    (repo / ".keyleak.yaml").write_text("allow:\n  - {path: /fixtures, reason: x}\n")
    assert keyleak(repo / "x", "scan").returncode == ExitCode.FINDINGS

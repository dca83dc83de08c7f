"""The runbook: its order, what it knows, its formats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keyleak.cli import main
from keyleak.errors import ExitCode
from keyleak.secret import Secret
from remediation.leaky import KEY, OTHER, assigned
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "work")
    files = {
        "a.env": assigned(),
        "app.py": "os.environ['FLORA_API_KEY']\n",
        "hook.rb": "ENV['FLORA_WEBHOOK_SECRET']\n",
    }
    workflow = {".github/workflows/ci.yml": "env: {FLORA_API_KEY: '${{ secrets.FLORA_API_KEY }}'}\n"}
    commit(repository, {name: text.encode() for name, text in (files | workflow).items()}, "one")
    return repository


def runbook(repository: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, object]:
    assert main(["fix", str(repository), "--format", "json", *more]) == ExitCode.FINDINGS
    said = capsys.readouterr().out
    assert KEY not in said
    (key,) = json.loads(said)["keys"]
    assert isinstance(key, dict)
    return key


def test_order_is_that_of_a_leak(leaking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = runbook(leaking, capsys)["steps"]
    assert isinstance(steps, list)
    starts = [
        "Revoke",
        "Create",
        "Deploy",
        "Make sure",
        "Tell FLORA's support",
        "Rewriting history is optional",
    ]
    assert [
        title.startswith(start) for title, start in zip([s["title"] for s in steps], starts, strict=True)
    ] == [True] * 6
    read = steps[2]["details"]
    assert read[0].startswith("CI or deployment at .github/workflows/ci.yml:1")
    assert "read at app.py:1" in read
    assert "read at hook.rb:1" in read


def test_support_gets_the_request_id_of_our_own_probe(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    main(["history", str(leaking), "--format", f"json:{report}"])
    content = json.loads(report.read_text())
    content["findings"][0]["verification"] |= {
        "verdict": "live",
        "host": "app.flora.ai",
        "request_id": "req_1",
    }
    report.write_text(json.dumps(content))
    note = str(runbook(leaking, capsys, "--report", str(report))["support_note"])
    assert "not abuse: request-id req_1" in note
    assert content["findings"][0]["first_seen"]["commit"] in note


def test_test_key_gets_a_lighter_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = new_repository(tmp_path / "work")
    commit(repository, {"a.env": assigned(OTHER).encode()}, "one")
    key = runbook(repository, capsys)
    steps = key["steps"]
    assert isinstance(steps, list)
    assert len(steps) == 3
    assert key["support_note"] == ""


def test_markdown_is_complete(leaking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fix", str(leaking), "--format", "markdown"]) == ExitCode.FINDINGS
    said = capsys.readouterr().out
    for part in (
        "# Leaked keys",
        "1. Revoke",
        "6. Rewriting history is optional",
        "```sh",
        "contradict each other",
        "COMPROMISED",
    ):
        assert part in said


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_a_key_in_the_name_of_a_file_and_a_ref_is_not_printed(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Its underscores were escaped for Markdown before anything was masked.
    repository = new_repository(tmp_path / "work")
    name = f"conf_{KEY}_a"
    commit(
        repository, {f"{name}/{KEY}.env": assigned(OTHER).encode(), "b.py": b"os.environ['FLORA_API_KEY']"}
    )
    git(repository, "branch", f"fix_{KEY}")
    commit(repository, {f"{name}/{KEY}.env": b"FLORA_API_KEY\n"}, f"use {KEY}")
    id_ = Secret(OTHER.encode()).fingerprint()
    for chosen in ([], ["--id", id_]):
        assert main(["fix", str(repository), "--format", form, *chosen]) == ExitCode.FINDINGS
        said = capsys.readouterr().out
        for key in (KEY, OTHER):
            assert key[12:] not in said.replace("\\", "")

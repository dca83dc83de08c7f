"""The settings in docs/agents.md: each command stops its agent, also where keyleak is not installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.test_protocol import ASSIGNED, tool

PAGE = (Path(__file__).parent.parent.parent / "docs" / "agents.md").read_text(encoding="utf-8")
SAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
PROGRAMS = str(Path(sys.executable).parent)
# What the command line waits for by itself, in seconds.
OWN_LIMIT = 20


def entries(value: Any) -> list[dict[str, Any]]:
    """Every hook of a sample, however deep."""
    if isinstance(value, list):
        return [entry for inner in value for entry in entries(inner)]
    if not isinstance(value, dict):
        return []
    if "command" in value or "bash" in value:
        return [value]
    return [entry for inner in value.values() for entry in entries(inner)]


COMMANDS = sorted({entry.get("command") or entry["bash"] for sample in SAMPLES for entry in entries(sample)})


def started(command: str, path: str, message: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", command],
        input=json.dumps(message), env={"PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def stops(done: subprocess.CompletedProcess[str]) -> bool:
    if done.returncode == 2:
        return True
    return done.returncode == 0 and json.loads(done.stdout or "{}").get("permissionDecision") == "deny"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_sample_imports_nothing_from_the_agent_s_folder(command: str, tmp_path: Path) -> None:
    for name in ("keyleak", "re", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text("import os; open('ran', 'w').close(); os._exit(0)\n")
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        input=json.dumps({**tool("Bash", {"command": ASSIGNED}), "toolName": "bash", "toolArgs": ASSIGNED}),
        cwd=tmp_path, env={"PATH": f"{PROGRAMS}:/usr/bin:/bin", "PYTHONPATH": ":/x", "PYTHONUSERBASE": "."},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 or "deny" in done.stdout
    assert not (tmp_path / "ran").exists()


def test_there_is_a_sample_for_each_agent() -> None:
    clients = {re.search(r"--client ([\w-]+)", command)[1] for command in COMMANDS}  # type: ignore[index]
    assert clients == {"claude-code", "codex", "cursor", "copilot"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_sample_stops_a_key_and_nothing_else(command: str) -> None:
    path = f"{PROGRAMS}:/usr/bin:/bin"
    message = {**tool("Bash", {"command": ASSIGNED}), "toolName": "bash", "toolArgs": ASSIGNED}
    if "copilot" in command:
        del message["hook_event_name"]
    assert stops(started(command, path, message))
    assert not stops(started(command, path, tool("Bash", {"command": "ls"})))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_sample_stops_where_keyleak_is_not_installed(command: str) -> None:
    assert stops(started(command, "/usr/bin:/bin", tool("Bash", {"command": "ls"})))


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_waits_longer_than_keyleak_takes_to_answer(sample: dict[str, Any]) -> None:
    for entry in entries(sample):
        assert entry.get("timeout", entry.get("timeoutSec", 30)) > OWN_LIMIT


def test_cursor_s_sample_covers_writes_and_fails_closed() -> None:
    sample = next(each for each in SAMPLES if "beforeSubmitPrompt" in each["hooks"])
    assert "preToolUse" in sample["hooks"]
    assert all(entry["failClosed"] for entry in entries(sample))

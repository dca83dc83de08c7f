"""Messages as the agents send them, through the real program."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.agents.protocol import Client, allow, read_message, stop
from keyleak.errors import UsageError
from keyleak.rulebook.template import expand

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))
KEY = expand("sk_live_${base62:42}", 11)
ASSIGNED = f"export FLORA_API_KEY={KEY}"
SESSION = {"session_id": "abc", "transcript_path": "/t.jsonl", "cwd": "/w", "permission_mode": "default"}


def agent(client: str, message: object) -> tuple[int, dict[str, Any], str]:
    """Exit code, the answer, and standard error."""
    content = message if isinstance(message, bytes) else json.dumps(message).encode()
    done = subprocess.run(
        [KEYLEAK, "hook", "agent", "--client", client], input=content, capture_output=True, check=False
    )
    assert KEY.encode() not in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout or b"{}"), done.stderr.decode()


def tool(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {**SESSION, "hook_event_name": "PreToolUse", "tool_name": name, "tool_input": given}


TOOLS = {
    "command": tool("Bash", {"command": f"{ASSIGNED} && flora techniques list"}),
    "write": tool("Write", {"file_path": "/w/.env", "content": f"{ASSIGNED}\n"}),
    "edit": tool("Edit", {"file_path": "a.py", "old_string": "x", "new_string": f"FLORA_API_KEY = '{KEY}'"}),
    "mcp config": tool(
        "Write",
        {
            "file_path": "/w/.mcp.json",
            "content": json.dumps({"mcpServers": {"flora": {"env": {"FLORA_API_KEY": KEY}}}}),
        },
    ),
    "mcp call": tool("mcp__flora__generate", {"headers": {"Authorization": f"Bearer {KEY}"}, "url": "https://app.flora.ai/api/v1/models"}),
}  # fmt: skip


@pytest.mark.parametrize("client", ["claude-code", "codex"])
@pytest.mark.parametrize("message", TOOLS.values(), ids=TOOLS)
def test_claude_code_and_codex_are_denied_a_tool(client: str, message: dict[str, Any]) -> None:
    code, answer, errors = agent(client, message)
    assert code == 2
    said = answer["hookSpecificOutput"]
    assert (said["hookEventName"], said["permissionDecision"]) == ("PreToolUse", "deny")
    assert "FLORA" in said["permissionDecisionReason"]
    assert "https://agents.flora.ai/mcp" in said["permissionDecisionReason"]
    assert "agents.flora.ai" in errors


def test_a_prompt_is_blocked() -> None:
    code, answer, _ = agent(
        "claude-code", {**SESSION, "hook_event_name": "UserPromptSubmit", "prompt": ASSIGNED}
    )
    assert (code, answer["decision"]) == (2, "block")
    request = {**TOOLS["command"], "hook_event_name": "PermissionRequest"}
    code, answer, _ = agent("codex", request)
    assert answer["hookSpecificOutput"]["decision"]["behavior"] == "deny"


@pytest.mark.parametrize(
    ("event", "fields", "field", "value"),
    [
        ("beforeShellExecution", {"command": ASSIGNED, "cwd": "/w"}, "permission", "deny"),
        ("beforeMCPExecution", {"tool_input": json.dumps({"FLORA_API_KEY": KEY})}, "permission", "deny"),
        ("beforeReadFile", {"file_path": "/w/.env", "content": ASSIGNED}, "permission", "deny"),
        ("beforeSubmitPrompt", {"prompt": ASSIGNED, "attachments": []}, "continue", False),
    ],
)  # fmt: skip
def test_cursor_is_stopped(event: str, fields: dict[str, Any], field: str, value: object) -> None:
    about = {
        "conversation_id": "c",
        "generation_id": "g",
        "hook_event_name": event,
        "workspace_roots": ["/w"],
    }
    code, answer, _ = agent("cursor", {**about, **fields})
    assert (code, answer[field]) == (2, value)
    assert "agents.flora.ai" in answer["user_message"]


def test_copilot_is_denied_a_tool_and_its_hook_succeeds() -> None:
    message = {"timestamp": 1, "cwd": "/w", "toolName": "bash", "toolArgs": json.dumps({"command": ASSIGNED})}
    code, answer, _ = agent("copilot", message)
    assert (code, answer["permissionDecision"]) == (0, "deny")
    code, answer, _ = agent("copilot", TOOLS["command"])
    assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"


@pytest.mark.parametrize("client", [client.value for client in Client])
def test_what_holds_no_key_goes_on(client: str) -> None:
    for message in (
        tool("Bash", {"command": "ls"}),
        {**SESSION, "hook_event_name": "SessionStart", "source": "startup"},
        {**SESSION, "hook_event_name": "Stop"},
        tool("Edit", {"file_path": "a", "old_string": ASSIGNED, "new_string": "os.environ['FLORA_API_KEY']"}),
        tool("Bash", {"command": "grep sk_live_ -r ."}),
    ):
        code, answer, errors = agent(client, message)
        assert (code, errors) == (0, "")
        assert answer.get("permission", "allow") == "allow"
        assert "deny" not in json.dumps(answer)


@pytest.mark.parametrize("client", [client.value for client in Client])
@pytest.mark.parametrize(
    "message", [b"", b"not json", b"[]", b"null", b"{}", b"\xff\xfe", b'{"hook_event_name": 3}']
)
def test_a_message_that_is_not_understood_is_stopped(client: str, message: bytes) -> None:
    code, answer, errors = agent(client, message)
    # Earlier versions of Copilot ignore the answer of a hook that fails.
    assert code == (0 if client == "copilot" else 2)
    assert "stopped" in errors
    assert re.search("deny|block", json.dumps(answer))


def test_an_event_that_is_not_known_is_no_reason_to_stop() -> None:
    assert agent("claude-code", {**SESSION, "hook_event_name": "SomethingNew", "x": 1})[0] == 0


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    ),
    st.sampled_from(Client),
)
def test_any_message_is_read_or_refused(message: object, client: Client) -> None:
    """Nothing but a clear refusal ever comes of an odd message."""
    try:
        read = read_message(client, json.dumps(message).encode())
    except UsageError:
        return
    assert not allow(read).stops
    assert json.loads(stop(client, read.event, "reason").output)

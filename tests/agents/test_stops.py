"""Whatever becomes of the hook, the agent is stopped; what takes a key away is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from agents.test_protocol import ASSIGNED, KEY, KEYLEAK, SESSION, agent, tool
from keyleak.agents.protocol import Client
from keyleak.commands.in_time import in_time
from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = [client.value for client in Client]
OTHER_KEY = expand("sk_live_${base62:42}", 12)
CLEAN = json.dumps(tool("Bash", {"command": "ls"})).encode()


def denied(client: str, code: int, answer: dict[str, Any]) -> bool:
    """Whether a client takes this for a stop."""
    flat = json.dumps(answer)
    return ('"deny"' in flat or '"block"' in flat) and code == (0 if client == "copilot" else 2)


def started(client: str, *options: str, **streams: Any) -> subprocess.CompletedProcess[bytes]:
    command = [KEYLEAK, "hook", "agent", "--client", client, *options]
    return subprocess.run(command, capture_output="stdout" not in streams, check=False, **streams)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("depth", [100, 500, 5_000, 200_000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_a_message_of_any_depth_is_answered(client: str, depth: int, pair: tuple[str, str]) -> None:
    inner = pair[0] * depth + json.dumps(ASSIGNED) + pair[1] * depth
    message = f'{{"hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": {{"x": {inner}}}}}'
    code, answer, _ = agent(client, message.encode())
    assert denied(client, code, answer)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("message", [CLEAN, json.dumps(tool("Bash", {"command": ASSIGNED})).encode()])
def test_an_answer_that_cannot_be_written_is_a_stop(client: str, message: bytes) -> None:
    closed = f'exec "$0" hook agent --client {client} >&-'
    done = subprocess.run(["sh", "-c", closed, KEYLEAK], input=message, capture_output=True, check=False)
    assert (done.returncode, b"stopped" in done.stderr) == (2, True)
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_that_is_lost_on_its_way_is_a_stop(client: str) -> None:
    message = json.dumps(tool("Bash", {"command": ASSIGNED})).encode()
    with open("/dev/full", "wb") as full:
        done = started(client, input=message, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    reader, writer = os.pipe()
    os.close(reader)
    done = started(client, input=message, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 2


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_that_somebody_throws_away_is_an_answer(client: str) -> None:
    assert started(client, input=CLEAN, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).returncode == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_a_closed_input_is_a_stop(client: str) -> None:
    closed = f'exec "$0" hook agent --client {client} <&-'
    done = subprocess.run(["sh", "-c", closed, KEYLEAK], capture_output=True, check=False)
    assert denied(client, done.returncode, json.loads(done.stdout))


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_not_examined_in_time_is_stopped(client: str) -> None:
    command = [KEYLEAK, "hook", "agent", "--client", client, "--timeout", "0.5"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as hook:
        assert hook.stdin
        assert hook.stdout
        # The message never ends.
        hook.stdin.write(CLEAN[:-1])
        hook.stdin.flush()
        answer = json.loads(hook.stdout.read())
        code = hook.wait()
    assert denied(client, code, answer)


CRASHES = {
    "exception": "raise ZeroDivisionError",
    "exit": "raise SystemExit(0)",
    "interrupt": "raise KeyboardInterrupt",
    "killed": "os.kill(os.getpid(), 9)",
    "recursion": "broken()",
    "memory": "raise MemoryError",
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("crash", CRASHES.values(), ids=CRASHES)
def test_whatever_happens_while_a_message_is_examined_is_a_stop(client: str, crash: str) -> None:
    program = (
        "import os, sys\nfrom keyleak.commands import agent_hook\n"
        f"def broken(*_):\n    {crash}\nagent_hook.read_message = broken\n"
        "from keyleak.cli import main\nsys.exit(main(['hook', 'agent', '--client', sys.argv[1]]))\n"
    )
    command = [sys.executable, "-c", program, client]
    done = subprocess.run(command, input=CLEAN, capture_output=True, check=False)
    assert denied(client, done.returncode, json.loads(done.stdout)), done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_not_read_whole_is_a_stop(client: str) -> None:
    program = (
        "import sys\nfrom keyleak.coverage import Gap\nfrom keyleak.sources import inspector\n"
        "found = inspector.Inspection(gaps=(Gap('this', 'is too long'),))\n"
        "inspector.Inspector.inspect = lambda *_: found\n"
        "from keyleak.cli import main\nsys.exit(main(['hook', 'agent', '--client', sys.argv[1]]))\n"
    )
    command = [sys.executable, "-c", program, client]
    done = subprocess.run(command, input=CLEAN, capture_output=True, check=False)
    assert denied(client, done.returncode, json.loads(done.stdout)), done.stderr
    assert b"too long" in done.stderr


def test_work_gives_its_whole_answer_or_none() -> None:
    content = bytes(range(256)) * 1_000
    assert in_time(lambda: content, 60) == content
    assert in_time(lambda: b"", 60) == b""

    def fail() -> bytes:
        raise ValueError

    def die() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    def hang() -> bytes:
        signal.pause()
        return b""

    assert [in_time(work, 60) for work in (die,)] == [None]
    assert in_time(hang, 0.01) is None


EDIT = {"file_path": "a.py", "old_string": f"a = '{KEY}'\n", "new_string": "a = environ['FLORA_API_KEY']\n"}
CHANGE = f"@@\n-FLORA_API_KEY = '{KEY}'\n+FLORA_API_KEY = None\n"
PATCH = f"*** Begin Patch\n*** Update File: a.py\n{CHANGE}*** End Patch\n"
TWO = {**EDIT, "old_string": f"{ASSIGNED}\n{OTHER_KEY}\n", "new_string": f"{ASSIGNED}\n"}
OF_COPILOT = {"path": "a", "old_str": ASSIGNED, "new_str": ""}
NEW_FILE = f"*** Begin Patch\n*** Add File: .env\n+{ASSIGNED}\n*** End Patch\n"
REMOVALS = {
    "edit": tool("Edit", EDIT),
    "several edits": tool("MultiEdit", {"file_path": "a.py", "edits": [EDIT, EDIT]}),
    "a line that stays": tool("Edit", {**EDIT, "new_string": f"a = '{KEY}'  # rotate\n"}),
    "one of two": tool("Edit", TWO),
    "patch": tool("apply_patch", {"command": PATCH}),
    "patch by a command": tool("Bash", {"command": f"apply_patch <<'EOF'\n{PATCH}EOF\n"}),
    "patch around": tool("apply_patch", {"command": PATCH.replace("@@\n-", f"@@\n {ASSIGNED}\n-")}),
    "Copilot": {"toolName": "edit", "toolArgs": json.dumps(OF_COPILOT)},
    "Copilot, parsed": {"toolName": "str_replace", "toolArgs": OF_COPILOT},
    "VS Code": tool(
        "multi_replace_string_in_file", {"replacements": [{"oldString": ASSIGNED, "newString": "x"}]}
    ),
    "Cursor": {**tool("StrReplace", {"path": "a", "old_string": ASSIGNED}), "hook_event_name": "preToolUse"},
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("message", REMOVALS.values(), ids=REMOVALS)
def test_removing_a_key_is_never_stopped(client: str, message: dict[str, Any]) -> None:
    code, answer, errors = agent(client, {**SESSION, **message})
    assert (code, errors) == (0, "")
    assert "deny" not in json.dumps(answer)


ADDITIONS = {
    "old_string of a command": tool("Bash", {"old_string": ASSIGNED, "command": "ls"}),
    "old_text of a server": tool("mcp__files__edit_file", {"edits": [{"old_text": ASSIGNED}]}),
    "another key": tool("Edit", {**EDIT, "new_string": f"FLORA_API_KEY = '{OTHER_KEY}'\n"}),
    "old_string that is no text": tool("Edit", {**EDIT, "old_string": {"x": ASSIGNED}}),
    "a patch that is written into a file": tool("Edit", {**EDIT, "old_string": "x", "new_string": PATCH}),
    "patch": tool("apply_patch", {"command": NEW_FILE}),
    "a patch into a file": tool("Bash", {"command": f"cat > .env <<'EOF'\n{PATCH}EOF\n"}),
    "a patch and more": tool("Bash", {"command": f"apply_patch <<'EOF'\n{PATCH}EOF\n{ASSIGNED}\n"}),
    "a patch that the shell reads": tool("Bash", {"command": f"apply_patch <<EOF\n{PATCH}EOF\n"}),
    "Copilot": {"toolName": "create", "toolArgs": json.dumps({"path": "a", "old_str": ASSIGNED})},
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("message", ADDITIONS.values(), ids=ADDITIONS)
def test_only_what_an_edit_takes_away_is_left_out(client: str, message: dict[str, Any]) -> None:
    code, answer, _ = agent(client, {**SESSION, **message})
    assert denied(client, code, answer)


READS = {
    "Claude Code": tool("Read", {"file_path": "k.env"}),
    "Cursor": {"hook_event_name": "preToolUse", "tool_name": "Read", "tool_input": {"path": "k.env"}},
    "Cursor's own event": {"hook_event_name": "beforeReadFile", "file_path": "k.env", "content": ASSIGNED},
    "Copilot": {"toolName": "view", "toolArgs": '{"path": "k.env"}'},
    "VS Code": tool("read_file", {"filePath": "k.env"}),
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("message", READS.values(), ids=READS)
def test_reading_a_file_with_a_key_is_named_as_that(
    client: str, message: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "k.env").write_text(ASSIGNED)
    code, answer, errors = agent(client, {**message, "cwd": str(tmp_path)})
    assert denied(client, code, answer)
    assert "Reading" in errors
    assert "k.env into the conversation was stopped: it holds a FLORA key" in errors


@pytest.mark.parametrize("client", CLIENTS)
def test_a_file_without_a_key_or_none_at_all_can_be_read(client: str, tmp_path: Path) -> None:
    (tmp_path / "clean.env").write_text("FLORA_API_KEY=\n")
    os.mkfifo(tmp_path / "pipe")
    for name in ("clean.env", "absent", "pipe", "."):
        message = tool("Read", {"file_path": str(tmp_path / name)})
        code, answer, _ = agent(client, message)
        assert code == 0
        assert "deny" not in json.dumps(answer)


@pytest.mark.parametrize("client", CLIENTS)
def test_writing_a_file_anew_without_one_of_its_keys_is_no_addition(client: str, tmp_path: Path) -> None:
    (tmp_path / "k.env").write_text(f"{ASSIGNED}\nexport SECOND_FLORA_API_KEY={OTHER_KEY}\n")
    given = {"file_path": "k.env", "content": f"{ASSIGNED}\n"}
    message = {**tool("Write", given), "cwd": str(tmp_path)}
    code, answer, _ = agent(client, message)
    assert code == 0
    assert "deny" not in json.dumps(answer)
    code, answer, _ = agent(client, {**message, "tool_input": {**given, "file_path": "other.env"}})
    assert denied(client, code, answer)

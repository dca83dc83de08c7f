"""The hook protocols of coding agents: a JSON message in, what it would do, an answer out.

Claude Code and Codex share one protocol (`PreToolUse`, `UserPromptSubmit`; `hookSpecificOutput` or exit code
2 stops). Cursor names its events `beforeShellExecution` and so on and reads `permission` or `continue`.
Copilot's command line and cloud agent send `preToolUse` with `toolArgs` and read `permissionDecision`; in
VS Code it speaks as Claude Code does. Sources: the hook references of the four, as of November 2026.

All four go on where a hook takes longer than its time limit, most also where it fails: only an answer stops
them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from keyleak.agents.tools import files_read, files_replaced, parsed, split_edit
from keyleak.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Client(Enum):
    """The agents whose protocol is known."""

    CLAUDE_CODE = "claude-code"
    CURSOR = "cursor"
    CODEX = "codex"
    COPILOT = "copilot"


class Act(Enum):
    """What an agent is about to do."""

    PROMPT = "prompt"
    """A person's words go to the model."""
    TOOL = "tool"
    """A command, a file write, a call of a server."""
    READ = "read"
    """A file's content goes to the model."""
    OTHER = "other"
    """Nothing that could be stopped: it happened, or a session begins or ends."""


_ACTS: Final[Mapping[str, Act]] = {
    "UserPromptSubmit": Act.PROMPT,
    "PreToolUse": Act.TOOL,
    "PermissionRequest": Act.TOOL,
    "beforeSubmitPrompt": Act.PROMPT,
    "beforeShellExecution": Act.TOOL,
    "beforeMCPExecution": Act.TOOL,
    "beforeReadFile": Act.READ,
    "beforeTabFileRead": Act.READ,
    "userPromptSubmitted": Act.PROMPT,
    "preToolUse": Act.TOOL,
}
# About the session, not about what is done; a transcript's path or an address is nothing to stop for.
_ABOUT: Final = frozenset(
    {
        *("hook_event_name", "hookEventName", "session_id", "sessionId", "conversation_id", "generation_id"),
        *("transcript_path", "transcriptPath", "cwd", "workspace_roots", "user_email", "model", "timestamp"),
        *("cursor_version", "permission_mode", "tool_use_id", "turn_id", "source"),
    }
)


@dataclass(frozen=True, slots=True)
class Message:
    """What an agent asks about."""

    client: Client
    event: str
    """The event in the client's own word."""
    act: Act
    texts: tuple[str, ...]
    """Everything in it that would be sent, run or written: each text, and each part as it is nested."""
    removed: tuple[str, ...] = ()
    """What an edit takes away or leaves as it is: a key in it is in the file already."""
    reads: tuple[str, ...] = ()
    """Files whose content would go to the model."""
    replaces: tuple[str, ...] = ()
    """Files whose whole content would be another."""


def read_message(client: Client, content: bytes) -> Message:
    """A message from standard input.

    Raises:
        UsageError: it is no message that the client is known to send; the caller stops what it is about.
    """
    try:
        said = json.loads(content)
        if not isinstance(said, dict):
            raise UsageError(f"what {client.value} sent is no object, so it is stopped")
        return _message(client, said)
    except RecursionError as error:
        raise UsageError(
            f"what {client.value} sent is nested too deeply to be read, so it is stopped"
        ) from error
    except ValueError as error:
        raise UsageError(f"what {client.value} sent is not JSON ({error}), so it is stopped") from error


def _message(client: Client, said: Mapping[str, Any]) -> Message:
    event = said.get("hook_event_name") or said.get("hookEventName") or _event_by_content(said)
    if not isinstance(event, str):
        raise UsageError(f"{client.value} did not say what it is about to do, so it is stopped")
    about = {name: value for name, value in said.items() if name not in _ABOUT}
    act, tool = _ACTS.get(event, Act.OTHER), said.get("tool_name") or said.get("toolName")
    removed: list[str] = []
    reads: list[str] = []
    replaces: list[str] = []
    for field in ("tool_input", "toolArgs"):
        if isinstance(tool, str) and field in about:
            given = parsed(about[field])
            reads += files_read(tool, given)
            replaces += files_replaced(tool, given)
            about[field], taken = split_edit(tool, given)
            removed += taken
    if act is Act.READ:
        reads = [path for path in (about.get("file_path"),) if isinstance(path, str)]
    elif act is Act.TOOL and reads:
        act = Act.READ
    where = said.get("cwd")
    folder = where if isinstance(where, str) else ""
    files, replaced = (tuple(os.path.join(folder, path) for path in paths) for paths in (reads, replaces))
    return Message(client, event, act, tuple(_texts(about)), tuple(removed), files, replaced)


def _event_by_content(said: Mapping[str, Any]) -> str | None:
    """Copilot's command line does not name the event; each has fields of its own."""
    if "toolName" in said or "toolArgs" in said:
        return "postToolUse" if "toolResult" in said else "preToolUse"
    if isinstance(said.get("prompt"), str):
        return "userPromptSubmitted"
    if said.keys() & {"reason", "error", "initialPrompt", "finalMessage"}:
        return "session"
    return None


def _texts(about: Mapping[str, Any]) -> Iterator[str]:
    """Names stay with their values, for a name says whose a key is."""
    yield json.dumps(about, ensure_ascii=False, indent=1)
    yield from _strings(about)


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            waiting += [*inner.keys(), *inner.values()]
        elif isinstance(inner, list):
            waiting += inner


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client reads."""

    output: str
    """For standard output."""
    stops: bool
    """Whether it is asked to stop; the exit code then says so too, where the client takes it."""


def allow(message: Message) -> Answer:
    """Go on."""
    said: dict[str, Any] = {}
    if message.client is Client.CURSOR and message.act is not Act.OTHER:
        said = {"continue": True} if message.act is Act.PROMPT else {"permission": "allow"}
    return Answer(json.dumps(said) if said else "", stops=False)


def stop(client: Client, event: str, reason: str) -> Answer:
    """Stop, with the reason for the person and the agent.

    Args:
        client: who asks.
        event: the event in its word, or "" where the message was not understood.
        reason: words without any key.
    """
    if client is Client.CURSOR:
        said: dict[str, Any] = {"user_message": reason, "agent_message": reason}
        said |= {"continue": False} if _ACTS.get(event) is Act.PROMPT else {"permission": "deny"}
        if not event:
            said["continue"] = False
    elif event == "PermissionRequest":
        decision = {"behavior": "deny", "message": reason}
        said = {"hookSpecificOutput": {"hookEventName": event, "decision": decision}}
    elif event == "PreToolUse":
        denied = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        said = {"hookSpecificOutput": {"hookEventName": event, **denied}}
    elif client is Client.COPILOT:
        said = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        if not event:
            # In VS Code it reads this; each reads its own.
            inner = {"hookEventName": "PreToolUse", **said}
            said |= {"hookSpecificOutput": inner, "decision": "block", "reason": reason}
    else:
        said = {"decision": "block", "reason": reason}
    return Answer(json.dumps(said), stops=True)

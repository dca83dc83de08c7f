"""The hook protocols of coding agents: a JSON message in, what it would do, an answer out.

Claude Code and Codex share one protocol (`PreToolUse`, `UserPromptSubmit`; `hookSpecificOutput` or exit code
2 stops). Cursor names its events `beforeShellExecution` and so on and reads `permission` or `continue`.
Copilot's command line and cloud agent send `preToolUse` with `toolArgs` and read `permissionDecision`; in
VS Code it speaks as Claude Code does. Sources: the hook references of the four, as of autumn 2026.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

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
# What an edit takes away: a key in it is on its way out of the file.
_TAKEN_AWAY: Final = frozenset({"old_string", "oldString", "old_str", "oldText", "old_text"})


@dataclass(frozen=True, slots=True)
class Message:
    """What an agent asks about."""

    client: Client
    event: str
    """The event in the client's own word."""
    act: Act
    texts: tuple[str, ...]
    """Everything in it that would be sent, run or written: each text, and each part as it is nested."""


def read_message(client: Client, content: bytes) -> Message:
    """A message from standard input.

    Raises:
        UsageError: it is no message that the client is known to send; the caller stops what it is about.
    """
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"what {client.value} sent is not JSON ({error}), so it is stopped") from error
    if not isinstance(said, dict):
        raise UsageError(f"what {client.value} sent is no object, so it is stopped")
    event = said.get("hook_event_name") or said.get("hookEventName") or _event_by_content(said)
    if not isinstance(event, str):
        raise UsageError(f"{client.value} did not say what it is about to do, so it is stopped")
    about = {name: value for name, value in said.items() if name not in _ABOUT}
    return Message(client, event, _ACTS.get(event, Act.OTHER), tuple(_texts(about)))


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
    """Names stay beside their values, for a name says whose a key is."""
    kept = _without_taken(about)
    yield json.dumps(kept, ensure_ascii=False, indent=1)
    yield from _strings(kept)


def _without_taken(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_taken(inner) for name, inner in value.items() if name not in _TAKEN_AWAY}
    if isinstance(value, list):
        return [_without_taken(inner) for inner in value]
    return value


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
    else:
        said = {"decision": "block", "reason": reason}
    return Answer(json.dumps(said, ensure_ascii=False), stops=True)

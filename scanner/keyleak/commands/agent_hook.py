"""`keyleak hook agent`: what a coding agent is about to send, run or write, examined before it does.

Agents go on where their hook crashes, answers nothing or takes longer than they wait. So the work is done in
a process of its own, and whatever becomes of that, this one answers in time: "deny", unless all was clean.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Final

from keyleak.agents.protocol import Act, Client, allow, read_message, stop
from keyleak.commands.in_time import in_time
from keyleak.commands.options import ReportOptions, checked_rulebook, inspector_for
from keyleak.errors import ExitCode, KeyleakError
from keyleak.findings import LocationKind, Severity
from keyleak.grouping import group_by_secret
from keyleak.key_shapes import masked_message
from keyleak.records import dataclass
from keyleak.sources.inspector import Place
from keyleak.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from keyleak.agents.protocol import Message
    from keyleak.commands.console import Console
    from keyleak.coverage import Gap
    from keyleak.findings import Finding, Sighting
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.inspector import Inspector

_DOING: Final = {Act.PROMPT: "This prompt", Act.TOOL: "What the agent was about to do"}
_INSTEAD: Final = "Leave the key out: name the environment variable or the secrets manager that holds it."
_AFTER: Final = "If it was ever sent or shared, rotate it."
_REMOVING: Final = "To remove the key, replace its line by a command that names the variable, not the value."


@dataclass(frozen=True, slots=True)
class AgentCall:
    """One start of the hook."""

    client: Client
    options: ReportOptions
    console: Console
    guarded: Callable[[Callable[[], object]], ExitCode]
    """Runs something and reports a crash of it, safe to paste."""
    seconds: float
    """How long the answer may take."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is to say of a message."""

    findings: list[Finding]
    gaps: list[Gap]


def agent_hook(call: AgentCall) -> ExitCode:
    """Answer an agent; a message that is not understood or not examined in time stops what it is about."""
    # What was closed at the start is `None` here, whatever has taken its place since.
    if sys.__stdout__ is None:
        return _denied(call, "", "standard output is closed, so this was stopped: nobody hears an answer")
    verdict = in_time(lambda: _verdict(call), call.seconds)
    if verdict is None:
        reason = (
            f"keyleak did not end within {call.seconds:g} seconds, or failed, so this was stopped: it may"
            " hold a key. Send less at once, or report the failure."
        )
        return _denied(call, stop(call.client, "", reason).output, reason)
    reason, output = json.loads(verdict)
    if reason:
        return _denied(call, output, reason)
    return ExitCode.CLEAN if _written(output) else _denied(call, "", "the answer cannot be written")


def _denied(call: AgentCall, output: str, reason: str) -> ExitCode:
    call.console.error(reason)
    answered = bool(output) and _written(output)
    # Earlier versions of Copilot ignore the answer of a hook that fails; for the others 2 is what stops.
    return ExitCode.CLEAN if answered and call.client is Client.COPILOT else ExitCode.INCOMPLETE


def _written(output: str) -> bool:
    """Whether the client got an answer; an empty one is none."""
    if not output:
        return True
    try:
        sys.stdout.write(output + "\n")
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        # What the buffer still holds would be written once more at the end, and fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return False
    return True


def _verdict(call: AgentCall) -> bytes:
    """The reason to stop, empty where there is none, and the answer, as JSON."""
    said: list[tuple[str, str]] = []
    code = call.guarded(lambda: said.append(_judged(call)))
    if not said:
        reason = f"keyleak failed ({code.name.lower()}), so this was stopped: it may hold a key"
        said.append((reason, stop(call.client, "", reason).output))
    return json.dumps(said[0]).encode()


def _judged(call: AgentCall) -> tuple[str, str]:
    try:
        rulebook = checked_rulebook(call.options)
        message = read_message(call.client, sys.stdin.buffer.read())
        found = _found(message, rulebook, call.options)
    except KeyleakError as error:
        reason = masked_message(str(error))
        return reason, stop(call.client, "", reason).output
    reason = _reason(message, found, rulebook)
    return reason, (stop(call.client, message.event, reason) if reason else allow(message)).output


def _found(message: Message, rulebook: Rulebook, options: ReportOptions) -> _Found:
    if message.act is Act.OTHER:
        return _Found([], [])
    inspector = inspector_for(rulebook, options)
    sightings, gaps = _examined(message.texts, inspector)
    in_files, unread = _in_files(message.reads, inspector)
    sightings, gaps = [*sightings, *in_files], [*gaps, *unread]
    found = [each for each in group_by_secret(sightings) if each.severity is not Severity.NOTE]
    if found and (message.removed or message.replaces):
        before = [*_examined(message.removed, inspector)[0], *_in_files(message.replaces, inspector)[0]]
        in_the_file = {each.secret for each in group_by_secret(before)}
        found = [finding for finding in found if finding.secret not in in_the_file]
    return _Found(found, gaps)


def _examined(texts: Iterable[str], inspector: Inspector) -> tuple[list[Sighting], list[Gap]]:
    place = Place(LocationKind.STDIN, None)
    inspections = [inspector.inspect(text.encode("utf-8", "surrogatepass"), place) for text in texts]
    return (
        [sighting for each in inspections for sighting in each.sightings],
        [gap for each in inspections for gap in each.gaps],
    )


def _in_files(paths: Iterable[str], inspector: Inspector) -> tuple[list[Sighting], list[Gap]]:
    """The keys in those of some files that are there, and what could not be read of them."""
    sightings: list[Sighting] = []
    gaps: list[Gap] = []
    for path in filter(os.path.isfile, paths):
        from keyleak.sources.reading import Reader  # noqa: PLC0415 - few messages are about a file

        result = Reader(inspector).read_file(path)
        sightings += result.sightings
        gaps += result.gaps
    return sightings, gaps


def _reason(message: Message, found: _Found, rulebook: Rulebook) -> str:
    """Why a message is stopped; empty where it is not."""
    if not found.findings:
        # What was not read may hold a key.
        unread = "; ".join(dict.fromkeys(f"{gap.what}: {gap.reason}" for gap in found.gaps))
        return f"{_what(message)} was stopped: it cannot be examined whole ({unread})." if unread else ""
    keys = ", ".join(f"{_whose(finding, rulebook)} key {finding.secret}" for finding in found.findings)
    advice = dict.fromkeys(
        issuer.runbook.agents
        for finding in found.findings
        if (issuer := rulebook.issuer(finding.issuer or "")) and issuer.runbook and issuer.runbook.agents
    )
    last = [_REMOVING] if message.act is Act.READ else []
    said = [f"{_what(message)} was stopped: it holds {keys}.", *(advice or [_INSTEAD]), *last, _AFTER]
    return " ".join(text for text in said if text)


def _what(message: Message) -> str:
    if message.act is not Act.READ:
        return _DOING[message.act]
    names = ", ".join(printable(masked_message(path)) for path in message.reads)
    return f"Reading {names or 'a file'} into the conversation"


def _whose(finding: Finding, rulebook: Rulebook) -> str:
    issuer = rulebook.issuer(finding.issuer or "")
    return f"a {issuer.name}" if issuer else "a"

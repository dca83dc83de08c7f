"""`keyleak hook agent`: what a coding agent is about to send, run or write, looked at before it does."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.agents.protocol import Act, Answer, Client, allow, read_message, stop
from keyleak.commands.options import ReportOptions, checked_rulebook, inspector_for
from keyleak.errors import ExitCode, KeyleakError
from keyleak.findings import LocationKind, Severity
from keyleak.grouping import group_by_secret
from keyleak.sources.inspector import Place

if TYPE_CHECKING:
    from keyleak.agents.protocol import Message
    from keyleak.commands.console import Console
    from keyleak.findings import Finding
    from keyleak.rulebook.model import Rulebook

_DOING: Final = {
    Act.PROMPT: "This prompt",
    Act.TOOL: "What the agent was about to do",
    Act.READ: "The file that the agent was about to read",
}
_INSTEAD: Final = "Leave the key out: name the environment variable or the secrets manager that holds it."
_AFTER: Final = "If it was ever sent or written, revoke it."


@dataclass(frozen=True, slots=True)
class AgentCall:
    """One start of the hook."""

    client: Client
    message: bytes
    """What stands on standard input."""
    options: ReportOptions
    console: Console


def agent_hook(call: AgentCall) -> ExitCode:
    """Answer an agent.

    A message that is not understood, or any failure to look at it, stops what it is about.

    Raises:
        KeyleakError: the rules or the configuration are wrong; the client was told to stop.
    """
    try:
        rulebook = checked_rulebook(call.options)
        message = read_message(call.client, call.message)
        findings = _findings(message, rulebook, call.options)
    except KeyleakError as error:
        _say(stop(call.client, "", str(error)))
        raise
    if not findings:
        _say(allow(message))
        return ExitCode.CLEAN
    reason = _reason(message, findings, rulebook)
    call.console.error(reason)
    _say(stop(call.client, message.event, reason))
    # Copilot ignores the answer of a hook that fails; for the others 2 is how a hook stops things.
    return ExitCode.CLEAN if call.client is Client.COPILOT else ExitCode.INCOMPLETE


def _findings(message: Message, rulebook: Rulebook, options: ReportOptions) -> list[Finding]:
    if message.act is Act.OTHER:
        return []
    inspector = inspector_for(rulebook, options)
    place = Place(LocationKind.STDIN, None)
    inspections = [inspector.inspect(text.encode("utf-8", "surrogatepass"), place) for text in message.texts]
    found = group_by_secret(sighting for each in inspections for sighting in each.sightings)
    return [finding for finding in found if finding.severity is not Severity.NOTE]


def _reason(message: Message, findings: list[Finding], rulebook: Rulebook) -> str:
    keys = ", ".join(f"{_whose(finding, rulebook)} key {finding.secret}" for finding in findings)
    advice = dict.fromkeys(
        issuer.runbook.agents
        for finding in findings
        if (issuer := rulebook.issuer(finding.issuer or "")) and issuer.runbook and issuer.runbook.agents
    )
    said = [f"{_DOING[message.act]} was stopped: it holds {keys}.", *(advice or [_INSTEAD]), _AFTER]
    return " ".join(text for text in said if text)


def _whose(finding: Finding, rulebook: Rulebook) -> str:
    issuer = rulebook.issuer(finding.issuer or "")
    return f"a {issuer.name}" if issuer else "a"


def _say(answer: Answer) -> None:
    if answer.output:
        print(answer.output, file=sys.stdout, flush=True)  # noqa: T201 - the client reads it

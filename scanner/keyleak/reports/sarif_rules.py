"""The rules of a SARIF log.

GitHub reads the severity of an alert from its rule, while keyleak's depends on the environment and the place
too. So a rule stands once for each severity: under its own id for the worst it can have, and as `ID/SEVERITY`
for the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from keyleak.findings import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyleak.findings import Finding
    from keyleak.reports.wording import Wording
    from keyleak.rulebook.model import Issuer, KeyRule, Rulebook

HELP: Final = (
    "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/"
    "removing-sensitive-data-from-a-repository"
)
LEVELS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NOTE: "note",
}
# GitHub: over 9.0 is critical, from 7.0 high, from 4.0 medium, below low.
_SCORES: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.NOTE: "0.1",
}
PRECISIONS: Final[Mapping[Confidence, str]] = {
    Confidence.HIGH: "very-high",
    Confidence.MEDIUM: "high",
    Confidence.LOW: "medium",
    Confidence.NONE: "medium",
}
_TAGS: Final = ("security", "secret", "external/cwe/cwe-798", "external/cwe/cwe-312")


class SarifRules:
    """The rules that a log lists, and which of them a finding is of."""

    def __init__(self, rulebook: Rulebook, wording: Wording, findings: Iterable[Finding]) -> None:
        self._rulebook = rulebook
        self._wording = wording
        self._worst = {rule.id: min(rule.severity.values(), key=_rank) for rule in rulebook.keys}
        listed = dict.fromkeys((rule.id, self._worst[rule.id]) for rule in rulebook.keys)
        listed.update(dict.fromkeys((finding.rule, finding.severity) for finding in findings))
        self._descriptors = [self._descriptor(rule, severity) for rule, severity in listed]
        self._index = {each["id"]: index for index, each in enumerate(self._descriptors)}

    def descriptors(self) -> list[dict[str, Any]]:
        """The array `rules`."""
        return self._descriptors

    def reference(self, finding: Finding) -> tuple[str, int]:
        """The id and the index of a finding's rule."""
        identity = self._identity(finding.rule, finding.severity)
        return identity, self._index[identity]

    def _identity(self, rule: str, severity: Severity) -> str:
        shown = self._wording.clean(rule)
        return shown if self._worst.get(rule, severity) is severity else f"{shown}/{severity.value}"

    def _descriptor(self, rule: str, severity: Severity) -> dict[str, Any]:
        key = next((key for key in self._rulebook.keys if key.id == rule), None)
        issuer = self._rulebook.issuer(key.issuer) if key else None
        description = self._wording.description(rule).rstrip(".")
        return {
            "id": self._identity(rule, severity),
            "name": "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", rule)) or "Key",
            "shortDescription": {"text": f"{_title(issuer)} leaked."},
            "fullDescription": {"text": f"{description}."},
            "help": _help(key, issuer),
            "helpUri": _page(issuer),
            "defaultConfiguration": {"level": LEVELS[severity]},
            "properties": {
                "tags": [*_TAGS, *([f"issuer/{issuer.issuer}"] if issuer else [])],
                "precision": "very-high" if issuer and not issuer.anonymous else "high",
                "security-severity": _SCORES[severity],
                "problem.severity": {"error": "error", "warning": "warning"}.get(
                    LEVELS[severity], "recommendation"
                ),
            },
        }


def _rank(severity: Severity) -> int:
    return severity.rank


def _title(issuer: Issuer | None) -> str:
    return f"{issuer.name} key" if issuer and not issuer.anonymous else "Key of an unknown issuer"


def _page(issuer: Issuer | None) -> str:
    return issuer.docs if issuer and issuer.docs.startswith("https://") else HELP


def _help(key: KeyRule | None, issuer: Issuer | None) -> dict[str, str]:
    what = f"{key.description}." if key else "A key of the sk_live_ family."
    runbook = issuer.runbook if issuer else None
    steps = list(runbook.rotate) if runbook else ["Revoke the key where it was made, and make a new one."]
    notes = list(runbook.notes) if runbook else []
    url = runbook.revoke_url if runbook and runbook.revoke_url.startswith("https://") else ""
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    revoke = [f"Revoke it at {url}"] if url else []
    markdown = [f"**{what}**", "", *numbered, *(["", f"[Revoke it here]({url})"] if url else [])]
    markdown += ["", *(f"- {note}" for note in notes)] if notes else []
    return {"text": "\n".join([what, *numbered, *revoke, *notes]), "markdown": "\n".join(markdown)}

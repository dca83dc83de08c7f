"""The JSON that gitleaks 8 writes, so that dashboards and DefectDojo, which read it, read ours.

One entry for each place, as there. `Secret` and `Match` are redacted; author, address and message stay empty,
for a report holds nothing that people wrote. `Fingerprint` is the finding's id with its place: gitleaks' own
form, `commit:file:rule:line`, changes with every line that moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyleak.reports.json_text import spread
from keyleak.reports.wording import Wording

if TYPE_CHECKING:
    from keyleak.findings import Finding, Location
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report


def render(report: Report, presentation: Presentation) -> str:
    """Findings that count, in the form of gitleaks; allowed and baselined ones are left out, as there."""
    wording = Wording(presentation)
    entries = [_entry(finding, place, wording) for finding in report.leaks() for place in finding.locations]
    return spread(entries, 1) + "\n"


def _entry(finding: Finding, place: Location, wording: Wording) -> dict[str, Any]:
    secret = wording.secret(finding)
    path = wording.clean(place.path) if place.path else place.kind.value
    file = "!".join((path, *(wording.clean(name) for name in place.container)))
    first = finding.first_seen
    dated = first is not None and first.commit == place.commit
    return {
        "RuleID": wording.clean(finding.rule),
        "Description": f"{wording.title(finding)}: {wording.description(finding.rule)}",
        "StartLine": place.line,
        "EndLine": place.line,
        "StartColumn": place.column,
        "EndColumn": place.column,
        "Match": secret,
        "Secret": secret,
        "File": file,
        "SymlinkFile": "",
        "Commit": wording.clean(place.commit or ""),
        "Entropy": 0,
        "Author": "",
        "Email": "",
        "Date": wording.clean(first.date or "") if first and dated else "",
        "Message": "",
        "Tags": _tags(finding, place, wording),
        "Fingerprint": f"{finding.id}:{file}:{wording.clean(finding.rule)}",
    }


def _tags(finding: Finding, place: Location, wording: Wording) -> list[str]:
    tags = [f"severity:{finding.severity.value}", f"environment:{finding.environment.value}"]
    tags += [f"issuer:{finding.issuer}"] if finding.issuer else []
    tags += [] if finding.at_head is None else ["at-head" if finding.at_head else "history-only"]
    tags += [f"decoded:{wording.clean(step)}" for step in place.decoded]
    return [*tags, *(wording.clean(word) for word in finding.exposure)]

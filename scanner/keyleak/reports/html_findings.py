"""What the script of the HTML page lists: each finding in words, once and short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyleak.findings import AttributionVerdict, LocationKind, Status, VerificationVerdict
from keyleak.reports.wording import Wording, days, is_leak

if TYPE_CHECKING:
    from keyleak.findings import Finding
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report, Scan


_WITH_EXCERPT: Final = frozenset(
    {LocationKind.FILE, LocationKind.INDEX, LocationKind.BLOB, LocationKind.STASH, LocationKind.STDIN}
)


def listed_findings(report: Report, presentation: Presentation) -> list[dict[str, Any]]:
    """Every finding, those that count first."""
    wording = Wording(presentation)
    ordered = sorted(report.findings, key=lambda finding: not is_leak(finding))
    return [_listed(finding, wording, report.scan) for finding in ordered]


def listed_runbooks(report: Report, presentation: Presentation) -> dict[str, dict[str, Any]]:
    """The steps of every issuer, which its findings name."""
    wording = Wording(presentation)
    by_key = {wording.advice_key(finding): wording.advice(finding) for finding in report.findings}
    return {key: {"steps": list(advice.steps), "url": advice.url} for key, advice in by_key.items()}


def states(finding: Finding) -> list[str]:
    """What it can be filtered by."""
    if not is_leak(finding):
        return ["note" if finding.status is Status.NEW else finding.status.value]
    found = ["leaked"]
    if finding.at_head is not None:
        found.append("still at HEAD" if finding.at_head else "only in history")
    verdict = finding.verification.verdict
    if verdict is not VerificationVerdict.NOT_CHECKED:
        found.append(f"asked: {verdict.value}")
    return found


def _listed(finding: Finding, wording: Wording, scan: Scan) -> dict[str, Any]:
    attribution = finding.attribution
    sure = attribution.verdict is AttributionVerdict.ATTRIBUTED
    return {
        "id": finding.id,
        "counts": is_leak(finding),
        "severity": finding.severity.value,
        "title": wording.title(finding),
        "whose": wording.whose(finding),
        "confidence": attribution.confidence.value if sure else "",
        "secret": wording.secret(finding),
        "evidence": wording.evidence(finding),
        "places": _places(finding, wording, scan),
        "first": wording.first_seen(finding),
        "head": wording.at_head(finding),
        "days": finding.age_days,
        "age": "" if finding.age_days is None else days(finding.age_days),
        "state": _state(finding),
        "states": states(finding),
        "status": wording.status(finding),
        "exposure": wording.practices(finding),
        "checked": wording.verification(finding),
        "rule": wording.clean(finding.rule),
        "description": wording.description(finding.rule),
        "runbook": wording.advice_key(finding),
    }


def _places(finding: Finding, wording: Wording, scan: Scan) -> list[dict[str, Any]]:
    excerpts = finding.excerpts or ("",) * len(finding.locations)
    return [
        {
            "place": wording.place(location),
            "url": wording.link(scan, finding, location),
            "remarks": wording.remarks(location),
            # A page is passed on: lines that people's names and messages stand in stay out of it.
            "excerpt": wording.clean(excerpt) if location.kind in _WITH_EXCERPT else "",
        }
        for location, excerpt in zip(finding.locations, excerpts, strict=True)
    ]


def _state(finding: Finding) -> str:
    if finding.status is not Status.NEW:
        status: str = finding.status.value
        return status
    if finding.at_head is None:
        return ""
    return "at HEAD" if finding.at_head else "in history"

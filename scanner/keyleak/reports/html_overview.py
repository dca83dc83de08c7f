"""The upper part of the HTML page: the verdict, totals, whose keys they are, what was not read."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from keyleak.findings import Severity, Status, VerificationVerdict
from keyleak.reports.wording import Wording, counted, days, is_leak
from keyleak.terminal import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.findings import Finding
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report

_MOST_GAPS: Final = 500
_LIVE: Final = frozenset({VerificationVerdict.LIVE, VerificationVerdict.LIVE_RESTRICTED})


def overview(report: Report, presentation: Presentation) -> dict[str, Any]:
    """What the template shows above the list of findings."""
    wording = Wording(presentation)
    gaps = report.coverage.gaps
    unread = sum(gap.count for gap in gaps)
    rows, states = _issuers(report.findings, wording)
    return {
        "verdict": report.verdict(),
        "scanned": _scanned(report, wording),
        "totals": _totals(report.findings, report.leaks()),
        "issuers": rows,
        "states": states,
        "findings": len(report.findings),
        "gaps": [
            {"what": wording.clean(gap.what), "reason": wording.clean(gap.reason), "count": gap.count}
            for gap in gaps[:_MOST_GAPS]
        ],
        "more_gaps": len(gaps) - len(gaps[:_MOST_GAPS]),
        "accepted": [
            {"what": what, "why": why}
            for what, why in map(wording.accepted, report.coverage.accepted[:_MOST_GAPS])
        ],
        "more_accepted": max(0, len(report.coverage.accepted) - _MOST_GAPS),
        "outside": wording.outside(report.coverage),
        "repositories": [wording.history_command(path) for path in report.coverage.repositories[:_MOST_GAPS]],
        "more_repositories": max(0, len(report.coverage.repositories) - _MOST_GAPS),
        "unread": f"{counted(unread, 'thing was', 'things were')} not read",
        "clean": f"{report.headline()}.",
        "footer": f"keyleak {report.version}; rules {report.scan.rules_sha256[:12]}; "
        f"begun {report.scan.started.replace('T', ' ')}, {report.scan.seconds:.1f} s",
    }


def _scanned(report: Report, wording: Wording) -> str:
    coverage, objects = report.coverage, report.coverage.objects
    total = objects.blob + objects.commit + objects.tag + objects.tree
    what = counted(total, "git object") if total else counted(coverage.files, "file")
    kinds = {"scan": "Files of", "history": "The whole history of", "staged": "What is staged in"}
    where = f"{kinds.get(report.scan.kind, report.scan.kind)} {wording.clean(report.scan.target)}"
    return f"{where}, read on {report.scan.started[:10]}: {what}, {size(coverage.bytes)}."


def _totals(findings: Sequence[Finding], leaks: Sequence[Finding]) -> list[dict[str, str]]:
    worst = Counter(finding.severity for finding in leaks)
    severe = worst[Severity.CRITICAL] + worst[Severity.HIGH]
    totals = [
        _total("critical or high", severe, "bad"),
        _total("medium or low", len(leaks) - severe, ""),
    ]
    dated = [finding.age_days for finding in leaks if finding.age_days is not None]
    if any(finding.at_head is not None for finding in leaks):
        totals.append(_total("still at HEAD", sum(bool(finding.at_head) for finding in leaks), "bad"))
    if dated:
        totals.append(_total("longest exposed", days(max(dated)), "warn"))
    if any(finding.verification.verdict is not VerificationVerdict.NOT_CHECKED for finding in leaks):
        live = sum(finding.verification.verdict in _LIVE for finding in leaks)
        totals.append(_total("confirmed live", live, "bad"))
    if len(findings) > len(leaks):
        totals.append(_total("allowed, baselined or notes", len(findings) - len(leaks), ""))
    return totals


def _total(label: str, value: int | str, tone: str) -> dict[str, str]:
    shown = value if isinstance(value, str) else f"{value:,}"
    return {"label": label, "value": shown, "tone": tone if value else ""}


def _issuers(findings: Iterable[Finding], wording: Wording) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each issuer, most leaked first, and the states that are its columns."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in findings:
        counts[wording.whose(finding)].update(_columns(finding))
    present = {state for row in counts.values() for state in row}
    states = [state for state in _STATES if state in present]
    most = max((row[_LEAKED] for row in counts.values()), default=0) or 1
    rows = [
        {
            "name": name,
            "share": round(100 * row[_LEAKED] / most, 1),
            "counts": [row[state] for state in states],
        }
        for name, row in sorted(counts.items(), key=lambda item: (-item[1][_LEAKED], item[0]))
    ]
    return rows, states


_LEAKED: Final[str] = "leaked"
_STATES: Final[tuple[str, ...]] = (
    _LEAKED,
    "at HEAD",
    "in history only",
    "live",
    "not accepted",
    "test keys",
    "notes",
    "allowed",
    "baselined",
)


def _columns(finding: Finding) -> list[str]:
    if not is_leak(finding):
        return ["notes" if finding.status is Status.NEW else finding.status.value]
    columns = [_LEAKED]
    if finding.at_head is not None:
        columns.append("at HEAD" if finding.at_head else "in history only")
    if finding.verification.verdict in _LIVE:
        columns.append("live")
    if finding.verification.verdict is VerificationVerdict.NOT_ACCEPTED:
        columns.append("not accepted")
    if finding.environment.value == "test":
        columns.append("test keys")
    return columns

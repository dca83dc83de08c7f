"""CSV for spreadsheets (RFC 4180): a row for each place of each key.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return is a formula to a spreadsheet; it gets
an apostrophe before it, which the spreadsheet hides (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from keyleak.reports.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.findings import Finding, Location
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report

COLUMNS: Final = (
    "id",
    "severity",
    "status",
    "reason",
    "rule",
    "issuer",
    "attribution",
    "confidence",
    "environment",
    "secret",
    "verification",
    "exposure",
    "first_seen_commit",
    "first_seen_date",
    "age_days",
    "at_head",
    "kind",
    "path",
    "line",
    "column",
    "blob",
    "commit",
    "refs",
    "decoded",
    "container",
    "first_seen_author",
    "url",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report, presentation: Presentation) -> str:
    """The report as CSV; what was not read is in rows with the status `not read` or `accepted unread`."""
    wording = Wording(presentation)
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in report.findings:
        known = _of_finding(finding, wording)
        for location in finding.locations:
            url = wording.link(report.scan, finding, location)
            writer.writerow(_row({**known, **_of_location(location, wording), "url": url}))
    for gap in report.coverage.gaps:
        times = f" ({gap.count:,} times)" if gap.count > 1 else ""
        reason = f"{wording.clean(gap.reason)}{times}"
        writer.writerow(_row({"status": "not read", "reason": reason, "path": wording.clean(gap.what)}))
    for accepted in report.coverage.accepted:
        what, why = wording.accepted(accepted)
        writer.writerow(_row({"status": "accepted unread", "reason": why, "path": what}))
    return output.getvalue()


def _of_finding(finding: Finding, wording: Wording) -> dict[str, str]:
    first = finding.first_seen
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "status": finding.status.value,
        "reason": wording.clean(finding.reason or ""),
        "rule": wording.clean(finding.rule),
        "issuer": wording.clean(finding.issuer or ""),
        "attribution": finding.attribution.verdict.value,
        "confidence": finding.attribution.confidence.value,
        "environment": finding.environment.value,
        "secret": wording.secret(finding),
        "verification": finding.verification.verdict.value,
        "exposure": " ".join(wording.clean(word) for word in finding.exposure),
        "first_seen_commit": wording.clean(first.commit or "") if first else "",
        "first_seen_date": wording.clean(first.date or "") if first else "",
        "age_days": "" if finding.age_days is None else str(finding.age_days),
        "at_head": "" if finding.at_head is None else str(finding.at_head).lower(),
        "first_seen_author": wording.clean(first.author or "") if first else "",
    }


def _of_location(location: Location, wording: Wording) -> dict[str, str]:
    return {
        "kind": location.kind.value,
        "path": wording.clean(location.path or ""),
        "line": str(location.line),
        "column": str(location.column),
        "blob": wording.clean(location.blob or ""),
        "commit": wording.clean(location.commit or ""),
        "refs": " ".join(wording.clean(ref) for ref in location.refs),
        "decoded": " > ".join(wording.clean(step) for step in location.decoded),
        "container": " > ".join(wording.clean(name) for name in location.container),
    }


def _row(cells: dict[str, str]) -> Iterator[str]:
    for column in COLUMNS:
        cell = cells.get(column, "")
        yield f"'{cell}" if cell.startswith(_FORMULA) else cell

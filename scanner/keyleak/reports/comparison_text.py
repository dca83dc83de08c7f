"""The comparison of two reports in words, and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from keyleak.reports.json import finding_object
from keyleak.reports.wording import Wording, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyleak.findings import Finding
    from keyleak.reports.comparison import Comparison
    from keyleak.reports.presentation import Presentation

SCHEMA: Final = "keyleak/report-diff/1"

_MOST: Final = 100


def render_json(comparison: Comparison, presentation: Presentation) -> str:
    """The comparison as JSON: `new`, `gone` and `moved` with whole findings, `same` as a number."""
    document = {
        "schema": SCHEMA,
        "complete": comparison.coverage.complete,
        "new": [finding_object(finding, presentation) for finding in comparison.new],
        "gone": [finding_object(finding, presentation) for finding in comparison.gone],
        "moved": [
            {"from": finding_object(earlier, presentation), "to": finding_object(later, presentation)}
            for earlier, later in comparison.moved
        ],
        "same": comparison.same,
    }
    return json.dumps(document, indent=2) + "\n"


def render_text(comparison: Comparison, presentation: Presentation) -> str:
    """The comparison for people."""
    return "\n".join(_lines(comparison, Wording(presentation))) + "\n"


def _lines(comparison: Comparison, wording: Wording) -> Iterator[str]:
    yield from _section("New", "+", comparison.new, wording)
    yield from _section("Gone", "-", comparison.gone, wording)
    if comparison.moved:
        yield f"Moved only ({len(comparison.moved):,})"
        for earlier, later in comparison.moved[:_MOST]:
            yield f"  ~ {_key(later, wording)}"
            yield f"      {_where(earlier, wording)} -> {_where(later, wording)}"
        yield from _folded(len(comparison.moved))
    if not comparison.coverage.complete:
        yield "INCOMPLETE: not everything was read, so a key may be new or gone in this comparison only."
        yield ""
    counts = f"{len(comparison.new):,} new, {len(comparison.gone):,} gone, {len(comparison.moved):,} moved"
    yield f"{counts}, {comparison.same:,} as before."


def _section(heading: str, sign: str, findings: Sequence[Finding], wording: Wording) -> Iterator[str]:
    if not findings:
        return
    yield f"{heading} ({len(findings):,})"
    for finding in findings[:_MOST]:
        yield f"  {sign} {_key(finding, wording)}"
        yield f"      {_where(finding, wording)}"
    yield from _folded(len(findings))


def _folded(count: int) -> Iterator[str]:
    if count > _MOST:
        yield f"  and {count - _MOST:,} more (--format json lists all)"
    yield ""


def _key(finding: Finding, wording: Wording) -> str:
    status = wording.status(finding)
    told = f"{finding.severity.value.upper():<8}  {wording.title(finding)}  {wording.secret(finding)}"
    return f"{told}  {status}" if status else told


def _where(finding: Finding, wording: Wording) -> str:
    more = len(finding.locations) - 1
    place = wording.place(finding.locations[0])
    return f"{place} and {counted(more, 'more place')}" if more else place

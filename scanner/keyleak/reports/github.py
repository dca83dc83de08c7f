"""Annotations of GitHub Actions: workflow commands that the runner shows beside the lines of a change.

The runner takes a command from any line that begins with `::`, and an old form from a line that has `##[`
anywhere. Line breaks and `%` in data are escaped as the runner undoes them; in properties also `:` and `,`
(actions/runner, ActionCommand). It shows ten errors, ten warnings and ten notices of a step; the rest stands
in the log, so the most severe come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.findings import LocationKind, Severity
from keyleak.reports.wording import Wording, counted, is_leak

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyleak.findings import Finding, Location
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report

_LEVELS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "warning",
    Severity.NOTE: "notice",
}
# Places that a checkout has, so that an annotation can stand beside the line.
_IN_CHECKOUT: Final = frozenset({LocationKind.FILE, LocationKind.INDEX, LocationKind.BLOB})


def render(report: Report, presentation: Presentation) -> str:
    """The report as workflow commands, one for each finding and gap, and a closing line."""
    wording = Wording(presentation)
    return "\n".join(_lines(report, wording)) + "\n"


def _lines(report: Report, wording: Wording) -> Iterator[str]:
    for finding in report.findings:
        yield _annotation(finding, wording)
    for gap in report.coverage.gaps:
        times = f" ({gap.count:,} times)" if gap.count > 1 else ""
        text = f"{wording.clean(gap.what)}: {wording.clean(gap.reason)}{times}"
        yield _command("warning", {"title": "keyleak could not read this"}, text)
    for accepted in report.coverage.accepted:
        what, why = wording.accepted(accepted)
        yield _command("notice", {"title": "keyleak did not read this, and may not"}, f"{what}: {why}")
    complete = "" if report.coverage.complete else "; not everything was read"
    yield f"keyleak: {report.verdict()}{complete}"


def _annotation(finding: Finding, wording: Wording) -> str:
    level = _LEVELS[finding.severity] if is_leak(finding) else "notice"
    place = next(iter(_jumpable(finding)), None)
    properties: dict[str, str] = {}
    if place is not None:
        properties = {
            "file": wording.clean(place.path or ""),
            "line": str(place.line),
            "col": str(place.column),
        }
    properties["title"] = f"{wording.title(finding)} leaked" if is_leak(finding) else wording.title(finding)
    return _command(level, properties, _message(finding, place or finding.locations[0], wording))


def _jumpable(finding: Finding) -> list[Location]:
    """Places whose line an annotation can stand at; those inside archives and in history alone have none."""
    if finding.at_head is False:
        return []
    return [
        place
        for place in finding.locations
        if place.kind in _IN_CHECKOUT and place.path and not place.container
    ]


def _message(finding: Finding, place: Location, wording: Wording) -> str:
    parts = [f"{wording.secret(finding)} ({finding.severity.value}) in {wording.place(place)}"]
    more = len(finding.locations) - 1
    if more:
        parts[0] += f" and {counted(more, 'more place')}"
    parts += [part for part in (wording.status(finding), _history(finding, wording)) if part]
    if is_leak(finding):
        parts += wording.most_urgent(finding)
    return "\n".join([*parts, f"rule {wording.clean(finding.rule)}, id {finding.id}"])


def _history(finding: Finding, wording: Wording) -> str:
    since = wording.first_seen(finding)
    return "; ".join(part for part in (since and f"first seen {since}", wording.at_head(finding)) if part)


def _command(level: str, properties: Mapping[str, str], message: str) -> str:
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {given}::{_data(message)}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace("##[", "# #[")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""JUnit XML, as CI servers show test results: each key is a test case that fails.

A finding that does not count is a skipped case, what could not be read a case with an error, and a scan
without either is one case that passes, for an empty suite looks like one that did not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from keyleak.reports.wording import Wording, is_leak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.coverage import Accepted, Gap
    from keyleak.findings import Finding
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report


def render(report: Report, presentation: Presentation) -> str:
    """The report as JUnit XML."""
    return "\n".join(_lines(report, Wording(presentation))) + "\n"


def _lines(report: Report, wording: Wording) -> Iterator[str]:
    failures, gaps = len(report.leaks()), len(report.coverage.gaps)
    accepted = report.coverage.accepted
    counts = {
        "tests": max(1, len(report.findings) + gaps + len(accepted)),
        "failures": failures,
        "errors": gaps,
        "skipped": len(report.findings) - failures + len(accepted),
        "time": f"{report.scan.seconds:.3f}",
    }
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites{_attributes(name='keyleak', **counts)}>"
    suite = f"keyleak {report.scan.kind} {wording.clean(report.scan.target)}"
    # The time without its zone: the schema of the format knows none.
    yield f"  <testsuite{_attributes(name=suite, timestamp=report.scan.started[:19], **counts)}>"
    for finding in report.findings:
        yield from _case(finding, wording)
    for gap in report.coverage.gaps:
        yield from _unread(gap, wording)
    for each in accepted:
        yield from _accepted(each, wording)
    if not report.findings and not gaps and not accepted:
        yield f"    <testcase{_attributes(classname='keyleak', name=report.verdict(), time='0')}/>"
    yield "  </testsuite>"
    yield "</testsuites>"


def _case(finding: Finding, wording: Wording) -> Iterator[str]:
    place = finding.locations[0]
    name = f"{wording.title(finding)} {wording.secret(finding)} {finding.id[:12]}"
    given: dict[str, Any] = {"classname": f"keyleak.{wording.clean(finding.rule)}", "name": name, "time": "0"}
    if place.path:
        given |= {"file": wording.clean(place.path), "line": place.line}
    yield f"    <testcase{_attributes(**given)}>"
    if is_leak(finding):
        said = f"{wording.title(finding)} stands in {wording.place(place)}"
        failure = _attributes(type=finding.severity.value, message=said)
        yield f"      <failure{failure}>{_details(finding, wording)}</failure>"
    else:
        yield f"      <skipped{_attributes(message=wording.status(finding) or 'a note')}/>"
    yield "    </testcase>"


def _details(finding: Finding, wording: Wording) -> str:
    since = wording.first_seen(finding)
    lines = [
        *(wording.place(location) for location in finding.locations),
        f"whose: {wording.whose(finding)}: {'; '.join(wording.evidence(finding))}",
        *([f"first seen: {since}"] if since else []),
        *([wording.at_head(finding)] if wording.at_head(finding) else []),
        *(f"now: {step}" for step in wording.advice(finding).steps),
        f"id: {finding.id}",
    ]
    return escape("\n".join(lines))


def _unread(gap: Gap, wording: Wording) -> Iterator[str]:
    name = f"not read: {wording.clean(gap.what)}"
    yield f"    <testcase{_attributes(classname='keyleak.coverage', name=name, time='0')}>"
    message = (
        f"{wording.clean(gap.reason)} ({gap.count:,} times)" if gap.count > 1 else wording.clean(gap.reason)
    )
    yield f"      <error{_attributes(type='not-read', message=message)}/>"
    yield "    </testcase>"


def _accepted(accepted: Accepted, wording: Wording) -> Iterator[str]:
    what, why = wording.accepted(accepted)
    yield f"    <testcase{_attributes(classname='keyleak.coverage', name=f'not read: {what}', time='0')}>"
    yield f"      <skipped{_attributes(message=why)}/>"
    yield "    </testcase>"


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items())

"""Markdown for a pull request's comment or `$GITHUB_STEP_SUMMARY`.

Both have a limit, of 65,536 characters and of one mebibyte; more is refused whole. So the report keeps under
the smaller and says what it folds. Text from outside stands in code spans, or as character references where
it holds what ends one: no link, mention, image or tag can come of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.findings import Severity
from keyleak.reports.wording import Wording, counted, is_leak
from keyleak.terminal import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyleak.coverage import Accepted, Gap
    from keyleak.findings import Finding
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report, Scan

_MOST_CHARACTERS: Final = 60_000
_FOR_GAPS: Final = 6_000
_MOST_PLACES: Final = 10
_LONGEST: Final = 300
_MARKS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🟠",
    Severity.MEDIUM: "🟡",
    Severity.LOW: "🔵",
    Severity.NOTE: "⚪",
}
_UNSAFE_IN_CODE: Final = re.compile(r"[`|]|^ | $|^$")
# All but letters, digits and marks that mean nothing inside a line; dot and colon make links.
_ACTIVE: Final = re.compile(r"(?<=www)\.|:(?=//)|[^A-Za-z0-9 \u00a0-\uffff,;?'%/=()+.:-]", re.IGNORECASE)


def render(report: Report, presentation: Presentation) -> str:
    """The report as Markdown: a verdict, a table of keys, each key in a fold, what was not read."""
    wording = Wording(presentation)
    parts = [f"## {_verdict(report)}", _scanned(report, wording)]
    if report.coverage.gaps:
        parts.append(_gaps(report.coverage.gaps, wording))
    if report.coverage.accepted:
        parts.append(_accepted(report.coverage.accepted, wording))
    if outside := wording.outside(report.coverage):
        parts.append(_outside(outside, report.coverage.repositories, wording))
    if report.findings:
        room = _MOST_CHARACTERS - sum(map(len, parts))
        parts += _table(report.findings, wording, room // 3)
        parts += _details(report, wording, room // 2)
    return "\n\n".join(parts) + "\n"


def _verdict(report: Report) -> str:
    return f"keyleak: {report.verdict()}"


def _scanned(report: Report, wording: Wording) -> str:
    coverage, objects = report.coverage, report.coverage.objects
    total = objects.blob + objects.commit + objects.tag + objects.tree
    what = counted(total, "git object") if total else counted(coverage.files, "file")
    counts = ", ".join(f"{count:,} {severity.value}" for severity, count in report.by_severity().items())
    decided = len(report.findings) - sum(report.by_severity().values())
    parts = [
        f"{_text(report.scan.kind)} of {_code(wording.clean(report.scan.target))}",
        f"{what} and {size(coverage.bytes)} read",
        *([counts] if counts else []),
        *([f"{decided:,} allowed or baselined"] if decided else []),
    ]
    return f"{' · '.join(parts)} · keyleak {_text(report.version)}"


def _table(findings: Iterable[Finding], wording: Wording, room: int) -> list[str]:
    head = "| | key | whose | where | first seen | state |\n|---|---|---|---|---|---|"
    rows, left_out = _fitting((_row(finding, wording) for finding in findings), room)
    return ["\n".join([head, *rows]), *_folded(left_out, "key")]


def _row(finding: Finding, wording: Wording) -> str:
    more = len(finding.locations) - 1
    where = _code(wording.place(finding.locations[0])) + (f" +{more:,}" if more else "")
    state = ", ".join(
        part
        for part in (_text(finding.status.value), _text(wording.at_head(finding)), _checked(finding))
        if part
    )
    cells = (
        f"{_MARKS[finding.severity]} {finding.severity.value}",
        _code(wording.secret(finding)),
        _text(wording.whose(finding)),
        where,
        _text(wording.first_seen(finding)),
        state,
    )
    return f"| {' | '.join(cells)} |"


def _checked(finding: Finding) -> str:
    verdict = finding.verification.verdict.value
    return "" if verdict == "not-checked" else _text(f"asked: {verdict}")


def _details(report: Report, wording: Wording, room: int) -> list[str]:
    folds, left_out = _fitting((_fold(each, wording, report.scan) for each in report.findings), room)
    return [*folds, *_folded(left_out, "key") * bool(folds)]


def _fold(finding: Finding, wording: Wording, scan: Scan) -> str:
    summary = f"{_MARKS[finding.severity]} {_text(wording.title(finding))}"
    lines = [
        f"<details><summary>{summary} <code>{_text(wording.secret(finding))}</code></summary>",
        "",
        *_facts(finding, wording, scan),
        "",
        "</details>",
    ]
    return "\n".join(lines)


def _facts(finding: Finding, wording: Wording, scan: Scan) -> Iterator[str]:
    yield f"- **Whose:** {_text(wording.whose(finding))}: {_text('; '.join(wording.evidence(finding)))}"
    since = "; ".join(part for part in (wording.first_seen(finding), wording.at_head(finding)) if part)
    if since:
        yield f"- **First seen:** {_text(since)}"
    if finding.exposure:
        yield "- **Exposure:**"
        yield from (f"  - {_text(practice)}" for practice in wording.practices(finding))
    yield f"- **Verification:** {_text(wording.verification(finding))}"
    if wording.status(finding):
        yield f"- **Status:** {_text(wording.status(finding))}"
    yield f"- **{counted(len(finding.locations), 'place')}:**"
    for location in finding.locations[:_MOST_PLACES]:
        remarks = ", ".join(wording.remarks(location))
        url = wording.link(scan, finding, location)
        opened = f" <{url}>" if url else ""
        yield f"  - {_code(wording.place(location))}" + (f" ({_text(remarks)})" if remarks else "") + opened
    if len(finding.locations) > _MOST_PLACES:
        yield f"  - and {len(finding.locations) - _MOST_PLACES:,} more; the JSON report has all of them"
    if is_leak(finding):
        yield "- **Now:**"
        advice = wording.advice(finding)
        for number, step in enumerate(advice.steps, 1):
            yield f"  {number}. {_text(step)}"
        if advice.url:
            yield f"- **{advice.url_label}:** <{advice.url}>"
    yield f"- rule {_code(wording.clean(finding.rule))}, id `{finding.id}`"


def _gaps(gaps: tuple[Gap, ...], wording: Wording) -> str:
    lines, left_out = _fitting(
        (
            f"> - {_code(wording.clean(gap.what))}: {_text(wording.clean(gap.reason))}"
            + (f" ({gap.count:,} times)" if gap.count > 1 else "")
            for gap in gaps
        ),
        _FOR_GAPS,
    )
    total = counted(sum(gap.count for gap in gaps), "thing was", "things were")
    more = [f"> - and {left_out:,} more; the JSON report has all of them"] if left_out else []
    return "\n".join(
        [f"> **Incomplete: {total} not read.** Nothing is known of what they hold.", ">", *lines, *more]
    )


def _accepted(accepted: tuple[Accepted, ...], wording: Wording) -> str:
    told = (wording.accepted(each) for each in accepted)
    lines, left_out = _fitting((f"> - {_code(what)}: {_text(why)}" for what, why in told), _FOR_GAPS)
    total = counted(len(accepted), "thing was", "things were")
    more = [f"> - and {left_out:,} more; the JSON report has all of them"] if left_out else []
    return "\n".join([f"> {total} not read, which the configuration accepts.", ">", *lines, *more])


def _outside(sentences: Sequence[str], repositories: Sequence[str], wording: Wording) -> str:
    lines = [f"> {_text(sentence)}." for sentence in sentences]
    commands, left_out = _fitting(
        (f"> - {_code(wording.history_command(repository))}" for repository in repositories), _FOR_GAPS
    )
    more = [f"> - and {left_out:,} more; the JSON report has all of them"] if left_out else []
    return "\n".join(["\n>\n".join(lines), *([">"] if commands else []), *commands, *more])


def _fitting(texts: Iterable[str], room: int) -> tuple[list[str], int]:
    """As many as fit, and how many do not."""
    kept: list[str] = []
    left_out = 0
    for text in texts:
        room -= len(text)
        if left_out or (room < 0 and kept):
            left_out += 1
        else:
            kept.append(text)
    return kept, left_out


def _folded(left_out: int, what: str) -> list[str]:
    if not left_out:
        return []
    return [f"And {counted(left_out, 'more ' + what)}, folded to keep this short; the JSON report has all."]


def _code(text: str) -> str:
    short = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return f"<code>{_text(short)}</code>" if _UNSAFE_IN_CODE.search(short) else f"`{short}`"


def _text(text: str) -> str:
    """Text that stays text: whatever Markdown or HTML acts on as a character reference."""
    return _ACTIVE.sub(_reference, text)


def _reference(match: re.Match[str]) -> str:
    # Mentions are looked for after rendering, so an invisible joiner follows the sign.
    return "&#64;&#8288;" if match[0] == "@" else f"&#{ord(match[0])};"

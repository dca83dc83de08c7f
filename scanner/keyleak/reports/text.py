"""The report for people in a terminal: what leaked, whose, where, since when, what to do now.

The first findings are told in full, further ones in a line each, and what remains is counted; what does not
count, because it was allowed or git ignores the file, gets a line as well. Steps are told once an issuer.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from keyleak.findings import AttributionVerdict, Severity, Status
from keyleak.reports.styling import Style
from keyleak.reports.wording import Wording, counted, is_leak
from keyleak.secret import RedactedSecret
from keyleak.terminal import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keyleak.coverage import Accepted, Coverage, Gap
    from keyleak.findings import Finding
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report

_COLOURS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "bright_red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.NOTE: "bright_black",
}
_MOST_IN_FULL: Final = 25
_MOST_IN_SHORT: Final = 75
_MOST_ASIDE: Final = 10
_MOST_PLACES: Final = 5
_MOST_GAPS: Final = 10
_LABEL: Final = 10
_INDENT: Final = " " * (2 + _LABEL)


def render(report: Report, presentation: Presentation) -> str:
    """The report as text with a final newline."""
    return "\n".join(_Writer(presentation).lines(report)) + "\n"


class _Writer:
    def __init__(self, presentation: Presentation) -> None:
        self._wording = Wording(presentation, show_secrets=presentation.show_secrets)
        self._style = Style(colour=presentation.colour)
        self._show_secrets = presentation.show_secrets
        self._width = presentation.width

    def lines(self, report: Report) -> Iterator[str]:
        leaks = [finding for finding in report.findings if is_leak(finding)]
        told: dict[str, str] = {}
        able: dict[str | None, str] = {}
        for finding in leaks[:_MOST_IN_FULL]:
            yield from self._in_full(finding, told, able)
            yield ""
        yield from self._in_short("More leaked keys", leaks[_MOST_IN_FULL:], _MOST_IN_SHORT)
        aside = [finding for finding in report.findings if not is_leak(finding)]
        yield from self._in_short("Not counted", aside, _MOST_ASIDE)
        yield from self._gaps(report.coverage.gaps)
        yield from self._accepted(report.coverage.accepted)
        yield from self._outside(report.coverage)
        yield from self._summary(report)

    def _in_full(self, finding: Finding, told: dict[str, str], able: dict[str | None, str]) -> Iterator[str]:
        heading = f"{finding.severity.value.upper():<8}  {self._wording.title(finding)}"
        secret = self._secret(finding)
        yield f"{self._style.of(heading, _COLOURS[finding.severity], bold=True)}  {secret}"
        yield from self._places(finding)
        yield from self._field("whose", self._whose(finding))
        yield from self._field("first", self._first(finding))
        yield from self._field("HEAD", self._head(finding))
        yield from self._field("exposed", *self._wording.practices(finding))
        if finding.verification.host or finding.verification.detail:
            yield from self._field("checked", self._wording.verification(finding, with_capabilities=False))
            yield from self._capabilities(finding, able)
        yield from self._field("status", self._wording.status(finding))
        yield from self._now(finding, told)
        yield from self._field("rule", f"{self._wording.clean(finding.rule)}  id {finding.id}")

    def _capabilities(self, finding: Finding, able: dict[str | None, str]) -> Iterator[str]:
        """What a key that lives can do, once an issuer."""
        capabilities = self._wording.capabilities(finding)
        if not capabilities:
            return
        if earlier := able.get(finding.issuer):
            yield self._labelled("can do", f"as {earlier} above")
            return
        able[finding.issuer] = finding.secret.redacted()
        yield self._labelled("can do", f"documented by {self._wording.issuer(finding.issuer)}, not probed:")
        for capability in capabilities:
            first, *more = self._wrapped(capability, len(_INDENT) + 2)
            yield f"{_INDENT}- {first}"
            for line in more:
                yield f"{_INDENT}  {line}"

    def _secret(self, finding: Finding) -> str:
        secret = finding.secret
        if self._show_secrets and not isinstance(secret, RedactedSecret):
            return secret.reveal().decode("ascii")
        return secret.redacted()

    def _places(self, finding: Finding) -> Iterator[str]:
        label = "where"
        excerpts = finding.excerpts or ("",) * len(finding.locations)
        shown = list(zip(finding.locations, excerpts, strict=True))[:_MOST_PLACES]
        for location, excerpt in shown:
            remarks = self._wording.remarks(location)
            yield self._labelled(label, self._style.of(self._wording.place(location), bold=True))
            for line in self._wrapped("; ".join(remarks), len(_INDENT) + 2):
                yield f"{_INDENT}  {line}"
            if excerpt:
                yield f"{_INDENT}  {self._style.of(self._excerpt(excerpt, finding), 'bright_black')}"
            label = ""
        more = len(finding.locations) - len(shown)
        if more:
            yield f"{_INDENT}and {counted(more, 'more place')} (--format json lists all)"

    def _excerpt(self, excerpt: str, finding: Finding) -> str:
        """The line around the key, as much of it as fits."""
        line = self._wording.clean(excerpt).strip()
        room = self._width - len(_INDENT) - 2
        if len(line) <= room:
            return line
        middle = max(0, line.find(finding.secret.redacted())) + len(finding.secret.redacted()) // 2
        start = max(0, min(middle - room // 2, len(line) - room))
        cut = line[start : start + room]
        cut = "…" + cut[1:] if start else cut
        return cut[:-1] + "…" if start + room < len(line) else cut

    def _whose(self, finding: Finding) -> str:
        attribution = finding.attribution
        if attribution.verdict is AttributionVerdict.ATTRIBUTED:
            why = "; ".join(self._wording.evidence(finding))
            return f"{self._wording.whose(finding)}, confidence {attribution.confidence.value}: {why}"
        said, *candidates = self._wording.evidence(finding)
        reasons = f": {'; '.join(candidates)}" if candidates else ""
        return f"{attribution.verdict.value}, {said}{reasons}"

    def _first(self, finding: Finding) -> str:
        since, first = self._wording.first_seen(finding), finding.first_seen
        if not since or first is None or not first.path:
            return since
        line = f":{first.line}" if first.line else ""
        author = f", by {self._wording.clean(first.author)}" if first.author else ""
        return f"{since}, {self._wording.clean(first.path)}{line}{author}"

    def _head(self, finding: Finding) -> str:
        return self._wording.head(finding)

    def _now(self, finding: Finding, told: dict[str, str]) -> Iterator[str]:
        key, advice = self._wording.advice_key(finding), self._wording.advice(finding)
        if earlier := told.get(key):
            yield from self._field("now", f"as for {earlier} above{f': {advice.url}' if advice.url else ''}")
            return
        told[key] = finding.secret.redacted()
        label = "now"
        for number, step in enumerate(advice.steps):
            mark = f"{number + 1}. " if len(advice.steps) > 1 else ""
            for line in self._wrapped(step, len(_INDENT) + len(mark)):
                yield self._labelled(label, mark + line)
                label, mark = "", " " * len(mark)
            if number == advice.url_step and advice.url:
                yield f"{_INDENT}{mark}{advice.url}"

    def _in_short(self, heading: str, findings: Sequence[Finding], most: int) -> Iterator[str]:
        if not findings:
            return
        yield self._style.of(f"{heading} ({len(findings):,})", bold=True)
        for finding in findings[:most]:
            severity = self._style.of(f"{finding.severity.value.upper():<8}", _COLOURS[finding.severity])
            more = len(finding.locations) - 1
            where = self._wording.place(finding.locations[0]) + (f" and {more:,} more" if more else "")
            yield f"  {severity}  {self._secret(finding)}  {self._wording.whose(finding)}"
            told = (where, self._wording.status(finding), f"id {finding.id}")
            for line in self._wrapped("; ".join(part for part in told if part), len(_INDENT)):
                yield f"{_INDENT}{self._style.of(line, 'bright_black')}"
        if len(findings) > most:
            yield f"  and {len(findings) - most:,} more (--format json lists all)"
        yield ""

    def _gaps(self, gaps: Sequence[Gap]) -> Iterator[str]:
        if not gaps:
            return
        total = sum(gap.count for gap in gaps)
        heading = f"INCOMPLETE: {counted(total, 'thing was', 'things were')} not read"
        yield self._style.of(heading, "bright_red", bold=True)
        for gap in gaps[:_MOST_GAPS]:
            times = f" ({gap.count:,} times)" if gap.count > 1 else ""
            text = f"{self._wording.clean(gap.what)}: {self._wording.clean(gap.reason)}{times}"
            for index, line in enumerate(self._wrapped(text, 4)):
                yield f"{'  ' if index == 0 else '    '}{line}"
        if len(gaps) > _MOST_GAPS:
            yield f"  and {len(gaps) - _MOST_GAPS:,} more (--format json lists all)"
        yield ""

    def _accepted(self, accepted: Sequence[Accepted]) -> Iterator[str]:
        if not accepted:
            return
        total = counted(len(accepted), "thing was", "things were")
        yield f"{total} not read, which the configuration accepts"
        for each in accepted[:_MOST_GAPS]:
            for index, line in enumerate(self._wrapped(": ".join(self._wording.accepted(each)), 4)):
                yield f"{'  ' if index == 0 else '    '}{line}"
        if len(accepted) > _MOST_GAPS:
            yield f"  and {len(accepted) - _MOST_GAPS:,} more (--format json lists all)"
        yield ""

    def _outside(self, coverage: Coverage) -> Iterator[str]:
        sentences = self._wording.outside(coverage)
        for sentence in sentences:
            first, *more = self._wrapped(sentence, 2)
            yield first
            yield from (f"  {line}" for line in more)
            if coverage.repositories and sentence is sentences[0]:
                yield from self._repositories(coverage.repositories)
        if sentences:
            yield ""

    def _repositories(self, repositories: Sequence[str]) -> Iterator[str]:
        for repository in repositories[:_MOST_GAPS]:
            yield f"  {self._wording.history_command(repository)}"
        if len(repositories) > _MOST_GAPS:
            yield f"  and {len(repositories) - _MOST_GAPS:,} more (--format json lists all)"

    def _summary(self, report: Report) -> Iterator[str]:
        decided = [finding for finding in report.findings if finding.status is not Status.NEW]
        found = report.headline()
        if decided:
            found += f"; {len(decided):,} allowed or baselined"
        good = not report.leaks() and report.coverage.complete
        verdict, told = f"{found}.", self._read(report)
        shown = self._style.of(verdict, "green" if good else "red", bold=True)
        if len(verdict) + 1 + len(told) <= self._width:
            yield f"{shown} {told}"
        else:
            yield from (shown, told)

    def _read(self, report: Report) -> str:
        coverage, objects = report.coverage, report.coverage.objects
        what = counted(coverage.files, "file")
        if report.scan.kind == "history":
            parts = (
                (objects.blob, "blob"),
                (objects.commit, "commit"),
                (objects.tag, "tag"),
            )
            what = ", ".join(counted(count, kind) for count, kind in parts)
        return f"Read {what}, {size(coverage.bytes)} in {report.scan.seconds:.1f} s."

    def _field(self, label: str, *texts: str) -> Iterator[str]:
        for line in (line for text in texts for line in self._wrapped(text, len(_INDENT))):
            yield self._labelled(label, line)
            label = ""

    def _labelled(self, label: str, text: str) -> str:
        return (
            f"  {self._style.of(f'{label:<{_LABEL}}', 'bright_black')}{text}" if label else f"{_INDENT}{text}"
        )

    def _wrapped(self, text: str, indent: int) -> list[str]:
        return textwrap.wrap(text, self._width - indent, break_long_words=False, break_on_hyphens=False)

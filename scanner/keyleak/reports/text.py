"""The report for people: what leaked, whose, where, what to do now; colour on request."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

import click

from keyleak.findings import AttributionVerdict, Environment, LocationKind, Severity, Status
from keyleak.secret import RedactedSecret
from keyleak.terminal import printable, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyleak.coverage import Gap
    from keyleak.findings import Attribution, Finding, Location
    from keyleak.reports.masking import Masker
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report
    from keyleak.rulebook.model import Rulebook, Runbook
    from keyleak.secret import Secret

_COLOURS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "bright_red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.NOTE: "bright_black",
}
_MOST_PLACES: Final = 5
_MOST_GAPS: Final = 10
_WIDTH: Final = 100
_LABEL: Final = 9


def render(report: Report, presentation: Presentation) -> str:
    """The report as text with a final newline."""
    writer = _Writer(
        presentation.rulebook,
        presentation.masker,
        colour=presentation.colour,
        show_secrets=presentation.show_secrets,
    )
    return "\n".join(writer.lines(report)) + "\n"


class _Writer:
    def __init__(self, rulebook: Rulebook, masker: Masker, *, colour: bool, show_secrets: bool) -> None:
        self._rulebook = rulebook
        self._masker = masker
        self._colour = colour
        self._show_secrets = show_secrets

    def lines(self, report: Report) -> Iterator[str]:
        for finding in report.findings:
            yield from self._finding(finding)
            yield ""
        yield from self._gaps(report.coverage.gaps)
        yield self._summary(report)

    def _finding(self, finding: Finding) -> Iterator[str]:
        severity = finding.severity.value.upper()
        secret = _plain(finding.secret) if self._show_secrets else finding.secret.redacted()
        heading = f"{severity:<8} {self._title(finding)}"
        yield f"{self._style(heading, _COLOURS[finding.severity], bold=True)}  {secret}"
        yield from self._field("whose", self._whose(finding.attribution))
        for label, line in self._places(finding):
            yield f"  {label:<{_LABEL}}{line}"
        yield from self._field("since", self._since(finding))
        if finding.status is not Status.NEW or finding.reason:
            state = "" if finding.status is Status.NEW else f"{finding.status.value}: "
            yield from self._field("status", f"{state}{self._clean(finding.reason or '')}")
        if finding.status is Status.NEW and finding.severity is not Severity.NOTE:
            yield from self._next(finding)
        yield f"  {'rule':<{_LABEL}}{finding.rule}  id {finding.id}"

    def _title(self, finding: Finding) -> str:
        issuer = self._rulebook.issuer(finding.issuer or "")
        name = f"{issuer.name} key" if issuer else "key of an unknown issuer"
        world = "" if finding.environment is Environment.UNKNOWN else f" ({finding.environment.value})"
        return name + world

    def _whose(self, attribution: Attribution) -> str:
        said = "; ".join(attribution.evidence)
        if attribution.verdict is not AttributionVerdict.AMBIGUOUS:
            return f"{said} [confidence {attribution.confidence.value}]"
        names = ", ".join(
            f"{candidate.issuer} ({'; '.join(candidate.evidence)})" for candidate in attribution.candidates
        )
        return f"ambiguous, {said}: {names}"

    def _places(self, finding: Finding) -> Iterator[tuple[str, str]]:
        label = "where"
        excerpts = finding.excerpts or ("",) * len(finding.locations)
        shown = list(zip(finding.locations, excerpts, strict=True))[:_MOST_PLACES]
        for location, excerpt in shown:
            yield label, self._style(self._place(location), None, bold=True)
            if excerpt:
                yield "", "  " + self._style(self._clean(excerpt), "bright_black")
            label = ""
        more = len(finding.locations) - len(shown)
        if more:
            yield (
                "",
                f"and {more:,} more {'place' if more == 1 else 'places'} (all of them with --format json)",
            )

    def _since(self, finding: Finding) -> str:
        first = finding.first_seen
        if first is None or finding.age_days is None:
            return ""
        head = "; HEAD still has it" if finding.at_head else "; not at HEAD, but in history"
        return (
            f"{(first.date or '')[:10]}, {finding.age_days:,} days, commit {(first.commit or '')[:12]}{head}"
        )

    def _place(self, location: Location) -> str:
        nameless = "standard input" if location.kind is LocationKind.STDIN else location.kind.value
        path = self._clean(location.path) if location.path is not None else nameless
        inside = "".join(f" ({self._clean(name)})" for name in location.container)
        if location.kind in {LocationKind.PATH_NAME, LocationKind.REF_NAME}:
            return f"{path} (in the name itself)"
        where = f"{path}:{location.line}:{location.column}{inside}"
        if location.kind is LocationKind.INDEX:
            return f"{where} (staged)"
        return f"{where}{self._in_history(location)}"

    def _in_history(self, location: Location) -> str:
        if location.blob is None and location.commit is None:
            return ""
        commit = f"commit {location.commit[:12]}" if location.commit else f"blob {(location.blob or '')[:12]}"
        refs = len(location.refs)
        reached = f"{refs:,} {'ref' if refs == 1 else 'refs'}" if refs else "no ref reaches it"
        return f" ({commit}, {reached})"

    def _next(self, finding: Finding) -> Iterator[str]:
        runbook = self._runbook(finding)
        if runbook is None:
            return
        steps = f"{runbook.rotate[0]}"
        if runbook.revoke_url.startswith("https://"):
            steps += f" {runbook.revoke_url}"
        yield from self._field("now", steps)

    def _runbook(self, finding: Finding) -> Runbook | None:
        issuer = self._rulebook.issuer(finding.issuer or "") or next(
            (issuer for issuer in self._rulebook.issuers if issuer.anonymous), None
        )
        return issuer.runbook if issuer else None

    def _gaps(self, gaps: tuple[Gap, ...]) -> Iterator[str]:
        if not gaps:
            return
        total = sum(gap.count for gap in gaps)
        heading = f"INCOMPLETE: {total:,} {'thing was' if total == 1 else 'things were'} not read"
        yield self._style(heading, "bright_red", bold=True)
        for gap in gaps[:_MOST_GAPS]:
            times = f" ({gap.count:,} times)" if gap.count > 1 else ""
            yield f"  {self._clean(gap.what)}: {self._clean(gap.reason)}{times}"
        if len(gaps) > _MOST_GAPS:
            yield f"  and {len(gaps) - _MOST_GAPS:,} more (all of them with --format json)"
        yield ""

    def _summary(self, report: Report) -> str:
        counts = ", ".join(f"{count:,} {severity.value}" for severity, count in report.by_severity().items())
        decided = len(report.findings) - sum(report.by_severity().values())
        new = sum(report.by_severity().values())
        found = f"{new:,} {'key' if new == 1 else 'keys'} found: {counts}" if new else "No key found"
        if decided:
            found += f"; {decided:,} allowed or baselined"
        colour = "red" if report.leaks() else "green"
        if not report.coverage.complete:
            found += " in what was read" if not new else ""
            colour = "red"
        coverage = report.coverage
        objects = coverage.objects
        what = f"{coverage.files:,} {'file' if coverage.files == 1 else 'files'}"
        if report.scan.kind == "history":
            what = f"{objects.blob:,} blobs, {objects.commit:,} commits, {objects.tag:,} tags"
        read = f"Read {what}, {size(coverage.bytes)} in {report.scan.seconds:.1f} s."
        return f"{self._style(found + '.', colour, bold=True)} {read}"

    def _field(self, label: str, text: str) -> Iterator[str]:
        lines = textwrap.wrap(text, _WIDTH - _LABEL - 2, break_long_words=False, break_on_hyphens=False)
        for index, line in enumerate(lines):
            yield f"  {label if index == 0 else '':<{_LABEL}}{line}"

    def _clean(self, text: str) -> str:
        return printable(text if self._show_secrets else self._masker.mask(text))

    def _style(self, text: str, colour: str | None, *, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold) if self._colour else text


def _plain(secret: Secret) -> str:
    return secret.redacted() if isinstance(secret, RedactedSecret) else secret.reveal().decode("ascii")

"""What follows reading, for every command that scans: group, decide, report, exit code."""

from __future__ import annotations

import shlex
import time
from datetime import datetime
from typing import TYPE_CHECKING, Final

from keyleak._version import __version__
from keyleak.commands.accepted_gaps import with_accepted
from keyleak.commands.deciding import decide, settings_of
from keyleak.commands.delivery import deliver
from keyleak.coverage import Gap
from keyleak.errors import ExitCode
from keyleak.grouping import group_by_secret
from keyleak.records import dataclass, replace
from keyleak.reports.report import Report, Repository, Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.asking import Asked
    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.findings import Finding
    from keyleak.rulebook.model import Rulebook
    from keyleak.secret import Secret
    from keyleak.sources.files import Reading
    from keyleak.sources.inspector import Inspector

_MOST_TARGETS: Final = 5
_NOTHING: Final = {
    "history": "nothing was read: the revisions, dates or refs that were named select no object",
}
_NO_FILE: Final = "nothing was read: there is no file, or the options leave out every one"


@dataclass(frozen=True, slots=True)
class Work:
    """What was done before its conclusion."""

    kind: str
    """`scan` or `history`."""
    target: str
    started: datetime
    clock: float
    """The monotonic clock when it began."""
    notes_ignored: bool = False
    """Whether keys in files that git ignores are notes."""
    keeps_ignored: bool = True
    """Whether such notes are reported."""
    roots: tuple[str, ...] = ()
    """The files and folders that were scanned, as the user named them."""
    inspector: Inspector | None = None
    """What it was read with; knows the explanations that `--explain` asks for."""
    scope: str | None = None
    """Which part of a history was read, as the command line names it; None for all of it."""
    stage: str | None = None
    """The hook that asked about a push, where one did (see `Scan`)."""
    may_be_empty: bool = False
    """Whether a source with nothing in it is an ordinary result: an index without changes, a push of commits
    that the other side has. For every other source it is a gap."""


@dataclass(frozen=True, slots=True)
class Concluded:
    """How a scan ended."""

    report: Report
    """As it was delivered."""
    code: ExitCode
    rulebook: Rulebook
    """The rules that it was found with."""
    secrets: frozenset[Secret]
    """Every key that was read, also those that the report leaves out: names may hold them."""


def conclude(
    work: Work, reading: Reading, rulebook: Rulebook, options: ReportOptions, console: Console
) -> ExitCode:
    """Report what reading brought and say how it went.

    Raises:
        KeyleakError: the report could not be written.
    """
    return concluded(work, reading, rulebook, options, console).code


def concluded(
    work: Work, reading: Reading, rulebook: Rulebook, options: ReportOptions, console: Console
) -> Concluded:
    """The same, for who goes on with the report.

    Raises:
        KeyleakError: the report could not be written.
    """
    report = report_of(work, reading, rulebook, options, console)
    asked = _asked(report.findings, rulebook, options, console) if not reading.interrupted else None
    if asked:
        seconds = time.monotonic() - work.clock
        report = replace(report, findings=tuple(asked.findings), scan=replace(report.scan, seconds=seconds))
    secrets = frozenset(each.secret for each in reading.sightings)
    deliver(report, rulebook, options.delivery, secrets)
    if options.explain and work.inspector:
        from keyleak.commands.explaining import show_explanations  # noqa: PLC0415 - hardly ever asked for

        show_explanations(work.inspector, reading, options.delivery)
    if reading.interrupted:
        return Concluded(report, ExitCode.after(reading.interrupted), rulebook, secrets)
    if not report.coverage.complete and not options.allow_incomplete:
        console.error("not everything was read, so this is no clean result; --allow-incomplete accepts it")
    code = report.exit_code(allow_incomplete=options.allow_incomplete, exit_zero=options.exit_zero)
    code = asked.conclude(rulebook, code, console) if asked else code
    return Concluded(report, code, rulebook, secrets)


def report_of(
    work: Work, reading: Reading, rulebook: Rulebook, options: ReportOptions, console: Console
) -> Report:
    """What a reading comes to, before any issuer is asked."""
    reading = with_accepted(reading, options, console, on_disk=work.kind == "scan")
    reading = with_empty_scope(work, reading)
    findings = findings_of(work, reading, options, console)
    seconds = time.monotonic() - work.clock
    started = work.started.isoformat(timespec="seconds")
    scan = Scan(work.kind, work.target, started, seconds, rulebook.sha256, work.scope, work.stage)
    if reading.repository is not None:
        scan = replace(scan, repository=Repository(*reading.repository))
    return Report(__version__, scan, reading.coverage, findings)


def with_empty_scope(work: Work, reading: Reading) -> Reading:
    """The reading, with a gap where its scope selected nothing: what nobody read is not clean.

    Args:
        work: what was asked for.
        reading: what it brought. Gaps that it has already say why nothing was read.
    """
    coverage = reading.coverage
    if work.may_be_empty or coverage.gaps or not coverage.nothing_read:
        return reading
    gap = Gap(work.target, _NOTHING.get(work.kind, _NO_FILE))
    return replace(reading, coverage=replace(coverage, gaps=(gap,)))


def _asked(
    findings: Sequence[Finding], rulebook: Rulebook, options: ReportOptions, console: Console
) -> Asked | None:
    if options.verification is None:
        return None
    # Brings the HTTP client, which no other scan needs.
    from keyleak.commands.asking import ask_issuers  # noqa: PLC0415

    return ask_issuers(findings, rulebook, options.verification, console)


def findings_of(
    work: Work, reading: Reading, options: ReportOptions, console: Console
) -> tuple[Finding, ...]:
    """The findings of a reading, each with its age and what was decided on it."""
    sightings = list(reading.sightings)
    if sightings and work.notes_ignored:
        # Starts git, which a clean scan never does.
        from keyleak.sources.ignored import note_ignored  # noqa: PLC0415

        sightings = note_ignored(sightings, console.note)
    if not work.keeps_ignored:
        sightings = [sighting for sighting in sightings if sighting.remark is None]
    findings = _judged(group_by_secret(sightings, work.roots), work, options)
    coverage = reading.coverage
    accepting = frozenset(each.line for each in coverage.accepted)
    return decide(findings, settings_of(options), console, complete=coverage.shows_all, accepting=accepting)


def _judged(findings: list[Finding], work: Work, options: ReportOptions) -> list[Finding]:
    """The findings with their age and the practices they break."""
    if not findings:
        return []
    # Only where there is a finding: a clean scan needs none of it.
    from keyleak.practices import with_practices  # noqa: PLC0415

    aged = (_aged(finding, work.started) for finding in findings)
    judged = with_practices(aged, rotation_days=options.rotation_days)
    return sorted(judged, key=lambda finding: finding.severity.rank)


def _aged(finding: Finding, now: datetime) -> Finding:
    if finding.first_seen is None or finding.first_seen.date is None:
        return finding
    age = now - datetime.fromisoformat(finding.first_seen.date)
    return replace(finding, age_days=max(0, age.days))


def is_wanted(finding: Finding, options: ReportOptions) -> bool:
    """Whether the issuers and the least severity asked for leave a finding in the report."""
    return settings_of(options).decisions.wants(finding)


def shown_paths(paths: Sequence[str]) -> str:
    """The paths of a scan as its report names them."""
    shown = " ".join(shlex.quote(path) for path in paths[:_MOST_TARGETS])
    more = len(paths) - _MOST_TARGETS
    return f"{shown} and {more:,} more" if more > 0 else shown

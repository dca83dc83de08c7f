"""`keyleak verify`: are the keys of a report, of this folder, or one that is typed in still accepted."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyleak.attribution.combine import combine
from keyleak.commands.asking import ask_issuers, asked_once
from keyleak.commands.conclusion import Work, conclude, is_wanted
from keyleak.commands.deciding import settings_of
from keyleak.commands.delivery import deliver
from keyleak.commands.destinations import check_show_secrets
from keyleak.commands.options import checked_rulebook
from keyleak.commands.report import saved_report
from keyleak.commands.scan import ScanOptions, scan
from keyleak.commands.settings import Reads, configured
from keyleak.commands.typed_key import typed_key
from keyleak.coverage import Coverage
from keyleak.findings import AttributionVerdict, Verification, VerificationVerdict
from keyleak.grouping import group_by_secret
from keyleak.records import replace
from keyleak.sources.files import Reading
from keyleak.sources.history import HistoryRequest
from keyleak.sources.inspector import Inspector
from keyleak.sources.projects import FolderProjects
from keyleak.sources.relocation import Relocation, Relocator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.errors import ExitCode
    from keyleak.findings import Attribution, Finding, Sighting
    from keyleak.reports.report import Report
    from keyleak.rulebook.model import Rulebook


def verify(file: str | None, options: ReportOptions, console: Console, *, from_stdin: bool) -> ExitCode:
    """Find the keys, ask, report.

    Args:
        file: a JSON report whose places are read again; None scans the current folder.
        options: what every scan can be asked for, verification included.
        console: where words go.
        from_stdin: read one key from standard input instead; the report may tell whose it is.

    Raises:
        KeyleakError: the keys could not be read, or the report not be written.
    """
    if file is None and not from_stdin:
        return scan(ScanOptions(report=options), console)
    check_show_secrets(options.delivery)
    if file is None:
        return _verify_typed(checked_rulebook(options), options, console)
    report = saved_report(file)
    is_history = report.scan.kind == "history"
    reads = Reads.HISTORY if is_history else Reads.FILES
    settled = configured(options, [report.scan.target if is_history else "."], reads, console)
    rulebook = checked_rulebook(settled)
    if not from_stdin:
        return _verify_report(report, None, rulebook, settled, console)
    known = {finding.id: finding.issuer for finding in report.findings if finding.issuer}
    # `--issuer` is the word of whoever types; the configuration's issuers are not.
    sightings = typed_key(Inspector(rulebook), rulebook, options.issuers, known, _baseline_keys(settled))
    return _verify_report(report, sightings, rulebook, settled, console)


def _verify_typed(rulebook: Rulebook, options: ReportOptions, console: Console) -> ExitCode:
    started, clock = datetime.now(UTC), time.monotonic()
    sightings = typed_key(Inspector(rulebook), rulebook, options.issuers, {}, ())
    reading = Reading(sightings, Coverage(files=1))
    # `--issuer` said whose it is; it must not take the key out of the report.
    unfiltered = replace(options, issuers=frozenset())
    return conclude(Work("scan", "-", started, clock), reading, rulebook, unfiltered, console)


def _verify_report(
    report: Report,
    typed: tuple[Sighting, ...] | None,
    rulebook: Rulebook,
    options: ReportOptions,
    console: Console,
) -> ExitCode:
    if typed is None:
        relocation = _relocated(report, rulebook, options)
    else:
        relocation = _typed_ids(typed, _baseline_keys(options))
    kept = [finding for finding in report.findings if typed is not None or is_wanted(finding, options)]
    findings = [_again(finding, relocation) for finding in kept]
    known = [finding for finding in findings if finding.id in relocation.sightings]
    if typed is not None:
        # One key was asked about: the report serves to say whose it is.
        findings = known or [_as_typed(finding) for finding in group_by_secret(typed)]
        known = findings
    for finding in findings:
        for place in relocation.changed.get(finding.id, ()):
            console.note(f"changed since the report: {place}")
    asking = options.verification
    assert asking is not None
    if lost := len(findings) - len(known):
        asking = asked_once(asking, lost, "the places that the report names hold it no more", console)
    asked = ask_issuers(known, rulebook, asking, console)
    told = {finding.id: finding for finding in asked.findings}
    every = tuple(told.get(finding.id, finding) for finding in findings)
    result = replace(report, findings=every)
    deliver(result, rulebook, options.delivery)
    if not result.coverage.complete and not options.allow_incomplete:
        console.error(
            "the report is of a scan that did not read everything, so there may be more keys than these; "
            "--allow-incomplete accepts it"
        )
    code = result.exit_code(allow_incomplete=options.allow_incomplete, exit_zero=options.exit_zero)
    return replace(asked, findings=every).conclude(rulebook, code, console)


def _relocated(report: Report, rulebook: Rulebook, options: ReportOptions) -> Relocation:
    target = report.scan.target
    is_history = report.scan.kind == "history"
    history = None
    if is_history and os.path.isdir(target):
        folders, jobs = options.rule_folders, options.processes()
        history = HistoryRequest(target, submodules=True, rule_folders=folders, jobs=jobs)
    repository = target if is_history else "."
    keys = _baseline_keys(options)
    inspector = Inspector(rulebook, projects=FolderProjects())
    return Relocator(inspector, repository, keys, history).relocate(report.findings)


def _baseline_keys(options: ReportOptions) -> tuple[bytes, ...]:
    """What the report's ids may be keyed with: the baseline that a scan here goes by."""
    baseline = settings_of(options).decisions.baseline
    return () if baseline is None else (baseline.key,)


def _typed_ids(sightings: Sequence[Sighting], keys: Sequence[bytes]) -> Relocation:
    found: dict[str, tuple[Sighting, ...]] = {}
    for sighting in sightings:
        for id_ in (sighting.secret.fingerprint(), *map(sighting.secret.fingerprint, keys)):
            found.setdefault(id_, (sighting,))
    return Relocation(found, {})


def _as_typed(finding: Finding) -> Finding:
    return replace(finding, reason="typed in; the report does not tell of it")


def _again(finding: Finding, relocation: Relocation) -> Finding:
    """A finding of a report with its key, or with the reason why that is not known any more."""
    sightings = relocation.sightings.get(finding.id)
    if sightings is None:
        places = "; ".join(relocation.changed.get(finding.id, ()))
        detail = (
            f"nobody was asked, for it does not stand where the report says any more ({places}). "
            "`keyleak verify --stdin` asks about a key that is typed in"
        )
        return replace(finding, verification=Verification(VerificationVerdict.UNKNOWN, detail=detail))
    (fresh,) = group_by_secret(sightings)
    attribution = _agreed(finding.attribution, fresh.attribution)
    # What the report and the places took it for: a webhook secret is none by being read without its name.
    rules = fresh.other_rules | {finding.rule}
    return replace(
        finding,
        secret=fresh.secret,
        rule=fresh.rule,
        attribution=attribution,
        other_rules=rules,
        in_pieces=fresh.in_pieces,
    )


def _agreed(saved: Attribution, fresh: Attribution) -> Attribution:
    """Whose key it is where the report and its places agree; doubt on either side is doubt.

    The report may be edited, and places that spoke against its issuer may have changed since.
    """
    if saved.verdict is not AttributionVerdict.ATTRIBUTED:
        return saved
    if fresh.verdict is not AttributionVerdict.ATTRIBUTED:
        return fresh
    return saved if saved.issuer == fresh.issuer else combine([fresh, saved])

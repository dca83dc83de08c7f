"""`keyleak scan`: files, folders and standard input."""

from __future__ import annotations

import functools
import os
import shlex
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from keyleak._version import __version__
from keyleak.commands.delivery import DeliveryOptions, check_show_secrets, deliver
from keyleak.coverage import merge_gaps
from keyleak.decisions import Decisions, read_config
from keyleak.errors import ConfigError, ExitCode, UsageError
from keyleak.findings import Severity
from keyleak.grouping import group_by_secret
from keyleak.reports.report import Report, Scan
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.files import Reading, read_paths
from keyleak.sources.ignored import leave_out_ignored, note_ignored
from keyleak.sources.inspector import Inspector
from keyleak.sources.standard_input import read_standard_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyleak.commands.console import Console
    from keyleak.findings import Finding
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.reading import ByteStream

STANDARD_INPUT: Final = "-"
_MOST_TARGETS: Final = 5


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What `keyleak scan` was asked for."""

    paths: tuple[str, ...] = (".",)
    rule_folders: tuple[str, ...] = ()
    config: str | None = None
    issuers: frozenset[str] = frozenset()
    """Report only keys that are, or may be, of these issuers; empty for all."""
    min_severity: Severity = Severity.NOTE
    jobs: int = 0
    """Processes; 0 takes one for each processor."""
    ignored: bool = True
    """Whether files that git ignores are read."""
    allow_incomplete: bool = False
    exit_zero: bool = False
    delivery: DeliveryOptions = field(default_factory=DeliveryOptions)


def scan(options: ScanOptions, console: Console) -> ExitCode:
    """Scan, report, and say how it went.

    Raises:
        KeyleakError: nothing could be scanned, or the report not be written.
    """
    check_show_secrets(options.delivery)
    decisions = _decisions(options.config)
    rulebook = load_rulebook(options.rule_folders)
    _check_issuers(options.issuers, rulebook)
    with console.progress("scanning") as progress:
        report, interrupted = scan_paths(options, rulebook, decisions, console.note, progress.update)
    deliver(report, rulebook, options.delivery)
    for entry in decisions.expired():
        console.note(
            f"the allow entry {entry.by.value}: {entry.value} expired on {entry.expires} and no longer counts"
        )
    if interrupted:
        return ExitCode.INTERRUPTED
    if not report.coverage.complete and not options.allow_incomplete:
        console.error("not everything was read, so this is no clean result; --allow-incomplete accepts it")
    return report.exit_code(allow_incomplete=options.allow_incomplete, exit_zero=options.exit_zero)


def scan_paths(
    options: ScanOptions,
    rulebook: Rulebook,
    decisions: Decisions,
    warn: Callable[[str], None],
    progress: Callable[..., None] | None = None,
) -> tuple[Report, bool]:
    """The report of a scan, and whether it was interrupted."""
    started, clock = datetime.now(UTC), time.monotonic()
    reading = _read(options, rulebook, progress)
    sightings = note_ignored(reading.sightings, warn)
    if not options.ignored:
        sightings = [sighting for sighting in sightings if sighting.remark is None]
    findings = decisions.apply(group_by_secret(sightings))
    kept = [finding for finding in findings if _is_wanted(finding, options)]
    if len(kept) < len(findings):
        warn(f"{len(findings) - len(kept):,} findings are left out by --issuer or --min-severity")
    scan_record = Scan(
        kind="scan",
        target=_target(options.paths),
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - clock,
        rules_sha256=rulebook.sha256,
    )
    return Report(__version__, scan_record, reading.coverage, tuple(kept)), reading.interrupted


def _read(options: ScanOptions, rulebook: Rulebook, progress: Callable[..., None] | None) -> Reading:
    inspector = Inspector(rulebook)
    roots = [path for path in options.paths if path != STANDARD_INPUT]
    readings = []
    if len(roots) < len(options.paths):
        readings.append(read_standard_input(cast("ByteStream", sys.stdin.buffer), inspector))
    if roots:
        readings.append(
            read_paths(
                roots,
                # A forked process finds the compiled rules in its memory; one started anew makes its own.
                _InspectorMaker(inspector, options.rule_folders),
                jobs=options.jobs or _processors(),
                leave_out=None if options.ignored else leave_out_ignored(roots),
                progress=progress,
            )
        )
    return functools.reduce(_together, readings)


class _InspectorMaker:
    """Gives the inspector at hand, or compiles another where it arrives in a new process."""

    def __init__(self, inspector: Inspector | None, rule_folders: Sequence[str]) -> None:
        self._inspector = inspector
        self._rule_folders = tuple(rule_folders)

    def __call__(self) -> Inspector:
        return self._inspector or Inspector(load_rulebook(self._rule_folders))

    def __reduce__(self) -> tuple[type[_InspectorMaker], tuple[None, tuple[str, ...]]]:
        return _InspectorMaker, (None, self._rule_folders)


def _together(one: Reading, other: Reading) -> Reading:
    coverage = one.coverage + other.coverage
    return Reading(
        one.sightings + other.sightings,
        replace(coverage, gaps=merge_gaps(coverage.gaps)),
        one.interrupted or other.interrupted,
    )


def _is_wanted(finding: Finding, options: ScanOptions) -> bool:
    if finding.severity.rank > options.min_severity.rank:
        return False
    named = {candidate.issuer for candidate in finding.attribution.candidates}
    return not options.issuers or bool(named & options.issuers)


def _check_issuers(issuers: frozenset[str], rulebook: Rulebook) -> None:
    known = sorted(issuer.issuer for issuer in rulebook.issuers if not issuer.anonymous)
    for issuer in sorted(issuers):
        if issuer not in known:
            raise UsageError(f"--issuer {issuer!r} is none of: {', '.join(known)}")


def _decisions(config: str | None) -> Decisions:
    today = datetime.now(UTC).date()
    if config is None:
        return Decisions(today=today)
    try:
        text = Path(config).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(config, None, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(config, None, f"is not UTF-8: {error.reason} at byte {error.start}") from error
    return read_config(text, config, today)


def _target(paths: Sequence[str]) -> str:
    shown = " ".join(shlex.quote(path) for path in paths[:_MOST_TARGETS])
    more = len(paths) - _MOST_TARGETS
    return f"{shown} and {more:,} more" if more > 0 else shown


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

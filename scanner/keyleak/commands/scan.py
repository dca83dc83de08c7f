"""`keyleak scan`: files, folders and standard input.

What comes after reading is imported after it: the processes that read need none of it.
"""

from __future__ import annotations

import functools
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from keyleak.commands.destinations import check_show_secrets
from keyleak.commands.options import ReportOptions, checked_rulebook, inspector_for
from keyleak.commands.settings import Reads, configured
from keyleak.coverage import Coverage, merge_gaps
from keyleak.records import dataclass, field, replace
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.files import Reading, read_paths
from keyleak.sources.inspector import Inspector
from keyleak.sources.projects import FolderProjects
from keyleak.sources.standard_input import read_standard_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyleak.commands.console import Console
    from keyleak.errors import ExitCode
    from keyleak.rulebook.provenance import RuleFolder
    from keyleak.sources.reading import ByteStream

    _Made: TypeAlias = tuple[None, tuple[RuleFolder, ...], tuple[str, ...]]

STANDARD_INPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What `keyleak scan` was asked for."""

    paths: tuple[str, ...] = (".",)
    """Files and folders; none where coding agents were asked for and have left nothing."""
    ignored: bool = True
    """Whether files that git ignores are read."""
    report: ReportOptions = field(default_factory=ReportOptions)


def scan(options: ScanOptions, console: Console) -> ExitCode:
    """Scan, report, and say how it went.

    Raises:
        KeyleakError: nothing could be scanned, or the report not be written.
    """
    check_show_secrets(options.report.delivery)
    report = configured(options.report, options.paths, Reads.FILES, console)
    options = replace(options, report=report)
    rulebook = checked_rulebook(options.report)
    started, clock = datetime.now(UTC), time.monotonic()
    with console.progress("scanning") as progress:
        inspector = inspector_for(rulebook, options.report, FolderProjects(_roots(options)))
        reading = _read(options, inspector, progress.update)

    from keyleak.commands.conclusion import Work, conclude, shown_paths  # noqa: PLC0415 - see the module's text

    work = Work(
        "scan",
        shown_paths(options.paths) or "coding agents",
        started,
        clock,
        notes_ignored=True,
        keeps_ignored=options.ignored,
        roots=options.paths,
        inspector=inspector,
        # Looked for and not there: a machine without coding agents is an ordinary result.
        may_be_empty=not options.paths,
    )
    return conclude(work, reading, rulebook, options.report, console)


def _read(options: ScanOptions, inspector: Inspector, progress: Callable[[Coverage, int], None]) -> Reading:
    roots = _roots(options)
    readings = []
    if len(roots) < len(options.paths):
        readings.append(read_standard_input(cast("ByteStream", sys.stdin.buffer), inspector))
    if roots and not any(reading.interrupted for reading in readings):
        readings.append(
            read_paths(
                roots,
                # A forked process finds the compiled rules in its memory; one started anew makes its own.
                _InspectorMaker(inspector, options.report.rule_folders, roots),
                jobs=options.report.processes(),
                leave_out=None if options.ignored else _leave_out_ignored(roots),
                progress=progress,
            )
        )
    return functools.reduce(_together, readings, Reading((), Coverage()))


def _roots(options: ScanOptions) -> list[str]:
    return [path for path in options.paths if path != STANDARD_INPUT]


def _leave_out_ignored(roots: Sequence[str]) -> Callable[[str], bool] | None:
    # Starts git, so it is imported only where it is asked for.
    from keyleak.sources.ignored import leave_out_ignored  # noqa: PLC0415

    return leave_out_ignored(roots)


class _InspectorMaker:
    """Gives the inspector at hand, or makes another where it arrives in a new process."""

    def __init__(
        self, inspector: Inspector | None, rule_folders: Sequence[RuleFolder], roots: Sequence[str]
    ) -> None:
        self._inspector = inspector
        self._rule_folders = tuple(rule_folders)
        self._roots = tuple(roots)

    def __call__(self) -> Inspector:
        projects = FolderProjects(self._roots)
        return self._inspector or Inspector(load_rulebook(self._rule_folders), projects=projects)

    def __reduce__(self) -> tuple[type[_InspectorMaker], _Made]:
        return _InspectorMaker, (None, self._rule_folders, self._roots)


def _together(one: Reading, other: Reading) -> Reading:
    coverage = one.coverage + other.coverage
    return Reading(
        one.sightings + other.sightings,
        replace(coverage, gaps=merge_gaps(coverage.gaps)),
        one.interrupted or other.interrupted,
    )

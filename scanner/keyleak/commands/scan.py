"""`keyleak scan`: files, folders and standard input.

What comes after reading is imported after it: the processes that read need none of it.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from keyleak.commands.destinations import DeliveryOptions, check_show_secrets
from keyleak.coverage import merge_gaps
from keyleak.errors import UsageError
from keyleak.findings import Severity
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.files import Reading, read_paths
from keyleak.sources.inspector import Inspector
from keyleak.sources.standard_input import read_standard_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyleak.commands.console import Console
    from keyleak.coverage import Coverage
    from keyleak.errors import ExitCode
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.reading import ByteStream

STANDARD_INPUT: Final = "-"


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
    rulebook = load_rulebook(options.rule_folders)
    _check_issuers(options.issuers, rulebook)
    _check_config(options.config)
    started, clock = datetime.now(UTC), time.monotonic()
    with console.progress("scanning") as progress:
        reading = _read(options, rulebook, progress.update)

    from keyleak.commands.conclusion import conclude  # noqa: PLC0415 - see the module's text

    return conclude(options, rulebook, reading, console, started=started, clock=clock)


def _read(options: ScanOptions, rulebook: Rulebook, progress: Callable[[Coverage, int], None]) -> Reading:
    inspector = Inspector(rulebook)
    roots = [path for path in options.paths if path != STANDARD_INPUT]
    readings = []
    if len(roots) < len(options.paths):
        readings.append(read_standard_input(cast("ByteStream", sys.stdin.buffer), inspector))
    if roots and not any(reading.interrupted for reading in readings):
        readings.append(
            read_paths(
                roots,
                # A forked process finds the compiled rules in its memory; one started anew makes its own.
                _InspectorMaker(inspector, options.rule_folders),
                jobs=options.jobs or _processors(),
                leave_out=None if options.ignored else _leave_out_ignored(roots),
                progress=progress,
            )
        )
    return functools.reduce(_together, readings)


def _leave_out_ignored(roots: Sequence[str]) -> Callable[[str], bool]:
    # Starts git, so it is imported only where it is asked for.
    from keyleak.sources.ignored import leave_out_ignored  # noqa: PLC0415

    return leave_out_ignored(roots)


class _InspectorMaker:
    """Gives the inspector at hand, or makes another where it arrives in a new process."""

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


def _check_issuers(issuers: frozenset[str], rulebook: Rulebook) -> None:
    known = sorted(issuer.issuer for issuer in rulebook.issuers if not issuer.anonymous)
    for issuer in sorted(issuers):
        if issuer not in known:
            raise UsageError(f"--issuer {issuer!r} is none of: {', '.join(known)}")


def _check_config(config: str | None) -> None:
    """A broken configuration is told before the work, not after it."""
    if config is not None:
        from keyleak.commands.conclusion import read_decisions  # noqa: PLC0415

        read_decisions(config)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

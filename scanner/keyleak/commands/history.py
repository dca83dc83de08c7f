"""`keyleak history`: everything a repository holds."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyleak.commands.conclusion import Work, conclude
from keyleak.commands.destinations import check_show_secrets
from keyleak.commands.options import ReportOptions, checked_rulebook
from keyleak.errors import UsageError
from keyleak.git.scope import Scope
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.history_cache import HistoryCache, cache_folder
from keyleak.sources.inspector import Inspector

if TYPE_CHECKING:
    from keyleak.commands.console import Console
    from keyleak.errors import ExitCode
    from keyleak.rulebook.model import Rulebook


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """What `keyleak history` was asked for."""

    repository: str = "."
    scope: Scope = field(default_factory=Scope)
    submodules: bool = False
    cache: bool = True
    """Whether what earlier readings brought is used and kept."""
    report: ReportOptions = field(default_factory=ReportOptions)


def history(options: HistoryOptions, console: Console) -> ExitCode:
    """Read a repository, report, and say how it went.

    Raises:
        KeyleakError: it is no repository that git reads, or the report could not be written.
    """
    check_show_secrets(options.report.delivery)
    rulebook = checked_rulebook(options.report)
    if not os.path.isdir(options.repository):
        raise UsageError(f"{options.repository}: no such folder; name a repository on this machine")
    started, clock = datetime.now(UTC), time.monotonic()
    request = HistoryRequest(
        repository=options.repository,
        scope=options.scope,
        submodules=options.submodules,
        rule_folders=options.report.rule_folders,
        jobs=options.report.processes(),
        memory=_memory(options, rulebook, console),
    )
    with console.progress("reading history") as progress:
        reading = read_history(request, Inspector(rulebook), progress.update)
    work = Work("history", options.repository, started, clock)
    return conclude(work, reading, rulebook, options.report, console)


def _memory(options: HistoryOptions, rulebook: Rulebook, console: Console) -> HistoryCache | None:
    # A scope is read quickly as it is, and what it brings says nothing of whole packs.
    if not options.cache or not options.scope.is_everything:
        return None
    return HistoryCache(cache_folder(), rulebook.sha256, console.note)

"""`keyleak history`: everything a repository holds."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyleak.commands.conclusion import Work, conclude
from keyleak.commands.destinations import check_show_secrets
from keyleak.commands.options import ReportOptions, checked_rulebook
from keyleak.errors import UsageError
from keyleak.sources.history import read_history
from keyleak.sources.inspector import Inspector

if TYPE_CHECKING:
    from keyleak.commands.console import Console
    from keyleak.errors import ExitCode


def history(repository: str, options: ReportOptions, console: Console) -> ExitCode:
    """Read a repository, report, and say how it went.

    Raises:
        KeyleakError: it is no repository that git reads, or the report could not be written.
    """
    check_show_secrets(options.delivery)
    rulebook = checked_rulebook(options)
    if not os.path.isdir(repository):
        raise UsageError(f"{repository}: no such folder; name a repository on this machine")
    started, clock = datetime.now(UTC), time.monotonic()
    with console.progress("reading history") as progress:
        reading = read_history(
            repository,
            Inspector(rulebook),
            options.rule_folders,
            jobs=options.processes(),
            progress=progress.update,
        )
    return conclude(Work("history", repository, started, clock), reading, rulebook, options, console)

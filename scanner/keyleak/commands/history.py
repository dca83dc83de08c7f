"""`keyleak history`: everything a repository holds."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyleak.cache_file import user_folder
from keyleak.commands.destinations import check_show_secrets
from keyleak.commands.options import ReportOptions, checked_rulebook, inspector_for
from keyleak.commands.settings import Reads, configured
from keyleak.coverage import merge_gaps
from keyleak.errors import UsageError
from keyleak.git.clone import is_url, mirror
from keyleak.git.missing import fetch_missing
from keyleak.git.network import without_user
from keyleak.git.scope import Scope
from keyleak.git.since import readable_date
from keyleak.git.views import missing_objects
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.history_cache import HistoryCache

if TYPE_CHECKING:
    from keyleak.commands.conclusion import Concluded
    from keyleak.commands.console import Console, ScanProgress
    from keyleak.commands.review import Base
    from keyleak.errors import ExitCode
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.files import Reading
    from keyleak.sources.inspector import Inspector


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """What `keyleak history` was asked for."""

    repository: str = "."
    scope: Scope = field(default_factory=Scope)
    submodules: bool = False
    fetch_missing: bool = False
    """Whether the remote of a partial clone is asked for what is missing."""
    cache: bool = True
    """Whether what earlier readings brought is used and kept."""
    may_be_empty: bool = False
    """Whether a scope that brings no object is an ordinary result, as that of an event which only deletes."""
    base: Base | None = None
    """What judges what is read, where that is a change; None where what lies in the checkout does."""
    report: ReportOptions = field(default_factory=ReportOptions)


def history(options: HistoryOptions, console: Console) -> ExitCode:
    """Read a repository, report, and say how it went.

    Raises:
        KeyleakError: it is no repository that git reads, or the report could not be written.
    """
    return history_report(options, console).code


def history_report(options: HistoryOptions, console: Console) -> Concluded:
    """The same, for who goes on with the report.

    Raises:
        KeyleakError: it is no repository that git reads, or the report could not be written.
    """
    check_show_secrets(options.report.delivery)
    if options.scope.since is not None:
        readable_date(options.scope.since)  # before anything is cloned or read
    with ExitStack() as until_reported:
        options = replace(options, report=_configured(options, console, until_reported))
        rulebook = checked_rulebook(options.report)
        started, clock = datetime.now(UTC), time.monotonic()
        inspector = inspector_for(rulebook, options.report)
        reading = _read(options, rulebook, inspector, console)
        # What follows reading is loaded after it: the processes that read need none of it.
        from keyleak.commands.conclusion import Work, concluded  # noqa: PLC0415

        work = Work(
            "history",
            without_user(options.repository),
            started,
            clock,
            inspector=inspector,
            scope=options.scope.words,
            may_be_empty=options.may_be_empty,
        )
        return concluded(work, reading, rulebook, options.report, console)


def _configured(options: HistoryOptions, console: Console, until_reported: ExitStack) -> ReportOptions:
    if options.base is None:
        return configured(options.report, [options.repository], Reads.HISTORY, console)
    from keyleak.commands.review import configured_by_base  # noqa: PLC0415 - for pipelines alone

    return configured_by_base(options.report, options.base, console, until_reported)


def _read(options: HistoryOptions, rulebook: Rulebook, inspector: Inspector, console: Console) -> Reading:
    with ExitStack() as leaving:
        progress = leaving.enter_context(console.progress("reading history"))
        folder = _local(options.repository, progress, leaving)
        if options.fetch_missing:
            _fetch_missing(folder, console)
        request = HistoryRequest(
            repository=folder,
            scope=options.scope,
            submodules=options.submodules,
            rule_folders=options.report.rule_folders,
            jobs=options.report.processes(),
            memory=_memory(options, rulebook, console),
            traces_gaps=options.report.settings is not None and options.report.settings.traces_gaps,
            cloned_from=None if folder == options.repository else options.repository,
        )
        reading = read_history(request, inspector, progress.update)
    review = options.report.settings.review if options.report.settings else None
    if review is None or not review.gaps:
        return reading
    gaps = merge_gaps([*reading.coverage.gaps, *review.gaps])
    return replace(reading, coverage=replace(reading.coverage, gaps=gaps))


def _local(repository: str, progress: ScanProgress, leaving: ExitStack) -> str:
    """The repository's folder; a URL is cloned into one that is gone when `leaving` is left."""
    if os.path.isdir(repository):
        return repository
    if not is_url(repository):
        raise UsageError(f"{repository}: no such folder; name a repository on this machine, or a URL")
    folder = leaving.enter_context(tempfile.TemporaryDirectory(prefix="keyleak-"))
    target = os.path.join(folder, "mirror.git")
    mirror(repository, target, progress.tell)
    return target


def _fetch_missing(repository: str, console: Console) -> None:
    """Asks for what is missing, and for what is missing of that: a tree names further objects."""
    missing, before = missing_objects(repository), b""
    while missing and missing != before:
        fetch_missing(repository, missing, console.note)
        missing, before = missing_objects(repository), missing


def _memory(options: HistoryOptions, rulebook: Rulebook, console: Console) -> HistoryCache | None:
    # A clone that is thrown away is never read again.
    if is_url(options.repository) and not os.path.isdir(options.repository):
        return None
    # A scope is read quickly as it is, and what it brings says nothing of whole packs.
    if not options.cache or not options.scope.is_everything:
        return None
    # What is remembered of a pack is what was found in it, not why.
    if options.report.explain:
        return None
    folder = user_folder()
    if folder is None:
        console.note(
            "history is not cached: there is no folder of this user's outside the work tree to keep it in"
        )
        return None
    return HistoryCache(os.path.join(folder, "history"), rulebook.sha256, console.note)

"""The SARIF report of a pipeline: the full state of each category that is in it.

Code scanning takes every upload of a category as its whole state, and closes the alerts that are not in it.
So what an event brought never decides what is uploaded. The category of HEAD gets every key in the files of
the commit that is checked out, the category of history the keys that are elsewhere, where all of history was
read. A category that was not read whole is left out, so that its alerts stay as they are.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyleak.commands.conclusion import Work, report_of
from keyleak.commands.console import Console
from keyleak.commands.delivery import write
from keyleak.commands.options import checked_rulebook, inspector_for
from keyleak.commands.review import configured_by_base
from keyleak.commands.settings import Reads, configured
from keyleak.records import dataclass, replace
from keyleak.reports.masking import Masker
from keyleak.reports.presentation import Presentation
from keyleak.reports.sarif import AT_HEAD, ONLY_IN_HISTORY, render_categories
from keyleak.sources.commit_content import CommitRequest, read_commit

if TYPE_CHECKING:
    from keyleak.commands.conclusion import Concluded
    from keyleak.commands.options import ReportOptions
    from keyleak.commands.review import Base
    from keyleak.reports.report import Report
    from keyleak.rulebook.model import Rulebook
    from keyleak.secret import Secret


@dataclass(frozen=True, slots=True)
class Head:
    """The commit that is checked out, and what judges it."""

    repository: str
    commit: str
    base: Base | None
    """None where its own configuration does, as it lies in the checkout."""


@dataclass(frozen=True, slots=True)
class _State:
    """A category."""

    report: Report
    rulebook: Rulebook
    secrets: frozenset[Secret]


def write_sarif(
    file: str, head: Head | None, history: Concluded | None, options: ReportOptions, console: Console
) -> bool:
    """Write the SARIF report of HEAD and, where it was read, of all history.

    Args:
        file: where it is written.
        head: None where nothing is checked out.
        history: how the reading of the whole history ended; None where only a part was read.
        options: what the command line says.
        console: told what is left out.

    Returns:
        Whether anything was left to be written.

    Raises:
        KeyleakError: HEAD cannot be read, or the report not be written.
    """
    states = {AT_HEAD: _state_of(head, options)} if head else {}
    if history is not None:
        at_head = states[AT_HEAD].secrets if head else frozenset()
        elsewhere = tuple(each for each in history.report.findings if each.secret not in at_head)
        report = replace(history.report, findings=elsewhere)
        states[ONLY_IN_HISTORY] = _State(report, history.rulebook, history.secrets)
    for category, state in list(states.items()):
        if not (state.report.coverage.complete or options.allow_incomplete):
            console.note(
                f"the SARIF report has no category {category}: not all of it was read, so that alerts which"
                " stay open would be closed"
            )
            del states[category]
    if not states:
        return False
    masker = Masker({secret for state in states.values() for secret in state.secrets})
    rendered = render_categories(
        [(name, state.report, Presentation(state.rulebook, masker)) for name, state in states.items()]
    )
    masker.check(rendered)
    write(rendered, file)
    return True


def _state_of(head: Head, options: ReportOptions) -> _State:
    """What the files of HEAD hold. What is to be said about entries and markers was said of the event."""
    with ExitStack() as until_decided:
        if head.base is None:
            options = configured(options, [head.repository], Reads.HISTORY, Console(quiet=True))
        else:
            options = configured_by_base(options, head.base, Console(quiet=True), until_decided)
        rulebook = checked_rulebook(options)
        started, clock = datetime.now(UTC), time.monotonic()
        request = CommitRequest(head.repository, head.commit, options.rule_folders, options.processes())
        reading = read_commit(request, inspector_for(rulebook, options))
        # An empty commit is a commit.
        work = Work("history", head.repository, started, clock, may_be_empty=True)
        report = report_of(work, reading, rulebook, options, Console(quiet=True))
    return _State(report, rulebook, frozenset(each.secret for each in reading.sightings))

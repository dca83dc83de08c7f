"""`keyleak staged`: what `git commit` would record."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyleak.commands.destinations import check_show_secrets
from keyleak.commands.kept_words import keep_words
from keyleak.commands.options import ReportOptions, checked_rulebook, inspector_for
from keyleak.commands.settings import Reads, configured
from keyleak.git.index import list_staged
from keyleak.sources.index import notes_on, read_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.console import Console
    from keyleak.errors import ExitCode
    from keyleak.git.index import Listed


def staged(
    paths: Sequence[str],
    options: ReportOptions,
    console: Console,
    seen: Listed | None = None,
    *,
    with_files: bool = False,
) -> ExitCode:
    """Read the index, report, and say how it went.

    Args:
        paths: read the staged version of these, changed or not; without any, whatever the index changes.
        options: what every scan can be asked for.
        console: where words go.
        seen: what a glance listed of these paths already.
        with_files: whether files that differ from their staged version are read as well.

    Raises:
        KeyleakError: there is no repository, git cannot read it, or the report could not be written.
    """
    check_show_secrets(options.delivery)
    options = configured(options, ["."], Reads.INDEX, console)
    rulebook = checked_rulebook(options)
    started, clock = datetime.now(UTC), time.monotonic()
    repository, listed = seen or list_staged(paths, os.environ)
    inspector = inspector_for(rulebook, options)
    reading = read_index(repository, listed, inspector, with_files=with_files)
    # A glance has used the words, so they are kept.
    if not options.rule_folders and seen is None:
        keep_words(inspector.words, inspector.stems)
    for note in notes_on(listed, with_files=with_files):
        console.note(note)

    from keyleak.commands.conclusion import Work, conclude, shown_paths  # noqa: PLC0415 - after reading

    work = Work(
        "staged", shown_paths(paths) or "index", started, clock, inspector=inspector, may_be_empty=True
    )
    return conclude(work, reading, rulebook, options, console)

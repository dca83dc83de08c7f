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
from keyleak.git.index import changed_entries, named_entries
from keyleak.git.inherited import inherited_repository
from keyleak.sources.index import notes_on, read_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.console import Console
    from keyleak.errors import ExitCode


def staged(paths: Sequence[str], options: ReportOptions, console: Console) -> ExitCode:
    """Read the index, report, and say how it went.

    Args:
        paths: read the staged version of these, changed or not; without any, whatever the index changes.
        options: what every scan can be asked for.
        console: where words go.

    Raises:
        KeyleakError: there is no repository, git cannot read it, or the report could not be written.
    """
    check_show_secrets(options.delivery)
    options = configured(options, ["."], Reads.INDEX, console)
    rulebook = checked_rulebook(options)
    started, clock = datetime.now(UTC), time.monotonic()
    repository = inherited_repository(".", os.environ)
    listed = named_entries(repository, paths) if paths else changed_entries(repository)
    inspector = inspector_for(rulebook, options)
    reading = read_index(repository, listed, inspector)
    if not options.rule_folders:
        keep_words(inspector.words)
    for note in notes_on(listed):
        console.note(note)

    from keyleak.commands.conclusion import Work, conclude, shown_paths  # noqa: PLC0415 - after reading

    work = Work("staged", shown_paths(paths) or "index", started, clock, inspector=inspector)
    return conclude(work, reading, rulebook, options, console)

"""A repository read whole, and the keys of it that are meant: what `fix` and its check begin with."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyleak.commands.conclusion import Work, findings_of
from keyleak.commands.saved_report import ids_of_report
from keyleak.coverage import Coverage
from keyleak.errors import UsageError
from keyleak.findings import Severity, Status
from keyleak.git.process import run
from keyleak.git.worktree import is_own_tree
from keyleak.remediation.document import masked, render
from keyleak.reports.masking import Masker
from keyleak.sources.files import Reading, read_paths
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.terminal import printable
from keyleak.termination import interruption_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.commands.console import Console
    from keyleak.commands.fix import FixOptions
    from keyleak.commands.options import ReportOptions
    from keyleak.findings import Finding
    from keyleak.remediation.document import DocumentFormat, FixDocument
    from keyleak.secret import Secret
    from keyleak.sources.inspector import Inspector


def read_repository(
    root: str, inspector: Inspector, options: ReportOptions, console: Console
) -> tuple[Reading, Reading]:
    """Everything a repository holds, and the files of its work tree.

    Raises:
        GitError: git does not read it.
        KeyboardInterrupt: the user stopped it.
    """
    request = HistoryRequest(
        root,
        rule_folders=options.rule_folders,
        jobs=options.processes(),
        traces_gaps=options.settings is not None and options.settings.traces_gaps,
    )
    with console.progress("reading history") as progress:
        history = read_history(request, inspector, progress.update)
    if history.interrupted:
        raise interruption_by(history.interrupted)
    if run(["rev-parse", "--is-bare-repository"], root).strip() == b"true":
        return history, Reading((), Coverage())
    with console.progress("reading files") as progress:
        files = read_paths([root], lambda: inspector, jobs=1, progress=progress.update)
    if files.interrupted:
        raise interruption_by(files.interrupted)
    return history, files


def repository_root(repository: str) -> str:
    """The top of a work tree, or a bare repository, as an absolute path.

    Raises:
        UsageError: there is no such folder, or the repository takes another one for its work tree.
        GitError: git does not take it for a repository.
    """
    if not os.path.isdir(repository):
        raise UsageError(f"{repository}: no such folder; name a repository on this machine")
    git_dir = _answer(repository, "--absolute-git-dir")
    if _answer(repository, "--is-inside-work-tree") != "true":
        return git_dir
    top = _answer(repository, "--show-toplevel")
    if not is_own_tree(top, git_dir):
        raise UsageError(
            f"{repository} is configured to have its files in {top} (core.worktree), which does not name it"
            " in turn, so those files are not read; name the work tree itself"
        )
    return top


def _answer(repository: str, question: str) -> str:
    return os.fsdecode(run(["rev-parse", question], repository).removesuffix(b"\n"))


def chosen_ids(options: FixOptions) -> frozenset[str]:
    """Ids that the options name, themselves or by a report; empty for all.

    Raises:
        UsageError: the report cannot be read.
    """
    return options.ids | ids_of_report(options.saved_report) if options.saved_report else options.ids


def leaks_of(reading: Reading, options: FixOptions, console: Console) -> list[Finding]:
    """The findings of a reading that are to be fixed: all that are asked for, else new ones that count.

    Raises:
        UsageError: findings are asked for, and none of them is here.
    """
    work = Work("fix", options.repository, datetime.now(UTC), time.monotonic(), notes_ignored=True)
    every = findings_of(work, reading, options.report, console)
    return [each for each in every if each.status is Status.NEW and each.severity is not Severity.NOTE]


def masked_document(document: FixDocument, form: DocumentFormat, secrets: Iterable[Secret]) -> str:
    """A document without any key.

    Args:
        document: what to write.
        form: how it is written.
        secrets: every key that was found, whether the document is about it or not.

    Raises:
        KeyInOutputError: a key is in it all the same.
    """
    masker = Masker(secrets)
    text = render(masked(document, masker.mask), form)
    masker.check(text)
    return text


def write_out(text: str) -> None:
    """Text to standard output, without anything that a terminal would act on."""
    clean = "\n".join(printable(line) for line in text.split("\n"))
    sys.stdout.buffer.write(clean.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()

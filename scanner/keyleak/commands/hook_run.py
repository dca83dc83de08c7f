"""`keyleak hook run STAGE`: what git, or the pre-commit framework, starts. Whatever goes wrong blocks."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.commands.options import ReportOptions, checked_rulebook
from keyleak.commands.settings import Reads, configured
from keyleak.commands.skip import VARIABLE, skipped
from keyleak.errors import ExitCode, UsageError
from keyleak.git.inherited import inherited_repository
from keyleak.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keyleak.commands.console import Console
    from keyleak.commands.review import Base
    from keyleak.git.index import Listed
    from keyleak.git.inherited import Repository
    from keyleak.git.pushes import RefUpdate
    from keyleak.git.scope import Scope
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.files import Reading


class Stage(Enum):
    """When git asks."""

    PRE_COMMIT = "pre-commit"
    PRE_MERGE_COMMIT = "pre-merge-commit"
    COMMIT_MSG = "commit-msg"
    PRE_PUSH = "pre-push"
    PRE_RECEIVE = "pre-receive"


# What is stopped, and what somebody who wants to go on all the same types.
_STOPPED: Final = {
    Stage.PRE_COMMIT: ("nothing was committed", "git commit"),
    Stage.PRE_MERGE_COMMIT: ("nothing was merged", "git merge"),
    Stage.COMMIT_MSG: ("nothing was committed", "git commit"),
    Stage.PRE_PUSH: ("nothing was pushed", "git push"),
    Stage.PRE_RECEIVE: ("the push was not accepted", "on the server, for git-receive-pack"),
}


@dataclass(frozen=True, slots=True)
class HookCall:
    """One start of a hook."""

    stage: Stage
    arguments: tuple[str, ...]
    """What git gave: files, a message's file, a remote's name and URL."""
    environ: Mapping[str, str]
    options: ReportOptions
    console: Console
    seen: Listed | None = None
    """What a glance listed already, of a commit."""


def run_hook(call: HookCall) -> ExitCode:
    """Look at what git is about to record, send or accept.

    Raises:
        KeyleakError: it could not be looked at, so that git has to stop.
    """
    code = ExitCode.CRASH
    try:
        code = ExitCode.CLEAN if skipped(call.stage.value, call.environ, call.console) else _checked(call)
    finally:
        if code is not ExitCode.CLEAN:
            happened, command = _STOPPED[call.stage]
            call.console.error(
                f"{happened}. To go on all the same, once and recorded: {VARIABLE}='reason' {command}"
            )
    return code


def _checked(call: HookCall) -> ExitCode:
    if call.stage in {Stage.PRE_COMMIT, Stage.PRE_MERGE_COMMIT}:
        from keyleak.commands.staged import staged  # noqa: PLC0415 - each stage loads what it needs

        # The framework puts aside what is not staged, but not where somebody names files or wants them all.
        named = bool(call.environ.get("PRE_COMMIT"))
        return staged(call.arguments, call.options, call.console, call.seen, with_files=named)
    checks = {Stage.COMMIT_MSG: _message, Stage.PRE_PUSH: _sent, Stage.PRE_RECEIVE: _received}
    return checks[call.stage](call)


def _message(call: HookCall) -> ExitCode:
    from keyleak.sources.inspector import Inspector  # noqa: PLC0415
    from keyleak.sources.message import read_messages  # noqa: PLC0415

    paths = call.arguments or _message_files(inherited_repository(".", call.environ))

    def read(rulebook: Rulebook, _options: ReportOptions) -> Reading:
        return read_messages(paths, Inspector(rulebook))

    return _concluded(call, "staged", "commit message", read)


def _message_files(repository: Repository) -> list[str]:
    """Where git keeps the message, for a framework that does not say."""
    places = [os.path.join(repository.git_dir, name) for name in ("COMMIT_EDITMSG", "MERGE_MSG")]
    found = [place for place in places if os.path.exists(place)]
    if not found:
        raise UsageError("no file with a commit message was named, and git has none")
    return found


def _sent(call: HookCall) -> ExitCode:
    from keyleak.git.pushes import Push, sent_scope, sent_updates  # noqa: PLC0415
    from keyleak.git.tracking import known_to, unconfirmed  # noqa: PLC0415

    repository = _at_git_folder(call)
    if call.environ.get("PRE_COMMIT"):
        from keyleak.git.framework import framework_push  # noqa: PLC0415 - only inside that framework

        push = framework_push(repository, call.environ)
    else:
        remote, url, *_ = (*call.arguments, "", "")
        push = Push(tuple(sent_updates(_lines_of_git())), remote, url)
    known = known_to(repository, push)
    if known.doubt:
        call.console.note(unconfirmed(known.doubt))
    return _pushed(call, repository, sent_scope(repository, push, known), push.updates)


def _received(call: HookCall) -> ExitCode:
    from keyleak.git.pushes import (  # noqa: PLC0415
        in_quarantine,
        judging_commit,
        received_commits,
        received_scope,
        received_updates,
    )

    receiving = _at_git_folder(call)
    repository = in_quarantine(receiving, call.environ)
    updates = received_updates(_lines_of_git())
    from keyleak.commands.review import Base  # noqa: PLC0415 - on a server alone

    base = Base(
        repository.folder,
        judging_commit(receiving, updates),
        received_commits(repository, updates),
        keep=repository.keep,
    )
    return _pushed(call, repository, received_scope(repository, updates), updates, base)


def _lines_of_git() -> bytes:
    """What git writes about the refs of a push.

    Raises:
        UsageError: nothing can be read; no line would mean that nothing is pushed.
    """
    try:
        return sys.stdin.buffer.read()
    except (AttributeError, OSError) as error:
        raise UsageError("standard input, where git names the refs of a push, cannot be read") from error


def _at_git_folder(call: HookCall) -> Repository:
    """The repository without its work tree, which a push has nothing to do with."""
    found = inherited_repository(".", call.environ)
    return found._replace(folder=found.git_dir, keep=())


def _pushed(
    call: HookCall,
    repository: Repository,
    scope: Scope,
    updates: Sequence[RefUpdate],
    base: Base | None = None,
) -> ExitCode:
    refs = [update.ref for update in updates if update.new]
    if not refs:
        # Only deletions, or nothing: no object is new, and no name stays.
        return ExitCode.CLEAN
    from keyleak.sources.inspector import Inspector  # noqa: PLC0415
    from keyleak.sources.pushed import read_push  # noqa: PLC0415

    def read(rulebook: Rulebook, options: ReportOptions) -> Reading:
        traces = options.settings is not None and options.settings.traces_gaps
        return read_push(repository.folder, scope, refs, Inspector(rulebook), traces_gaps=traces)

    return _concluded(call, "history", ", ".join(refs), read, base)


def _concluded(
    call: HookCall,
    kind: str,
    target: str,
    read: Callable[[Rulebook, ReportOptions], Reading],
    base: Base | None = None,
) -> ExitCode:
    with ExitStack() as until_reported:
        options = _configured(call, kind, base, until_reported)
        rulebook = checked_rulebook(options)
        started, clock = datetime.now(UTC), time.monotonic()
        reading = read(rulebook, options)

        from keyleak.commands.conclusion import Work, conclude  # noqa: PLC0415 - after reading

        scope = "what the push brings" if kind == "history" else None
        stage = call.stage.value if kind == "history" else None
        work = Work(kind, target, started, clock, scope=scope, stage=stage, may_be_empty=True)
        return conclude(work, reading, rulebook, options, call.console)


def _configured(call: HookCall, kind: str, base: Base | None, until_reported: ExitStack) -> ReportOptions:
    if base is None:
        reads = Reads.HISTORY if kind == "history" else Reads.INDEX
        return configured(call.options, ["."], reads, call.console)
    from keyleak.commands.review import configured_by_base  # noqa: PLC0415 - on a server alone

    options = configured_by_base(call.options, base, call.console, until_reported)
    for gap in options.settings.review.gaps if options.settings and options.settings.review else ():
        # It decides nothing, and whether a branch has a working configuration is not the server's business.
        call.console.note(f"{gap.what}: {gap.reason}")
    return options

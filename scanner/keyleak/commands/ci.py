"""`keyleak hook run github-action` and `gitlab-ci`: what a pipeline was started for, looked at and reported.

The range comes from the event (`keyleak.commands.ci_events`): a pull request's commits, both parents of
merges included, a push's, or the whole history where nothing narrows it down. What is found there is judged
by what the change is to be merged into (`keyleak.commands.review`).
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from keyleak.commands.ci_events import HERE, github_event, gitlab_event
from keyleak.commands.destinations import DeliveryOptions, Destination
from keyleak.commands.head_report import Head, write_sarif
from keyleak.commands.history import HistoryOptions, history_report
from keyleak.errors import ExitCode, SourceError, UsageError
from keyleak.findings import Severity
from keyleak.git.scope import Scope
from keyleak.records import dataclass, replace
from keyleak.reports.formats import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.commands.ci_events import Brought
    from keyleak.commands.conclusion import Concluded
    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions

_NEVER: Final = "never"
_SARIF: Final = "keyleak.sarif"
_JSON: Final = "keyleak.json"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A step of a pipeline."""

    environ: Mapping[str, str]
    options: ReportOptions
    console: Console


def github_action(pipeline: Pipeline) -> ExitCode:
    """Look at what an event brought; annotations, SARIF, a summary and outputs for later steps.

    Reads GitHub's variables and event file (https://docs.github.com/actions, "Variables", "Webhook events")
    and those that `action.yml` sets from its inputs.

    Raises:
        ConfigError: the event file is missing or no event, or a configuration is wrong.
        UsageError: an input makes no sense, or the checkout lacks commits of the event.
        KeyleakError: the repository cannot be read or a report not be written.
    """
    environ, inputs = pipeline.environ, _inputs(pipeline)
    asked = environ.get("KEYLEAK_SCOPE") or "event"
    if asked not in {"event", "history"}:
        raise UsageError(f"scope {asked!r} is none of: event, history")
    folder = environ.get("RUNNER_TEMP") or HERE
    sarif = _writable(environ.get("KEYLEAK_SARIF") or os.path.join(folder, _SARIF))
    destinations = [
        Destination(Format.GITHUB, None),
        Destination(Format.JSON, _writable(os.path.join(folder, _JSON))),
    ]
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        destinations.append(Destination(Format.MARKDOWN, summary))
    brought = github_event(environ, pipeline.console)
    if asked == "history":
        brought = replace(brought, scope=Scope(), base=replace(brought.base, whole=True))
    done = _looked_at(pipeline, inputs, brought, destinations)
    _output(environ, "findings", str(len(done.report.leaks())))
    _output(environ, "sarif", sarif if _write_sarif(pipeline, inputs, brought, done, sarif) else "")
    return _by_policy(done, inputs.fail_on)


def gitlab_ci(pipeline: Pipeline) -> ExitCode:
    """The same for GitLab, from its predefined variables (https://docs.gitlab.com/ci/variables).

    Raises:
        KeyleakError: see `github_action`.
    """
    inputs = _inputs(pipeline)
    destinations = [Destination(Format.TEXT, None), Destination(Format.JSON, _writable(_JSON))]
    sarif, brought = _writable(_SARIF), gitlab_event(pipeline.environ)
    done = _looked_at(pipeline, inputs, brought, destinations)
    _write_sarif(pipeline, inputs, brought, done, sarif)
    return _by_policy(done, inputs.fail_on)


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What both systems are asked for in the same way."""

    report: ReportOptions
    fail_on: Severity | None
    """The least severity that fails the step; None for none."""
    trusts_head: bool
    """Whether the configuration that lies in the checkout decides."""
    submodules: bool


def _inputs(pipeline: Pipeline) -> _Inputs:
    environ, options = pipeline.environ, pipeline.options
    allowed = options.allow_incomplete or _yes_or_no(environ, "allow-incomplete")
    return _Inputs(
        replace(options, allow_incomplete=allowed),
        _fail_on(environ),
        _yes_or_no(environ, "trust-head-config"),
        _yes_or_no(environ, "submodules"),
    )


def _looked_at(
    pipeline: Pipeline, inputs: _Inputs, brought: Brought, destinations: list[Destination]
) -> Concluded:
    delivery = DeliveryOptions(tuple(destinations), colour=pipeline.options.delivery.colour)
    asked = HistoryOptions(
        HERE,
        brought.scope,
        submodules=inputs.submodules,
        may_be_empty=True,
        base=None if inputs.trusts_head else brought.base,
        report=replace(inputs.report, delivery=delivery),
    )
    return history_report(asked, pipeline.console)


def _write_sarif(pipeline: Pipeline, inputs: _Inputs, brought: Brought, done: Concluded, file: str) -> bool:
    """Write the state of HEAD, and of history where all of it was read; says whether there is such a file.

    Raises:
        KeyleakError: HEAD cannot be read, or the report not be written.
    """
    if done.code.is_interruption:
        return False
    head = None
    if brought.head is not None:
        commit = brought.head if brought.is_merged else brought.base.commit
        base = replace(brought.base, commit=commit, whole=True)
        head = Head(HERE, brought.head, None if inputs.trusts_head else base)
    history = done if brought.scope.is_everything else None
    return write_sarif(file, head, history, inputs.report, pipeline.console)


def _fail_on(environ: Mapping[str, str]) -> Severity | None:
    """The least severity that fails the step; None for none."""
    text = environ.get("KEYLEAK_FAIL_ON", "")
    if text == _NEVER:
        return None
    try:
        return Severity(text or Severity.LOW.value)
    except ValueError:
        known = ", ".join([*(each.value for each in Severity if each is not Severity.NOTE), _NEVER])
        raise UsageError(f"fail-on {text!r} is none of: {known}") from None


def _yes_or_no(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(f"KEYLEAK_{name.upper().replace('-', '_')}") or "false"
    if text not in {"true", "false"}:
        raise UsageError(f"{name} {text!r} is none of: true, false")
    return text == "true"


def _by_policy(done: Concluded, fail_on: Severity | None) -> ExitCode:
    if done.code is not ExitCode.FINDINGS:
        return done.code
    failing = fail_on is not None and any(each.severity.rank <= fail_on.rank for each in done.report.leaks())
    return ExitCode.FINDINGS if failing else ExitCode.CLEAN


def _writable(path: str) -> str:
    """The path of a report, after a look at what is there: the checkout may hold a link of that name.

    Raises:
        UsageError: it is a link or no file, a folder on the way to it in the checkout is a link, or it cannot
            be a line of the runner's output file.
    """
    if any(ord(character) < 32 or character in "\x7f\x85\u2028\u2029" for character in path):
        raise UsageError("a line break or control character in the name of a report")
    whole = os.path.abspath(path)
    if os.path.lexists(whole) and not stat.S_ISREG(os.lstat(whole).st_mode):
        raise UsageError(f"{path} is a link or no regular file, so no report is written there")
    checkout = os.path.realpath(HERE)
    above = os.path.dirname(whole)
    while above != os.path.dirname(above):
        parent = os.path.realpath(os.path.dirname(above))
        if os.path.islink(above) and (parent + os.sep).startswith(checkout + os.sep):
            raise UsageError(f"{above} is a link in the checkout, so no report is written behind it")
        above = os.path.dirname(above)
    # Not as it was written: `..` behind a link would lead elsewhere.
    return os.path.normpath(path)


def _output(environ: Mapping[str, str], name: str, value: str) -> None:
    """A line for the runner; `_writable` saw to it that no value has a line break."""
    path = environ.get("GITHUB_OUTPUT")
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{name}={value}\n")
    except OSError as error:
        raise SourceError(path, f"cannot be written: {error.strerror}") from error

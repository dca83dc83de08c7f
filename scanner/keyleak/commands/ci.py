"""`keyleak hook run github-action` and `gitlab-ci`: what a pipeline was started for, looked at and reported.

The range comes from the event: a pull request's commits, both parents of merges included, a push's, or the
whole history where nothing narrows it down. Whatever names commits that are not in the checkout stops, with
the depth to set: a range that silently became shorter would let keys pass.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from keyleak.commands.destinations import DeliveryOptions, Destination
from keyleak.commands.history import HistoryOptions, history
from keyleak.errors import ConfigError, ExitCode, SourceError, UsageError
from keyleak.findings import Severity, Status
from keyleak.git.process import run
from keyleak.git.scope import Scope
from keyleak.reports.formats import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions

_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
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
        ConfigError: the event file is missing or no event.
        UsageError: an input makes no sense, or the checkout lacks commits of the event.
        KeyleakError: the repository cannot be read or a report not be written.
    """
    environ = pipeline.environ
    fail_on = _fail_on(environ.get("KEYLEAK_FAIL_ON", ""))
    asked = environ.get("KEYLEAK_SCOPE") or "event"
    if asked not in {"event", "history"}:
        raise UsageError(f"scope {asked!r} is none of: event, history")
    scope = Scope() if asked == "history" else _github_scope(environ, pipeline.console)
    folder = environ.get("RUNNER_TEMP") or "."
    sarif = environ.get("KEYLEAK_SARIF") or os.path.join(folder, _SARIF)
    written = os.path.join(folder, _JSON)
    destinations = [
        Destination(Format.GITHUB, None),
        Destination(Format.SARIF, sarif),
        Destination(Format.JSON, written),
    ]
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        destinations.append(Destination(Format.MARKDOWN, summary))
    code = _history(pipeline, scope, destinations)
    severities = _leaks(written)
    _output(environ, {"findings": str(len(severities)), "sarif": sarif})
    return _by_policy(code, severities, fail_on)


def gitlab_ci(pipeline: Pipeline) -> ExitCode:
    """The same for GitLab, from its predefined variables (https://docs.gitlab.com/ci/variables).

    Raises:
        KeyleakError: see `github_action`.
    """
    environ = pipeline.environ
    fail_on = _fail_on(environ.get("KEYLEAK_FAIL_ON", ""))
    destinations = [
        Destination(Format.TEXT, None),
        Destination(Format.SARIF, _SARIF),
        Destination(Format.JSON, _JSON),
    ]
    code = _history(pipeline, _gitlab_scope(environ), destinations)
    return _by_policy(code, _leaks(_JSON), fail_on)


def _history(pipeline: Pipeline, scope: Scope, destinations: list[Destination]) -> ExitCode:
    delivery = DeliveryOptions(tuple(destinations), colour=pipeline.options.delivery.colour)
    options = replace(pipeline.options, delivery=delivery)
    return history(HistoryOptions(".", scope, may_be_empty=True, report=options), pipeline.console)


def _github_scope(environ: Mapping[str, str], console: Console) -> Scope:
    name = environ.get("GITHUB_EVENT_NAME", "")
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    if name in {"pull_request", "pull_request_target", "pull_request_review"}:
        pull = _mapping(event, "pull_request")
        return _between(_oid(_mapping(pull, "base"), "sha"), _oid(_mapping(pull, "head"), "sha"))
    if name == "merge_group":
        group = _mapping(event, "merge_group")
        return _between(_oid(group, "base_sha"), _oid(group, "head_sha"))
    if name != "push":
        return Scope()
    before, after = _oid(event, "before"), _oid(event, "after")
    if not after.strip("0"):
        console.note("a deleted ref brings nothing, so the commit at hand stands for it")
        after = before = environ.get("GITHUB_SHA", "HEAD")
    default = str(_mapping(event, "repository").get("default_branch", ""))
    return _pushed(before, after, default, str(event.get("ref", "")))


def _gitlab_scope(environ: Mapping[str, str]) -> Scope:
    head = environ.get("CI_COMMIT_SHA", "HEAD")
    if environ.get("CI_PIPELINE_SOURCE") in {"schedule", "web", "api", "trigger"}:
        return Scope()
    if base := environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        return _between(base, head)
    before = environ.get("CI_COMMIT_BEFORE_SHA", "")
    branch = environ.get("CI_COMMIT_BRANCH", "")
    return _pushed(before, head, environ.get("CI_DEFAULT_BRANCH", ""), f"refs/heads/{branch}")


def _between(base: str, head: str) -> Scope:
    for oid in (base, head):
        if not _is_here(oid):
            raise UsageError(
                f"commit {oid} is not in this checkout, so what came since is not known: fetch all of it"
                " (GitHub: actions/checkout with `fetch-depth: 0`; GitLab: `GIT_DEPTH: 0`)"
            )
    # What is checked out may be the merge of both, with content that neither has.
    return Scope((head, "HEAD", f"^{base}"))


def _pushed(before: str, after: str, default: str, ref: str) -> Scope:
    """From what was there before, or where a branch is new or was rewritten, from the default branch."""
    if before.strip("0") and _is_here(before):
        return Scope((after, f"^{before}"))
    trunk = f"refs/remotes/origin/{default}"
    if default and ref != f"refs/heads/{default}" and _is_here(trunk):
        return Scope((after, f"^{trunk}"))
    return Scope((after,))


def _is_here(revision: str) -> bool:
    command = ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}"]
    return bool(run(command, ".", accept=(0, 1, 128)).strip())


def _event(path: str) -> Mapping[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            event = json.load(file)
    except OSError as error:
        raise ConfigError(path or "GITHUB_EVENT_PATH", None, f"no event file: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(path, None, "the event file is not JSON") from error
    if not isinstance(event, dict):
        raise ConfigError(path, None, "the event file holds no event")
    return event


def _mapping(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = event.get(name)
    if not isinstance(found, dict):
        raise ConfigError("the event file", None, f"has no {name!r}, so what to look at is not known")
    return found


def _oid(event: Mapping[str, Any], name: str) -> str:
    found = event.get(name)
    if not isinstance(found, str) or not _OBJECT_ID.match(found):
        raise ConfigError("the event file", None, f"has no commit {name!r}, so what to look at is not known")
    return found


def _fail_on(text: str) -> Severity | None:
    """The least severity that fails the step; None for none."""
    if text == _NEVER:
        return None
    try:
        return Severity(text or Severity.LOW.value)
    except ValueError:
        known = ", ".join([*(each.value for each in Severity if each is not Severity.NOTE), _NEVER])
        raise UsageError(f"fail-on {text!r} is none of: {known}") from None


def _leaks(path: str) -> list[Severity]:
    """The severities of what counts in a JSON report."""
    try:
        with open(path, encoding="utf-8") as file:
            findings = json.load(file)["findings"]
    except (OSError, ValueError) as error:
        raise SourceError(path, "the report that was just written cannot be read") from error
    new = [Severity(each["severity"]) for each in findings if each["status"] == Status.NEW.value]
    return [severity for severity in new if severity is not Severity.NOTE]


def _by_policy(code: ExitCode, severities: list[Severity], fail_on: Severity | None) -> ExitCode:
    if code is not ExitCode.FINDINGS:
        return code
    failing = fail_on is not None and any(severity.rank <= fail_on.rank for severity in severities)
    return ExitCode.FINDINGS if failing else ExitCode.CLEAN


def _output(environ: Mapping[str, str], values: Mapping[str, str]) -> None:
    path = environ.get("GITHUB_OUTPUT")
    if not path:
        return
    if any("\n" in value for value in values.values()):
        raise UsageError("a line break in the name of the SARIF file")
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())
    except OSError as error:
        raise SourceError(path, f"cannot be written: {error.strerror}") from error

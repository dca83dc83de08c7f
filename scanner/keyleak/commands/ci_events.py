"""What a pipeline was started for: which part of history, and what it is judged by.

Everything here comes from outside: GitHub's event file and both systems' variables. Ids have to be ids and
names of branches have to be names, or the run stops.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from keyleak.commands.review import Base
from keyleak.errors import ConfigError, UsageError
from keyleak.git.process import run
from keyleak.git.scope import Scope
from keyleak.records import dataclass
from keyleak.regular_file import EVENT_LIMIT, read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.commands.console import Console

HERE: Final = "."

_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
# Of what git takes for a branch, nothing that a revision could mean something else by.
_BRANCH: Final = re.compile(
    r"(?![-/.])(?!.*(?:\.\.|//|@\{|\.lock(?:/|\Z)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])\Z"
)
_DEPTH: Final = "have actions/checkout fetch all of it, with `fetch-depth: 0`"
_TARGET: Final = (
    f"{_DEPTH}, `ref: ${{{{ github.event.pull_request.head.sha }}}}` (else it takes the base)"
    " and `persist-credentials: false`"
)
_GITLAB_DEPTH: Final = "set `GIT_DEPTH: 0` for the job"

_PULL_REQUESTS: Final = frozenset(
    {"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"}
)
# What is checked out for these was chosen by somebody who may write to the repository.
_BY_MEMBERS: Final = frozenset({"schedule", "workflow_dispatch", "repository_dispatch"})
_WITHOUT_RANGE: Final = frozenset({"schedule", "web", "api", "trigger"})


@dataclass(frozen=True, slots=True)
class Brought:
    """What a pipeline is to look at."""

    scope: Scope
    base: Base
    head: str | None = None
    """The id of the commit that is checked out; None before the first one."""
    is_merged: bool = False
    """Whether that commit is the default branch's by now: its own configuration is what counts there."""


def github_event(environ: Mapping[str, str], console: Console) -> Brought:
    """What an event of GitHub brought.

    Args:
        environ: the variables of the runner.
        console: told what is taken for what.

    Raises:
        ConfigError: the event file is missing, no regular file, or no event.
        UsageError: the checkout lacks commits of the event, or a variable makes no sense.
        GitError: git does not read the checkout.
    """
    _refuse_unreadable()
    name = environ.get("GITHUB_EVENT_NAME", "")
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    if name in _PULL_REQUESTS:
        pull = _mapping(event, "pull_request")
        base, head = _oid(_mapping(pull, "base"), "sha"), _oid(_mapping(pull, "head"), "sha")
        return _between(base, head, _TARGET if name == "pull_request_target" else _DEPTH)
    if name == "merge_group":
        group = _mapping(event, "merge_group")
        return _between(_oid(group, "base_sha"), _oid(group, "head_sha"), _DEPTH)
    default = _default_branch(event)
    if name != "push":
        own = _variable_oid(environ, "GITHUB_SHA") if name in _BY_MEMBERS else None
        return _everything(default, environ.get("GITHUB_REF", ""), own)
    before, after = _oid(event, "before"), _oid(event, "after")
    if not after.strip("0"):
        console.note("a deleted ref brings nothing, so the commit that is checked out is looked at instead")
        after = before = _variable_oid(environ, "GITHUB_SHA")
    return _pushed(before, after, default, _text(event, "ref"))


def gitlab_event(environ: Mapping[str, str]) -> Brought:
    """What a pipeline of GitLab was started for.

    Raises:
        UsageError: the checkout lacks commits of it, or a variable makes no sense.
        GitError: git does not read the checkout.
    """
    _refuse_unreadable()
    head = _variable_oid(environ, "CI_COMMIT_SHA")
    default = environ.get("CI_DEFAULT_BRANCH", "")
    if default and not _BRANCH.match(default):
        raise UsageError(f"CI_DEFAULT_BRANCH is {default!r}, which is no name of a branch")
    ref = f"refs/heads/{environ.get('CI_COMMIT_BRANCH', '')}"
    if environ.get("CI_PIPELINE_SOURCE") in _WITHOUT_RANGE:
        return _everything(default, ref, head)
    if environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        return _between(_variable_oid(environ, "CI_MERGE_REQUEST_DIFF_BASE_SHA"), head, _GITLAB_DEPTH)
    before = _variable_oid(environ, "CI_COMMIT_BEFORE_SHA") if environ.get("CI_COMMIT_BEFORE_SHA") else "0"
    return _pushed(before, head, default, ref)


def _refuse_unreadable() -> None:
    """Raises GitError where git does not read the checkout at all, which no depth of fetching mends."""
    run(["rev-parse", "--git-dir"], HERE)


def _between(base: str, head: str, advice: str) -> Brought:
    for oid in (base, head):
        if not _commit(oid):
            raise UsageError(
                f"commit {oid} is not in this checkout, so what came since is not known: {advice}"
            )
    # What is checked out may be the merge of both, with content that neither has.
    return Brought(Scope((head, "HEAD", f"^{base}")), _judged_by(base, head), _commit("HEAD"))


def _pushed(before: str, after: str, default: str, ref: str) -> Brought:
    """From what was there before, or where a branch is new or was rewritten, from the default branch.

    Whoever may push to another branch could bring an entry first and its key next. So these are judged by the
    default branch, and by what was there before only where the default branch is not in the checkout.
    """
    known = _commit(before) if before.strip("0") else None
    merged = _default_commit(default) if ref != f"refs/heads/{default}" else None
    since = known or merged
    return Brought(
        Scope((after, f"^{since}") if since else (after,)),
        _judged_by(merged or known, after),
        head := _commit("HEAD"),
        is_merged=bool(default) and ref == f"refs/heads/{default}" and head == _commit(after),
    )


def _everything(default: str, ref: str, checked_out: str | None) -> Brought:
    """All of history, judged by the default branch.

    Args:
        default: the name of the default branch, empty where it is not known.
        ref: the ref that the pipeline runs for.
        checked_out: the commit that it runs for; None where that may be anybody's.
    """
    elsewhere = default and ref and ref != f"refs/heads/{default}"
    commit = _default_commit(default) if elsewhere or checked_out is None else _commit(checked_out)
    return Brought(Scope(), _judged_by(commit, whole=True), _commit("HEAD"))


def _judged_by(commit: str | None, *heads: str, whole: bool = False) -> Base:
    known = (_commit(head) for head in (*heads, "HEAD"))
    return Base(HERE, commit, tuple(dict.fromkeys(head for head in known if head)), whole)


def _default_commit(name: str) -> str | None:
    """What the default branch is on the side that the checkout came from, or None."""
    if not name:
        return None
    # By its whole name: `rev-parse` would take a tag of that name, too, which anybody may have pushed.
    command = ["show-ref", "--verify", "--hash", f"refs/remotes/origin/{name}"]
    found = run(command, HERE, accept=(0, 1, 128)).decode().strip()
    return _commit(found) if found else None


def _commit(revision: str) -> str | None:
    """The id of a commit that is here, or None.

    Args:
        revision: an id, or HEAD.
    """
    command = ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}"]
    return run(command, HERE, accept=(0, 1, 128)).decode().strip() or None


def _event(path: str) -> Mapping[str, Any]:
    try:
        event = json.loads(read_regular(path, EVENT_LIMIT))
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
        raise _unusable(f"has no {name!r}")
    return found


def _oid(event: Mapping[str, Any], name: str) -> str:
    found = event.get(name)
    if not isinstance(found, str) or not _OBJECT_ID.match(found):
        raise _unusable(f"has no commit {name!r}")
    return found


def _text(event: Mapping[str, Any], name: str) -> str:
    found = event.get(name, "")
    if not isinstance(found, str):
        raise _unusable(f"has no text as {name!r}")
    return found


def _default_branch(event: Mapping[str, Any]) -> str:
    """Its name; empty for an event that names no repository."""
    if "repository" not in event:
        return ""
    name = _text(_mapping(event, "repository"), "default_branch")
    if name and not _BRANCH.match(name):
        raise _unusable("has no name of a branch as 'default_branch'")
    return name


def _unusable(reason: str) -> ConfigError:
    return ConfigError("the event file", None, f"{reason}, so what to look at is not known")


def _variable_oid(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        value = _commit("HEAD") or ""
    if not _OBJECT_ID.match(value):
        raise UsageError(f"{name} is {value!r}, which is no id of a commit")
    return value

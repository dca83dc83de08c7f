"""Which part of a history is asked for, and what the names in it lead to, as git reads them.

A name that leads nowhere is a mistake of whoever wrote it, never an empty part of history.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import translate
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.errors import GitError, UsageError
from keyleak.git.process import run
from keyleak.git.since import readable_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from _typeshed import StrOrBytesPath

_OPTION: Final = re.compile(r"--(?:not|all|remotes=.+)\Z")
_GLOB: Final = re.compile(r"[*?\[]")
_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
# Where git looks for a short name, in its order.
_PLACES: Final = ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/")
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of history; without any of these, everything a repository holds."""

    revisions: tuple[str, ...] = ()
    """As `git rev-list` takes them: `main..topic`, `v1.0`, `^v0.9`, `--not`, `--all`, `--remotes=NAME`."""
    since: str | None = None
    """Commits more recent than this date (see `keyleak.git.since`)."""
    refs: tuple[str, ...] = ()
    """Refs by name, short or full, and globs of such names as git has them."""
    keep: tuple[str, ...] = ()
    """`GIT_*` variables to trust, such as those of a push in quarantine (see `keyleak.git.process`)."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.revisions or self.since or self.refs)

    @property
    def words(self) -> str | None:
        """The scope as the command line names it; None where it is everything."""
        if self.is_everything:
            return None
        since = (f"--since {self.since}",) if self.since else ()
        refs = tuple(f"--refs {pattern}" for pattern in self.refs)
        ranges = (f"--range {' '.join(self.revisions)}",) if self.revisions else ()
        return " ".join((*ranges, *since, *refs))


class Selection(NamedTuple):
    """A scope by the ids that its names lead to."""

    tips: tuple[str, ...]
    """Ids that are meant, of commits, tags, trees and blobs; one of them may not be there."""
    left_out: tuple[str, ...] = ()
    """Ids of commits that are not meant, with all that they reach."""
    since: str | None = None
    """A date that git reads for certain."""
    keep: tuple[str, ...] = ()
    """See `Scope`."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What `git rev-list` and `git log` are given on the command line."""
        return (*((f"--since={self.since}",) if self.since else ()), "--ignore-missing", "--stdin")

    @property
    def stdin(self) -> bytes:
        """What they read: the number of ids has no bound."""
        return "".join([*(f"{oid}\n" for oid in self.tips), *(f"^{oid}\n" for oid in self.left_out)]).encode()


def selected(repository: StrOrBytesPath, scope: Scope) -> Selection:
    """A scope by ids.

    Args:
        repository: where its names mean something.
        scope: a part of its history.

    Raises:
        UsageError: a name leads to nothing there, or the date is none.
        GitError: git does not read the repository.
    """
    since = readable_date(scope.since) if scope.since is not None else None
    tips, left_out = _revisions(repository, scope)
    if scope.refs or not scope.revisions:
        refs = _refs(repository, scope.keep)
        names = _matching(scope.refs, refs) if scope.refs else list(refs)
        tips += [refs[name] for name in names]
    # What is not here leaves nothing out.
    here = kinds_of(repository, (f"{oid}^{{}}".encode() for oid in left_out), scope.keep)
    commits = [oid.decode() for oid, kind in here if kind == b"commit"]
    return Selection(tuple(dict.fromkeys(tips)), tuple(dict.fromkeys(commits)), since, scope.keep)


def _revisions(repository: StrOrBytesPath, scope: Scope) -> tuple[list[str], list[str]]:
    """Ids that the revisions mean, and ids that they leave out."""
    for revision in scope.revisions:
        if revision.startswith("-") and not _OPTION.match(revision):
            raise UsageError(f"{revision!r} is no revision; write A..B")
    if not scope.revisions:
        return [], []
    lines = _parsed(repository, scope)
    tips = [line for line in lines if not line.startswith("^")]
    if not tips and not scope.refs and not any(each.startswith("--") for each in scope.revisions):
        raise UsageError(
            f"{' '.join(scope.revisions)!r} only leaves commits out; name those that are meant, too"
        )
    _check_here(repository, tips, scope)
    return tips, [line[1:] for line in lines if line.startswith("^")]


def _parsed(repository: StrOrBytesPath, scope: Scope) -> list[str]:
    """Ids, those that are left out behind a `^`."""
    try:
        command = ["rev-parse", "--revs-only", *scope.revisions, "--"]
        lines = run(command, repository, keep=scope.keep).decode().split()
    except GitError:
        for revision in scope.revisions:
            if not revision.startswith("-"):
                _check_known(repository, revision, scope)
        raise
    if "--all" in scope.revisions and (head := _head(repository, scope.keep)):
        # To `rev-list`, HEAD is one of them.
        before = scope.revisions[: scope.revisions.index("--all")]
        lines.append(head if before.count("--not") % 2 == 0 else f"^{head}")
    return lines


def _check_known(repository: StrOrBytesPath, revision: str, scope: Scope) -> None:
    try:
        run(["rev-parse", "--revs-only", revision, "--"], repository, keep=scope.keep)
    except GitError as error:
        raise UsageError(f"{revision!r} names no commits of this repository") from error


def _check_here(repository: StrOrBytesPath, tips: Sequence[str], scope: Scope) -> None:
    """A whole id is taken by git for a revision whether there is such an object or not."""
    written = [tip for tip in tips if any(tip in revision for revision in scope.revisions)]
    for name, kind in kinds_of(repository, (oid.encode() for oid in written), scope.keep):
        if kind == b"missing":
            raise UsageError(f"{name.decode()} is no object of this repository")


def _refs(repository: StrOrBytesPath, keep: tuple[str, ...]) -> dict[str, str]:
    """Ids by full name of ref, HEAD among them where it names a commit."""
    listing = run(["for-each-ref", "--format=%(objectname) %(refname)"], repository, keep=keep)
    lines = (line.partition(b" ") for line in listing.splitlines())
    refs = {os.fsdecode(name): oid.decode() for oid, _, name in lines}
    head = _head(repository, keep)
    return {"HEAD": head, **refs} if head else refs


def _head(repository: StrOrBytesPath, keep: tuple[str, ...]) -> str:
    """The id that HEAD names; empty before the first commit."""
    answer = run(["rev-parse", "--quiet", "--verify", "HEAD"], repository, keep=keep, accept=(0, 1))
    found = answer.decode().strip()
    return found if _ID.match(found) else ""


def _matching(patterns: Sequence[str], refs: Mapping[str, str]) -> list[str]:
    names: dict[str, None] = {}
    for pattern in patterns:
        found = (_named(pattern, refs) or _globbed(pattern, refs)) if pattern else []
        if not found:
            known = ", ".join(list(refs)[:_SHOWN]) or "none"
            raise UsageError(
                f"--refs {pattern!r} is the name of no ref here, nor a glob of any; there are: {known}"
            )
        names.update(dict.fromkeys(found))
    return list(names)


def _named(pattern: str, refs: Mapping[str, str]) -> list[str]:
    """Every ref that a name means, where git would take the first and warn."""
    full = [f"{place}{pattern}" for place in _PLACES]
    found = [name for name in full if name in refs]
    return found or [name for name in [f"refs/remotes/{pattern}/HEAD"] if name in refs]


def _globbed(pattern: str, refs: Mapping[str, str]) -> list[str]:
    """As `git rev-list --glob`: below `refs/`, and without a special character everything below a folder.

    Where that fits nothing, as `--tags=`, `--branches=` and `--remotes=` have it: `v*`, `feature/*`.
    """
    if not _GLOB.search(pattern):
        pattern = f"{pattern.rstrip('/')}/*"
    for place in ("",) if pattern.startswith("refs/") else _PLACES[1:]:
        fits = re.compile(translate(f"{place}{pattern}".replace("[^", "[!").replace("\\", "")))
        if found := [name for name in refs if fits.match(name)]:
            return found
    return []


def kinds_of(
    repository: StrOrBytesPath, names: Iterable[bytes], keep: tuple[str, ...]
) -> list[tuple[bytes, bytes]]:
    """Id and kind of objects, of one that is not there its name and `missing`.

    Args:
        repository: where they are.
        names: ids, or names that end in `^{}` for what a tag leads to.
        keep: see `Scope`.

    Raises:
        GitError: git does not read the repository.
    """
    asked = b"".join(name + b"\n" for name in names)
    if not asked:
        return []
    command = ["cat-file", "--batch-check=%(objectname) %(objecttype)"]
    answers = run(command, repository, stdin=asked, keep=keep)
    # `ID missing` where there is none.
    return [(name, kind) for name, _, kind in (line.rpartition(b" ") for line in answers.splitlines())]

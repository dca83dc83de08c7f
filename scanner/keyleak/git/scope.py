"""Which part of a history is asked for, and the objects that it brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.errors import UsageError
from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import StrOrBytesPath


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of history; without any of these, everything a repository holds."""

    revisions: tuple[str, ...] = ()
    """As `git rev-list` takes them: `main..topic`, `v1.0`, `^v0.9`, `--not`, `--all`."""
    since: str | None = None
    """Commits more recent than this date, as git reads dates."""
    refs: tuple[str, ...] = ()
    """Globs of ref names: `refs/heads/*`, or `heads/release-*` for short."""
    keep: tuple[str, ...] = ()
    """`GIT_*` variables to trust, such as those of a push in quarantine (see `keyleak.git.process`)."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.revisions or self.since or self.refs)

    def selection(self) -> tuple[str, ...]:
        """The arguments that tell git which commits are meant.

        Raises:
            UsageError: a revision looks like an option that selects nothing.
        """
        for revision in self.revisions:
            if revision.startswith("-") and revision not in {"--not", "--all"}:
                raise UsageError(f"{revision!r} is no revision; write A..B")
        since = (f"--since={self.since}",) if self.since else ()
        globs = tuple(f"--glob={pattern}" for pattern in self.refs)
        return (*since, *globs, *(self.revisions or (() if self.refs else ("--all",))))


@dataclass(frozen=True, slots=True)
class ScopedObjects:
    """The objects of a scope."""

    commits: frozenset[bytes]
    """Ids of the commits."""
    ids: frozenset[bytes]
    """Ids of everything those commits brought: they themselves, their trees, blobs and tags."""


def objects_in(repository: StrOrBytesPath, scope: Scope) -> ScopedObjects:
    """The objects that the commits of a scope have and the commits before them do not.

    Raises:
        GitError: git does not know one of the revisions, or history is not whole there.
        UsageError: see `Scope.selection`.
    """
    commits, before = _commits(repository, scope)
    if not commits:
        return ScopedObjects(frozenset(), frozenset())
    asked = b"".join([*(oid + b"\n" for oid in commits), *(b"^" + oid + b"\n" for oid in before)])
    # Tags that are named stand for themselves, too: their messages are new with them.
    named = _tags(repository, scope)
    listing = run(
        ["rev-list", "--objects", "--no-object-names", "--missing=allow-any", "--stdin"],
        repository,
        stdin=asked + b"".join(tag + b"\n" for tag in named),
        keep=scope.keep,
    )
    ids = frozenset(bytes.fromhex(line.decode()) for line in listing.split())
    return ScopedObjects(frozenset(bytes.fromhex(oid.decode()) for oid in commits), ids)


def _commits(repository: StrOrBytesPath, scope: Scope) -> tuple[list[bytes], set[bytes]]:
    """The commits of a scope, and their parents that are not in it."""
    listing = run(["rev-list", "--parents", *scope.selection(), "--"], repository, keep=scope.keep)
    lines = [line.split() for line in listing.splitlines()]
    commits = [line[0] for line in lines]
    inside = set(commits)
    return commits, {parent for line in lines for parent in line[1:] if parent not in inside}


def _tags(repository: StrOrBytesPath, scope: Scope) -> Sequence[bytes]:
    """Annotated tags among what a scope names; one nested in another comes with it."""
    names = [revision for revision in scope.revisions if not revision.startswith(("-", "^"))]
    if not names:
        return ()
    ends = [end for name in names for end in name.split("..")[-1:] if end]
    listing = run(["rev-parse", "--revs-only", *ends, "--"], repository, keep=scope.keep)
    kinds = run(
        ["cat-file", "--batch-check=%(objectname) %(objecttype)"],
        repository,
        stdin=listing,
        keep=scope.keep,
    )
    return [line.split()[0] for line in kinds.splitlines() if line.endswith(b" tag")]

"""Which part of a history is asked for, and the objects that it brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.errors import UsageError
from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import StrOrBytesPath


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of history; without any of these, everything a repository holds."""

    revisions: tuple[str, ...] = ()
    """As `git rev-list` takes them: `main..topic`, `v1.0`, `^v0.9`, `--not`, `--all`, `--remotes=NAME`."""
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

    @property
    def words(self) -> str | None:
        """The scope as the command line names it; None where it is everything."""
        if self.is_everything:
            return None
        since = (f"--since {self.since}",) if self.since else ()
        refs = tuple(f"--refs {pattern}" for pattern in self.refs)
        ranges = (f"--range {' '.join(self.revisions)}",) if self.revisions else ()
        return " ".join((*ranges, *since, *refs))

    def selection(self) -> tuple[str, ...]:
        """The arguments that tell git which commits are meant.

        Raises:
            UsageError: a revision looks like an option that selects nothing.
        """
        for revision in self.revisions:
            if not revision.startswith("-") or revision in {"--not", "--all"}:
                continue
            if not revision.startswith("--remotes="):
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
    missing: frozenset[bytes] = frozenset()
    """Ids of further objects that those commits brought and that are not here; what a missing tree would name
    is not known."""


def objects_in(repository: StrOrBytesPath, scope: Scope) -> ScopedObjects:
    """The objects that the commits of a scope have and the commits before them do not.

    Raises:
        GitError: git does not know one of the revisions, or history is not whole there.
        UsageError: see `Scope.selection`.
    """
    commits, before = _commits(repository, scope)
    # Tags count by themselves, too: their messages are new with them, where their commits may not be.
    tags, trees, absent = _beside_commits(repository, scope)
    wanted = [*commits, *trees, *(b"^" + oid for oid in before), *_excluded(repository, scope)]
    asked = b"".join(line + b"\n" for line in wanted)
    listing = b""
    if commits or trees:
        listing = run(
            # Edges: without them the trees of what is left out count only where a commit's parent has them.
            ["rev-list", "--objects-edge-aggressive", "--no-object-names", "--missing=print", "--stdin"],
            repository,
            stdin=asked,
            keep=scope.keep,
        )
    here, missing = _listed(listing)
    return ScopedObjects(_ids(commits), _ids([*here, *tags]), _ids([*missing, *absent]))


def _commits(repository: StrOrBytesPath, scope: Scope) -> tuple[list[bytes], set[bytes]]:
    """The commits of a scope, and their parents that are not in it."""
    listing = run(["rev-list", "--parents", *scope.selection(), "--"], repository, keep=scope.keep)
    lines = [line.split() for line in listing.splitlines()]
    commits = [line[0] for line in lines]
    inside = set(commits)
    return commits, {parent for line in lines for parent in line[1:] if parent not in inside}


def _listed(listing: bytes) -> tuple[list[bytes], list[bytes]]:
    """Objects that are here, and those that are missing, which git marks."""
    lines = listing.split()
    # An edge, marked by a minus, is left out itself.
    here = [oid for oid in lines if not oid.startswith((b"-", b"?"))]
    return here, [oid[1:] for oid in lines if oid.startswith(b"?")]


def _ids(written: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(bytes.fromhex(oid.decode()) for oid in written)


def _excluded(repository: StrOrBytesPath, scope: Scope) -> list[bytes]:
    """What a scope leaves out: a rewritten commit brings nothing that is in the one it replaces."""
    if not any(revision.startswith("^") or revision == "--not" for revision in scope.revisions):
        return []
    listing = run(["rev-parse", "--revs-only", *scope.revisions, "--"], repository, keep=scope.keep)
    return [line for line in listing.split() if line.startswith(b"^")]


def _beside_commits(repository: StrOrBytesPath, scope: Scope) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Annotated tags that a scope names, those nested in them, and trees and blobs that either leads to.

    Last, those of them that are not here.
    """
    tags: list[bytes] = []
    others: list[bytes] = []
    absent: list[bytes] = []
    waiting = _named_objects(repository, scope)
    while waiting:
        kinds = run(
            ["cat-file", "--batch-check=%(objectname) %(objecttype)"],
            repository,
            stdin=b"".join(oid + b"\n" for oid in waiting),
            keep=scope.keep,
        )
        waiting = []
        for oid, kind in (line.split()[:2] for line in kinds.splitlines()):
            if kind == b"tag" and oid not in tags:
                tags.append(oid)
                content = run(["cat-file", "tag", oid], repository, keep=scope.keep)
                waiting.append(content.split(b"\n", 1)[0].removeprefix(b"object "))
            elif kind in {b"tree", b"blob"}:
                others.append(oid)
            elif kind == b"missing":
                absent.append(oid)
    return tags, others, absent


def _named_objects(repository: StrOrBytesPath, scope: Scope) -> list[bytes]:
    names = [revision for revision in scope.revisions if not revision.startswith(("-", "^"))]
    ends = [end for name in names for end in name.split("..")[-1:] if end]
    return run(["rev-parse", "--revs-only", *ends, "--"], repository, keep=scope.keep).split() if ends else []

"""How far a key got that is in an object: told apart by the refs that reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.errors import GitError
from keyleak.findings import LocationKind, Standing
from keyleak.git.process import run
from keyleak.git.remotes import remote_urls

if TYPE_CHECKING:
    from keyleak.git.provenance import Provenance

_STASH: Final = ("refs/stash", "stash@{")
# Tracking refs, and those that only a server makes.
_SERVER: Final = (
    "refs/remotes/",
    "refs/pull/",
    "refs/merge-requests/",
    "refs/pull-requests/",
    "refs/changes/",
)
_BRANCHES: Final = "refs/heads/"


class Outside(NamedTuple):
    """What a repository has to do with others."""

    is_copy: bool
    """Whether its refs are those of a server: a clone made for this reading, or a mirror."""
    pushes: bool
    """Whether it is a work tree's, with a remote: its branches and tracking refs say what went there."""


NOTHING_OUTSIDE: Final = Outside(is_copy=False, pushes=False)


def outside_of(repository: str, *, cloned: bool) -> Outside:
    """What a repository has to do with others.

    Args:
        repository: a folder.
        cloned: whether it was cloned from a server for this reading.

    Raises:
        GitError: git does not read it.
    """
    if cloned:
        return Outside(is_copy=True, pushes=False)
    mirrors = run(["config", "--get-regexp", r"^remote\..*\.mirror$"], repository, accept=(0, 1))
    if mirrors.rstrip().endswith(b"true"):
        return Outside(is_copy=True, pushes=False)
    bare = run(["rev-parse", "--is-bare-repository"], repository).strip() == b"true"
    return Outside(is_copy=False, pushes=not bare and bool(remote_urls(repository)))


def known_outside(repository: str, *, cloned: bool) -> Outside:
    """The same; nothing where git cannot say."""
    try:
        return outside_of(repository, cloned=cloned)
    except GitError:
        return NOTHING_OUTSIDE


def standing_of(kind: LocationKind, origin: Provenance, outside: Outside, *, whole: bool) -> Standing | None:
    """How far one place of a key got; None where the refs do not say.

    Args:
        kind: what kind of place it is.
        origin: where its object comes from.
        outside: see `Outside`.
        whole: whether everything was read; a part of a history may be of commits that no ref names yet.
    """
    refs = origin.refs
    if not origin.refs_known:
        return None
    if any(ref.startswith(_SERVER) for ref in refs) or (outside.is_copy and refs):
        return Standing.PUSHED
    if kind is LocationKind.INDEX:
        return Standing.STAGED
    if not refs:
        return Standing.UNREACHABLE if whole else None
    if all(ref.startswith(_STASH) for ref in refs):
        return Standing.STASHED
    # A tag is pushed by itself, and nothing tracks it.
    of_branches = all(ref.startswith((_BRANCHES, *_STASH)) for ref in refs)
    return Standing.UNPUSHED if outside.pushes and of_branches else None

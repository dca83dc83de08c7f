"""The objects that a part of a history brought, and those of them that are not here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.git.process import run
from keyleak.git.scope import Selection, kinds_of, selected
from keyleak.git.single_objects import single_objects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.git.scope import Scope

_MADE: Final = re.compile(rb"\ntagger [^\n]*> ([0-9]{1,18}) [^\n]*\Z", re.MULTILINE)


NO_COMMITS: Final = Selection(())


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
    walk: Selection = NO_COMMITS
    """The commits again, as git walks to them."""


class _Tips(NamedTuple):
    """What the names of a scope lead to, by kind."""

    commits: list[bytes]
    tags: list[bytes]
    others: list[bytes]
    absent: list[bytes]


def objects_in(repository: str, scope: Scope) -> ScopedObjects:
    """The objects that the commits of a scope have and the commits before them do not.

    Raises:
        GitError: history is not whole there.
        UsageError: a name leads to nothing there, or the date is none.
    """
    selection = selected(repository, scope)
    # Tags count by themselves, too: their messages are new with them, where their commits may not be.
    tips = _tips(repository, selection)
    walk = selection._replace(tips=tuple(oid.decode() for oid in tips.commits))
    commits, before = _commits(repository, walk)
    left_out = (*before, *(oid.encode() for oid in walk.left_out))
    wanted = [*commits, *tips.others, *(b"^" + oid for oid in left_out)]
    listing = b""
    if commits or tips.others:
        listing = run(
            # Edges: without them the trees of what is left out count only where a commit's parent has them.
            ["rev-list", "--objects-edge-aggressive", "--no-object-names", "--missing=print", "--stdin"],
            repository,
            stdin=b"".join(line + b"\n" for line in wanted),
            keep=scope.keep,
        )
    here, missing = _listed(listing)
    ids, absent = _ids([*here, *tips.tags]), _ids([*missing, *tips.absent])
    return ScopedObjects(_ids(commits), ids, absent, walk)


def _commits(repository: str, walk: Selection) -> tuple[list[bytes], set[bytes]]:
    """The commits of a scope, and their parents that are not in it."""
    if not walk.tips:
        return [], set()
    listing = run(["rev-list", "--parents", *walk.arguments], repository, stdin=walk.stdin, keep=walk.keep)
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


def _tips(repository: str, selection: Selection) -> _Tips:
    """The tips by kind, with what annotated tags lead to, and tags within tags."""
    found = _Tips([], [], [], [])
    seen: set[bytes] = set()
    oldest = _oldest(repository, selection)
    waiting = [oid.encode() for oid in selection.tips]
    while waiting:
        kinds = kinds_of(repository, waiting, selection.keep)
        seen.update(waiting)
        found.commits.extend(oid for oid, kind in kinds if kind == b"commit")
        found.others.extend(oid for oid, kind in kinds if kind in {b"tree", b"blob"})
        found.absent.extend(oid for oid, kind in kinds if kind == b"missing")
        tags = _tags(repository, [oid for oid, kind in kinds if kind == b"tag"], selection.keep)
        found.tags.extend(oid for oid, tag in tags if tag.made is None or tag.made >= oldest)
        waiting = list(dict.fromkeys(tag.names for _, tag in tags if tag.names not in seen))
    return found


class _Tag(NamedTuple):
    """What the header of an annotated tag says."""

    names: bytes
    made: int | None
    """Seconds since 1970, where it says so."""


def _tags(repository: str, ids: list[bytes], keep: tuple[str, ...]) -> list[tuple[bytes, _Tag]]:
    if not ids:
        return []
    with single_objects(repository, keep) as objects:
        return [
            (name.encode(), _header(content))
            for name, _, content in objects.read_many(oid.decode() for oid in ids)
        ]


def _header(tag: bytes) -> _Tag:
    head = tag.partition(b"\n\n")[0]
    made = _MADE.search(head)
    return _Tag(head.split(b"\n", 1)[0].removeprefix(b"object "), int(made[1]) if made else None)


def _oldest(repository: str, selection: Selection) -> int:
    """From when on tags are meant, in seconds since 1970; their messages are no part of a commit."""
    if selection.since is None:
        return 0
    answer = run(["rev-parse", f"--since={selection.since}"], repository, keep=selection.keep)
    return int(answer.strip().removeprefix(b"--max-age="))

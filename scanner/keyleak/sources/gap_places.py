"""Where a repository has the objects that could not be read: an id alone tells nobody which file that is."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.errors import GitError
from keyleak.git.process import run
from keyleak.git.provenance import provenance
from keyleak.git.tree_paths import tree_paths
from keyleak.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keyleak.coverage import Gap
    from keyleak.git.scope import Selection
    from keyleak.git.visitor import Kind

_OBJECT: Final = re.compile(r"(?P<kind>blob|object) (?P<oid>[0-9a-f]{40}(?:[0-9a-f]{24})?)(?![0-9a-f])")
_MOST_OBJECTS: Final = 1_000
_MOST_PATHS: Final = 1_000


class _Places(NamedTuple):
    """Where an object is."""

    paths: tuple[str, ...]
    all_known: bool
    """Whether there are no more than these."""


_NOWHERE: Final = _Places((), all_known=True)


def named_gaps(
    repository: str, gaps: Iterable[Gap], *, traces: bool = False, selection: Selection | None = None
) -> tuple[Gap, ...]:
    """The gaps of a reading by id, each with the path that HEAD has of its object.

    Args:
        repository: where the objects are.
        gaps: what was not read.
        traces: whether history is walked for the paths that it had, where HEAD has none.
        selection: the part of history to walk; everything where None.
    """
    every = tuple(gaps)
    found = {gap: match for gap in every if not gap.paths and (match := _OBJECT.match(gap.what))}
    wanted = list(dict.fromkeys(match["oid"] for match in found.values()))[:_MOST_OBJECTS]
    if not wanted:
        return every
    paths = _at_head(repository, wanted)
    missing = [oid for oid in wanted if not paths.get(oid, _NOWHERE).paths]
    before = _in_history(repository, missing, selection) if traces and missing else {}
    return tuple(_named(gap, found.get(gap), paths, before) for gap in every)


def _at_head(repository: str, wanted: Sequence[str]) -> Mapping[str, _Places]:
    # A repository without commits, or with a tree of HEAD's missing: the ids have to do.
    with suppress(GitError):
        head = run(["rev-parse", "-q", "--verify", "HEAD^{commit}"], repository, accept=(0, 1)).strip()
        if head:
            found = tree_paths(repository, head.decode(), wanted, _MOST_PATHS)
            return {oid: _Places(each.paths, all_known=not each.more) for oid, each in found.items()}
    return {}


def _in_history(repository: str, wanted: Sequence[str], selection: Selection | None) -> Mapping[str, _Places]:
    objects: dict[bytes, Kind] = {bytes.fromhex(oid): "blob" for oid in wanted}
    unknown: list[Gap] = []
    origins = provenance(repository, objects, unknown.append, selection)
    # Where git has no answer, there may be more paths than these.
    return {
        oid.hex(): _Places(origin.paths, all_known=not (origin.further_paths or unknown))
        for oid, origin in origins.items()
    }


def _named(
    gap: Gap, found: re.Match[str] | None, at_head: Mapping[str, _Places], before: Mapping[str, _Places]
) -> Gap:
    if found is None:
        return gap
    oid = found["oid"]
    here = at_head.get(oid, _NOWHERE)
    known = here if here.paths else before.get(oid, _NOWHERE)
    # An object that is lost or damaged is no file that is known to be unreadable: its id alone names it.
    paths = known.paths if found["kind"] == "blob" and known.all_known else ()
    if not here.paths:
        return replace(gap, paths=paths, blob=oid)
    rest = gap.what[found.end() :]
    return replace(gap, what=f"{here.paths[0]}{rest} ({found[0]})", paths=paths, blob=oid)

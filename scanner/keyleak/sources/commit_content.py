"""What one commit holds: its files and their names, read from its objects, whatever is checked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.coverage import Coverage, Gap, merge_gaps
from keyleak.errors import GitError
from keyleak.findings import AttributionVerdict, LocationKind
from keyleak.git.objects import read_objects
from keyleak.git.plain import read_by_id
from keyleak.git.trace import MOST_PATHS
from keyleak.git.tree_paths import tree_objects, tree_paths
from keyleak.git.views import absent_gaps
from keyleak.git.visitor import ReadOptions
from keyleak.records import dataclass, replace
from keyleak.sources.files import Reading
from keyleak.sources.gap_places import named_gaps
from keyleak.sources.interruption import Interruption
from keyleak.sources.object_visitor import MakeObjectVisitor, ObjectVisitor
from keyleak.sources.wire import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keyleak.findings import Sighting
    from keyleak.git.tree_paths import TreePaths
    from keyleak.rulebook.provenance import RuleFolder
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.object_visitor import ObjectResult


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """Which commit."""

    repository: str
    commit: str
    """Its id."""
    rule_folders: tuple[RuleFolder, ...] = ()
    """For the processes that read objects."""
    jobs: int = 1
    """How many of those."""


def read_commit(request: CommitRequest, inspector: Inspector) -> Reading:
    """Every file of a commit, each content read once. Submodules are repositories of their own.

    Args:
        request: which commit.
        inspector: finds the keys.

    Raises:
        GitError: git does not know the commit, or lacks a tree that leads to a key.
        KeyboardInterrupt: a signal asked for the end, or what `keyleak.termination` has for it.
    """
    # A part of a commit is of no use: the first signal ends it.
    with Interruption() as interruption, interruption.raised():
        listed = tree_objects(request.repository, request.commit)
        options = ReadOptions(jobs=request.jobs, only=listed.ids)
        here = inspector if request.jobs == 1 else None
        read = read_objects(request.repository, MakeObjectVisitor(request.rule_folders, here), options)
        found = [result for result in read.results if result.sightings]
        paths = _paths(request, found)
        results = _within_projects(request, inspector, found, paths)
    gaps: list[Gap] = [*read.gaps, *absent_gaps(request.repository, listed.missing)]
    gaps += (gap for result in read.results for gap in result.gaps)
    gaps = list(named_gaps(request.repository, gaps))
    coverage = Coverage(read.content_bytes, 0, read.counts, merge_gaps(gaps))
    sightings = tuple(each for result in results for each in _placed(result, request.commit, paths))
    return Reading(sightings, coverage)


def _paths(request: CommitRequest, found: Sequence[ObjectResult]) -> Mapping[str, TreePaths]:
    if not found:
        return {}
    wanted = [result.oid.hex() for result in found]
    return tree_paths(request.repository, request.commit, wanted, MOST_PATHS)


def _within_projects(
    request: CommitRequest,
    inspector: Inspector,
    found: Sequence[ObjectResult],
    paths: Mapping[str, TreePaths],
) -> Sequence[ObjectResult]:
    """The results, those that name no issuer looked at again in the light of the commit's manifests."""
    wanted = {
        result.oid.hex(): (request.commit, paths[result.oid.hex()].paths[0])
        for result in found
        if result.kind == "blob" and _is_undecided(result) and paths[result.oid.hex()].paths
    }
    if not wanted:
        return found
    # Reads manifests, of which a commit without such a key needs none.
    from keyleak.sources.object_projects import projects_of_commits  # noqa: PLC0415

    try:
        within = inspector.within(projects_of_commits(request.repository, wanted))
        options = ReadOptions(kinds=frozenset({"blob"}))
        ids = [bytes.fromhex(oid) for oid in wanted]
        again = read_by_id(request.repository, ids, ObjectVisitor(within), options).results
    except GitError:
        # What is known without manifests is true without them.
        return found
    return list(({result.oid: result for result in (*found, *again)}).values())


def _is_undecided(result: ObjectResult) -> bool:
    sightings = unpacked(result.sightings)
    return any(each.attribution.verdict is not AttributionVerdict.ATTRIBUTED for each in sightings)


def _placed(result: ObjectResult, commit: str, paths: Mapping[str, TreePaths]) -> Iterator[Sighting]:
    """The sightings of an object at every path it has, and one for those that are too many to list."""
    where = paths[result.oid.hex()]
    for sighting in unpacked(result.sightings):
        location = replace(sighting.location, commit=commit)
        for folder in where.paths:
            path: str | None = folder
            if location.kind is LocationKind.PATH_NAME:
                path = f"{folder}/{location.path}" if folder else location.path
            yield replace(sighting, location=replace(location, path=path), at_head=True)
        if where.more:
            further = replace(location, path=None, more_paths=where.more)
            yield replace(sighting, location=further, at_head=True)

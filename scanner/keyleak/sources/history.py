"""Everything a repository holds: objects read once, and the names and files beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from keyleak.coverage import Coverage, Gap, ObjectCounts, merge_gaps
from keyleak.errors import GitError
from keyleak.findings import AttributionVerdict, LocationKind
from keyleak.git.identity import authors, repository_facts
from keyleak.git.layout import find_layout
from keyleak.git.memory import Remembered
from keyleak.git.objects import read_objects
from keyleak.git.places import staged_paths
from keyleak.git.plain import read_by_id
from keyleak.git.provenance import Provenance, provenance
from keyleak.git.references import MOST_WITH_TREES
from keyleak.git.scope import Scope
from keyleak.git.scoped_objects import objects_in
from keyleak.git.views import (
    Submodule,
    absent_gaps,
    missing_ids,
    shallow_gap,
    submodules,
    tips_digest,
)
from keyleak.git.visitor import ReadOptions
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Place
from keyleak.sources.interruption import Interruption
from keyleak.sources.object_places import Known, ObjectPlaces
from keyleak.sources.object_visitor import MakeObjectVisitor, ObjectVisitor
from keyleak.sources.reading import INTERRUPTED
from keyleak.sources.standing import NOTHING_OUTSIDE, known_outside
from keyleak.sources.surroundings import Surroundings
from keyleak.sources.wire import unpacked
from keyleak.unexpected import contained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from keyleak.findings import Sighting
    from keyleak.git.memory import ObjectMemory
    from keyleak.git.scoped_objects import ScopedObjects
    from keyleak.git.visitor import ObjectsRead
    from keyleak.rulebook.provenance import RuleFolder
    from keyleak.secret import Secret
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.object_visitor import ObjectResult

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Which repository, and what of it."""

    repository: str
    """A bare repository, a work tree, or a folder in one."""
    scope: Scope = field(default_factory=Scope)
    submodules: bool = False
    """Whether submodules that are on this machine are read too."""
    rule_folders: tuple[RuleFolder, ...] = ()
    """For the processes that read objects."""
    jobs: int = 1
    """How many of those."""
    memory: ObjectMemory | None = None
    """What earlier readings brought; None reads everything."""
    traces_gaps: bool = False
    """Whether history is walked for the paths of what could not be read, where HEAD has none."""
    cloned_from: str | None = None
    """The URL that it was cloned from for this reading."""


def _unseen(_coverage: Coverage, _keys: int) -> None:
    """Progress that nobody looks at."""


def read_history(
    request: HistoryRequest, inspector: Inspector, progress: Callable[[Coverage, int], None] = _unseen
) -> Reading:
    """Every object of a repository, reachable or not, and what stands beside them; or a part of its history.

    Args:
        request: which repository, and what of it.
        inspector: finds keys in what is no object.
        progress: told what was read and how many objects hold something by then.

    Raises:
        GitError: git does not take it for a repository, does not trust it, or cannot be started.
        UsageError: the scope makes no sense.
    """
    with Interruption() as interruption:
        reading = _History(request, inspector, progress, lambda: interruption.requested).read()
    if interruption.requested:
        gaps = merge_gaps([*reading.coverage.gaps, INTERRUPTED])
        coverage = replace(reading.coverage, gaps=gaps)
        return replace(reading, coverage=coverage, interrupted=interruption.number)
    return reading


class _History:
    """One reading of one repository. What one step cannot tell is a gap, and the next one follows."""

    def __init__(
        self,
        request: HistoryRequest,
        inspector: Inspector,
        progress: Callable[[Coverage, int], None],
        stop: Callable[[], bool],
        outer: tuple[str, ...] = (),
    ) -> None:
        self._request = request
        self._repository = request.repository
        self._inspector = inspector
        self._progress = progress
        self._stop = stop
        self._layout = find_layout(request.repository)
        self._outer = (*outer, os.path.realpath(self._layout.folder))
        """Git folders of the repositories that this one is a submodule of, and its own."""
        self._gaps: list[Gap] = list(self._layout.gaps)

    @property
    def is_within_itself(self) -> bool:
        """Whether it is a submodule of itself."""
        return self._outer[-1] in self._outer[:-1]

    def read(self) -> Reading:
        """All of it."""
        scope = self._request.scope
        scoped = None if scope.is_everything else self._scoped(scope)
        read = self._objects(scoped)
        self._gaps += (gap for result in read.results for gap in result.gaps)
        sightings = list(self._with_provenance(read, scoped))
        coverage = Coverage(read.content_bytes, 0, read.counts)
        if scoped is None:
            memory = self._request.memory
            surroundings = Surroundings(
                self._repository, self._layout, self._inspector, self._asked, memory, read.name
            )
            around = surroundings.read(self._gaps.append, self._stop)
            inner = self._descend()
            sightings += (*self._staged_names(sightings), *around.sightings, *inner.sightings)
            coverage = coverage + around.coverage + inner.coverage
        self._views(scoped, read)
        gaps = merge_gaps([*read.gaps, *coverage.gaps, *self._gaps])
        if gaps and self._layout.asks_git:
            # Reads HEAD's tree, which a reading without a gap need not know.
            from keyleak.sources.gap_places import named_gaps  # noqa: PLC0415

            walk = scoped.walk if scoped else None
            gaps = named_gaps(self._repository, gaps, traces=self._request.traces_gaps, selection=walk)
        facts = None
        if self._layout.asks_git:
            facts = repository_facts(self._repository, self._request.cloned_from)
        return Reading(tuple(sightings), replace(coverage, gaps=gaps), repository=facts)

    def _scoped(self, scope: Scope) -> ScopedObjects:
        if not self._layout.asks_git:
            reasons = "; ".join(f"{gap.what} {gap.reason}" for gap in self._layout.gaps)
            raise GitError(
                ("rev-list",), None, f"git cannot say what belongs to a part of history: {reasons}"
            )
        return objects_in(self._repository, scope)

    def _asked(self, what: str, ask: Callable[[], T], otherwise: T) -> T:
        """What git says; where it cannot, that is a gap."""
        if not self._layout.asks_git:
            return otherwise  # the reason is a gap already

        def failed(reason: str) -> T:
            self._gaps.append(Gap(what, reason))
            return otherwise

        def asked() -> T:
            try:
                return ask()
            except GitError as error:
                return failed(str(error))

        return contained(asked, failed)

    def _objects(self, scoped: ScopedObjects | None) -> ObjectsRead[ObjectResult]:
        read_so_far = Coverage()

        def on_objects(counts: ObjectCounts, content_bytes: int) -> None:
            nonlocal read_so_far
            read_so_far += Coverage(content_bytes, objects=counts)
            self._progress(read_so_far, 0)

        options = ReadOptions(
            jobs=self._request.jobs,
            only=scoped.ids if scoped else None,
            keep=self._request.scope.keep,
            memory=self._request.memory,
            progress=on_objects,
            stop=self._stop,
        )
        here = self._inspector if self._request.jobs == 1 else None
        make = MakeObjectVisitor(self._request.rule_folders, here)
        return read_objects(self._repository, make, options, self._layout)

    def _with_provenance(
        self, read: ObjectsRead[ObjectResult], scoped: ScopedObjects | None
    ) -> Iterator[Sighting]:
        found = [result for result in read.results if result.sightings]
        if not found:
            return
        kinds = {result.oid: result.kind for result in found if len(result.oid) == self._layout.id_bytes}
        walk, nothing = scoped.walk if scoped else None, dict[bytes, Provenance]()
        origins = self._asked(
            "provenance", lambda: provenance(self._repository, kinds, self._gaps.append, walk), nothing
        )
        places = ObjectPlaces(origins, lambda: self._staged, self._known(origins.values(), scoped))
        for result in self._within_projects(found, origins):
            for sighting in unpacked(result.sightings):
                yield from places.of(sighting, result.oid)

    def _known(self, origins: Iterable[Provenance], scoped: ScopedObjects | None) -> Known:
        """What is worth knowing of a repository only where it holds a key."""
        first = {origin.first_commit for origin in origins if origin.first_commit}
        keep, nobody = self._request.scope.keep, dict[str, str]()
        names = self._asked("authors", lambda: authors(self._repository, first, keep), nobody)
        outside = NOTHING_OUTSIDE
        if self._layout.asks_git:
            outside = known_outside(self._repository, cloned=self._request.cloned_from is not None)
        return Known(outside, names, whole=scoped is None)

    def _within_projects(
        self, found: Sequence[ObjectResult], origins: Mapping[bytes, Provenance]
    ) -> Sequence[ObjectResult]:
        """The results, those that name no issuer looked at again in the light of their projects' manifests.

        Which project an object belongs to is known only when it was found to hold a key.
        """
        wanted = {
            result.oid.hex(): (origin.first_commit, origin.paths[0])
            for result in found
            if result.kind == "blob" and _is_undecided(result)
            for origin in [origins.get(result.oid)]
            if origin and origin.first_commit and origin.paths
        }
        if not wanted or not self._layout.asks_git:
            return found
        # Reads manifests, of which a history without such a key needs none.
        from keyleak.sources.object_projects import projects_of_commits  # noqa: PLC0415

        try:
            inspector = self._inspector.within(projects_of_commits(self._repository, wanted))
            options = ReadOptions(kinds=frozenset({"blob"}), keep=self._request.scope.keep, stop=self._stop)
            ids = [bytes.fromhex(oid) for oid in wanted]
            again = read_by_id(self._repository, ids, ObjectVisitor(inspector), options).results
        except GitError:
            # What is known without manifests is true without them.
            return found
        looked_at = {result.oid: result for result in again}
        return [*again, *(result for result in found if not _is_same(result, looked_at.get(result.oid)))]

    @cached_property
    def _staged(self) -> Mapping[bytes, Sequence[str]]:
        """Paths by blob in the index of every work tree."""
        nothing = dict[bytes, list[str]]()
        return self._asked("index", lambda: staged_paths(self._repository, self._gaps.append), nothing)

    def _staged_names(self, known: Iterable[Sighting]) -> Iterator[Sighting]:
        """Keys in names that are staged, but for those that are in a name in a tree as well."""
        paths = [os.fsencode(path).replace(b"\n", b" ") for each in self._staged.values() for path in each]
        inspection = self._inspector.inspect(b"\n".join(paths), Place(LocationKind.PATH_NAME, None))
        self._gaps += (replace(gap, what=f"staged names{gap.what}") for gap in inspection.gaps)
        in_trees = {each.secret for each in known if each.location.kind is LocationKind.PATH_NAME}
        for sighting in inspection.sightings:
            if sighting.secret not in in_trees:
                path = os.fsdecode(paths[sighting.location.line - 1])
                yield replace(sighting, location=replace(sighting.location, path=path, line=1))

    def _descend(self) -> Reading:
        """The submodules, or a gap for each that is not read."""
        sightings: list[Sighting] = []
        coverage = Coverage()
        for submodule in self._asked("submodules", lambda: submodules(self._repository), list[Submodule]()):
            if not self._request.submodules:
                reason = "a submodule, which has a repository of its own: `--submodules` reads it too"
                self._gaps.append(Gap(submodule.path, reason, paths=(submodule.path,)))
            elif submodule.folder is None:
                reason = "a submodule that is not on this machine; `git submodule update --init` brings it"
                self._gaps.append(Gap(submodule.path, reason, paths=(submodule.path,)))
            elif not self._stop():
                inner = self._inner(submodule, submodule.folder)
                sightings += inner.sightings
                coverage += inner.coverage
        return Reading(tuple(sightings), coverage)

    def _inner(self, submodule: Submodule, folder: str) -> Reading:
        request = replace(self._request, repository=folder)
        try:
            history = _History(request, self._inspector, self._progress, self._stop, self._outer)
            if history.is_within_itself:
                reason = "a submodule that leads back to the repository it is in, which is read already"
                return Reading((), Coverage(gaps=(Gap(submodule.path, reason),)))
            reading = history.read()
        except GitError as error:
            return Reading(
                (),
                Coverage(
                    gaps=(
                        Gap(
                            submodule.path,
                            f"a submodule that git cannot read: {error}",
                            paths=(submodule.path,),
                        ),
                    )
                ),
            )
        gaps = tuple(
            replace(
                gap,
                what=f"{submodule.path}: {gap.what}",
                paths=tuple(f"{submodule.path}/{path}" for path in gap.paths) or (submodule.path,),
            )
            for gap in reading.coverage.gaps
        )
        inside = tuple(_in_submodule(sighting, submodule.path) for sighting in reading.sightings)
        return Reading(inside, replace(reading.coverage, gaps=gaps))

    def _views(self, scoped: ScopedObjects | None, read: ObjectsRead[ObjectResult]) -> None:
        """Why this may be less than there is."""
        commits = scoped.commits if scoped else None
        self._gaps += self._asked("shallow", lambda: list(shallow_gap(self._repository, commits)), [])
        if scoped is None and read.counts == ObjectCounts():
            self._gaps.append(Gap("objects", "the repository holds none, so nothing was scanned"))
        missing = frozenset[bytes]() if scoped is None else scoped.missing
        if scoped is None:
            what = "objects that are not here"
            missing = self._asked(what, lambda: self._missing(read), missing)
        self._gaps += self._asked("objects", lambda: list(absent_gaps(self._repository, missing)), [])
        pointed = {result.lfs for result in read.results if result.lfs}
        stored = os.path.join(self._layout.folder, "lfs", "objects")
        absent = sum(not os.path.exists(os.path.join(stored, oid[:2], oid[2:4], oid)) for oid in pointed)
        if absent:
            reason = "content that is only on the server; `git lfs fetch --all` brings it"
            self._gaps.append(Gap("Git LFS", reason, absent))

    def _missing(self, read: ObjectsRead[ObjectResult]) -> frozenset[bytes]:
        """Objects that history needs and the repository lacks.

        Of a large repository git is asked, once for the same objects and refs.
        """
        counts, memory = read.counts, self._request.memory
        is_large = counts.blob + counts.commit + counts.tag + counts.tree > MOST_WITH_TREES
        name = (
            f"whole-{read.name}-{tips_digest(self._repository)}" if is_large and memory and read.name else ""
        )
        is_known = bool(name and memory and memory.recall(name))
        missing = missing_ids(self._repository, read.absent, walk=is_large and not is_known)
        if memory and name and not is_known and not missing:
            memory.keep(name, Remembered())
        return missing


def _is_undecided(result: ObjectResult) -> bool:
    sightings = unpacked(result.sightings)
    return any(each.attribution.verdict is not AttributionVerdict.ATTRIBUTED for each in sightings)


def _is_same(result: ObjectResult, again: ObjectResult | None) -> bool:
    """Whether the same keys were found again; two packs can give one id to different contents."""
    return again is not None and _keys(result) <= _keys(again)


def _keys(result: ObjectResult) -> set[Secret]:
    return {sighting.secret for sighting in unpacked(result.sightings)}


def _in_submodule(sighting: Sighting, path: str) -> Sighting:
    inner = sighting.location.path
    location = replace(sighting.location, path=path if inner is None else f"{path}/{inner}")
    return replace(sighting, location=location)

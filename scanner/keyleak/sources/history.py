"""Everything a repository holds: objects read once, and the names and files beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Coverage, Gap, ObjectCounts, merge_gaps
from keyleak.errors import GitError
from keyleak.findings import AttributionVerdict, LocationKind
from keyleak.git.objects import read_objects
from keyleak.git.places import PlaceKind, git_files, git_folder, ref_names
from keyleak.git.plain import read_by_id
from keyleak.git.provenance import provenance
from keyleak.git.scope import Scope, objects_in
from keyleak.git.views import absent_gaps, missing_objects, shallow_gap, submodules
from keyleak.git.visitor import ReadOptions
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Place
from keyleak.sources.interruption import Interruption
from keyleak.sources.object_places import ObjectPlaces
from keyleak.sources.object_visitor import MakeObjectVisitor, ObjectVisitor
from keyleak.sources.reading import INTERRUPTED, Reader
from keyleak.sources.wire import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from keyleak.findings import Sighting
    from keyleak.git.memory import ObjectMemory
    from keyleak.git.provenance import Provenance
    from keyleak.git.scope import ScopedObjects
    from keyleak.git.views import Submodule
    from keyleak.git.visitor import ObjectsRead
    from keyleak.rulebook.provenance import RuleFolder
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.object_visitor import ObjectResult

_KINDS: Final = {
    PlaceKind.REFLOG: LocationKind.REFLOG,
    PlaceKind.CONFIG: LocationKind.GIT_CONFIG,
    PlaceKind.FILE: LocationKind.FILE,
}


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
        return Reading(
            reading.sightings, replace(reading.coverage, gaps=gaps), interrupted=interruption.number
        )
    return reading


class _History:
    """One reading of one repository."""

    def __init__(
        self,
        request: HistoryRequest,
        inspector: Inspector,
        progress: Callable[[Coverage, int], None],
        stop: Callable[[], bool],
    ) -> None:
        self._request = request
        self._repository = request.repository
        self._inspector = inspector
        self._progress = progress
        self._stop = stop
        self._gaps: list[Gap] = []

    def read(self) -> Reading:
        """All of it."""
        scope = self._request.scope
        scoped = None if scope.is_everything else objects_in(self._repository, scope)
        read = self._objects(scoped)
        self._gaps += (gap for result in read.results for gap in result.gaps)
        sightings = list(self._with_provenance(read))
        coverage = Coverage(read.content_bytes, 0, read.counts)
        if scoped is None:
            for beside in (self._beside(), self._descend()):
                sightings += beside.sightings
                coverage += beside.coverage
        self._views(scoped, read)
        gaps = merge_gaps([*read.gaps, *coverage.gaps, *self._gaps])
        return Reading(tuple(sightings), replace(coverage, gaps=gaps))

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
        return read_objects(self._repository, MakeObjectVisitor(self._request.rule_folders, here), options)

    def _with_provenance(self, read: ObjectsRead[ObjectResult]) -> Iterator[Sighting]:
        found = [result for result in read.results if result.sightings]
        if not found:
            return
        try:
            origins = provenance(
                self._repository, {result.oid: result.kind for result in found}, self._request.scope
            )
        except GitError as error:
            origins = {}
            self._gaps.append(Gap("provenance", f"where the keys come from is not known: {error}"))
        places = ObjectPlaces(self._repository, origins, self._gaps.append)
        for result in self._within_projects(found, origins):
            for sighting in unpacked(result.sightings):
                yield from places.of(sighting, result.oid)

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
        if not wanted:
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
        return list(({result.oid: result for result in (*found, *again)}).values())

    def _beside(self) -> Reading:
        """Names of refs, and the files of the git folder."""
        names = ref_names(self._repository)
        in_names = self._inspector.inspect(names, Place(LocationKind.REF_NAME, None))
        self._gaps += in_names.gaps
        sightings = [_in_ref_name(sighting, names.split(b"\n")) for sighting in in_names.sightings]
        reader, count = Reader(self._inspector), len(names)
        for file in git_files(git_folder(self._repository), self._gaps.append):
            if self._stop():
                break
            try:
                with open(file.path, "rb") as stream:
                    result = reader.read_stream(stream, Place(_KINDS[file.kind], file.name))
            except FileNotFoundError:
                continue  # git removed it since it was listed, as it does with lock files
            except OSError as error:
                self._gaps.append(Gap(file.name, error.strerror or "cannot be read"))
                continue
            sightings += result.sightings
            count += result.bytes
            self._gaps += result.gaps
        return Reading(tuple(sightings), Coverage(count))

    def _descend(self) -> Reading:
        """The submodules, or a gap for each that is not read."""
        sightings: list[Sighting] = []
        coverage = Coverage()
        for submodule in submodules(self._repository):
            if not self._request.submodules:
                reason = "a submodule, which has a repository of its own: `--submodules` reads it too"
                self._gaps.append(Gap(submodule.path, reason))
            elif submodule.folder is None:
                reason = "a submodule that is not on this machine; `git submodule update --init` brings it"
                self._gaps.append(Gap(submodule.path, reason))
            elif not self._stop():
                inner = self._inner(submodule, submodule.folder)
                sightings += inner.sightings
                coverage += inner.coverage
        return Reading(tuple(sightings), coverage)

    def _inner(self, submodule: Submodule, folder: str) -> Reading:
        request = replace(self._request, repository=folder)
        try:
            reading = _History(request, self._inspector, self._progress, self._stop).read()
        except GitError as error:
            return Reading(
                (), Coverage(gaps=(Gap(submodule.path, f"a submodule that git cannot read: {error}"),))
            )
        gaps = tuple(replace(gap, what=f"{submodule.path}: {gap.what}") for gap in reading.coverage.gaps)
        inside = tuple(_in_submodule(sighting, submodule.path) for sighting in reading.sightings)
        return Reading(inside, replace(reading.coverage, gaps=gaps))

    def _views(self, scoped: ScopedObjects | None, read: ObjectsRead[ObjectResult]) -> None:
        """Why this may be less than there is."""
        self._gaps += shallow_gap(self._repository, scoped.commits if scoped else None)
        if scoped is None:
            if read.counts == ObjectCounts():
                self._gaps.append(Gap("objects", "the repository holds none, so nothing was scanned"))
            missing = [bytes.fromhex(oid.decode()) for oid in missing_objects(self._repository).split()]
            self._gaps += absent_gaps(self._repository, missing)
        else:
            self._gaps += absent_gaps(self._repository, scoped.missing)
        pointed = {result.lfs for result in read.results if result.lfs}
        stored = os.path.join(git_folder(self._repository), "lfs", "objects") if pointed else ""
        absent = sum(not os.path.exists(os.path.join(stored, oid[:2], oid[2:4], oid)) for oid in pointed)
        if absent:
            reason = "content that is only on the server; `git lfs fetch --all` brings it"
            self._gaps.append(Gap("Git LFS", reason, absent))


def _is_undecided(result: ObjectResult) -> bool:
    sightings = unpacked(result.sightings)
    return any(each.attribution.verdict is not AttributionVerdict.ATTRIBUTED for each in sightings)


def _in_ref_name(sighting: Sighting, names: list[bytes]) -> Sighting:
    name = os.fsdecode(names[sighting.location.line - 1])
    location = replace(sighting.location, path=name, line=1, refs=(name,))
    return replace(sighting, location=location)


def _in_submodule(sighting: Sighting, path: str) -> Sighting:
    inner = sighting.location.path
    location = replace(sighting.location, path=path if inner is None else f"{path}/{inner}")
    return replace(sighting, location=location)

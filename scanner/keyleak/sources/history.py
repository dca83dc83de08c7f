"""Everything a repository holds: objects read once, and the names and texts beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Coverage, Gap, ObjectCounts, merge_gaps
from keyleak.errors import GitError
from keyleak.findings import FirstSeen, LocationKind
from keyleak.git.objects import read_objects
from keyleak.git.places import PlaceKind, incomplete_views, texts
from keyleak.git.provenance import Provenance, provenance
from keyleak.git.visitor import ReadOptions
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Inspection, Place
from keyleak.sources.object_visitor import MakeObjectVisitor
from keyleak.sources.wire import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyleak.findings import Sighting
    from keyleak.git.places import Text
    from keyleak.git.visitor import ObjectsRead
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.object_visitor import ObjectResult

_UNKNOWN: Final = Provenance(None, None, (), (), at_head=False)
_KINDS: Final = {
    PlaceKind.REF_NAMES: LocationKind.REF_NAME,
    PlaceKind.PATH_NAMES: LocationKind.PATH_NAME,
    PlaceKind.REFLOG: LocationKind.REFLOG,
    PlaceKind.CONFIG: LocationKind.GIT_CONFIG,
}


def read_history(
    repository: str,
    inspector: Inspector,
    rule_folders: tuple[str, ...],
    *,
    jobs: int,
    progress: Callable[[Coverage, int], None],
) -> Reading:
    """Every object of a repository, reachable or not, and what stands beside them.

    Args:
        repository: a bare repository, a work tree, or a folder in one.
        inspector: finds keys in what is no object.
        rule_folders: for the processes that read objects.
        jobs: how many of those.
        progress: told what was read.

    Raises:
        GitError: git does not take it for a repository, does not trust it, or cannot be started.
    """
    read_so_far = Coverage()

    def on_objects(counts: ObjectCounts, content_bytes: int) -> None:
        nonlocal read_so_far
        read_so_far += Coverage(content_bytes, objects=counts)
        progress(read_so_far, 0)

    options = ReadOptions(jobs=jobs, progress=on_objects)
    read = read_objects(repository, MakeObjectVisitor(rule_folders), options)
    gaps = [*read.gaps, *incomplete_views(repository), *_object_gaps(read)]
    sightings = list(_with_provenance(repository, read, gaps))
    beside = 0
    for text in texts(repository, gaps.append):
        beside += len(text.content)
        inspection = _in_text(text, inspector)
        sightings += inspection.sightings
        gaps += inspection.gaps
    coverage = Coverage(read.content_bytes + beside, 0, read.counts, merge_gaps(gaps))
    return Reading(tuple(sightings), coverage)


def _object_gaps(read: ObjectsRead[ObjectResult]) -> Iterator[Gap]:
    for result in read.results:
        yield from result.gaps
    if read.counts == ObjectCounts():
        yield Gap("objects", "the repository holds none, so nothing was scanned")
    pointers = sum(result.is_lfs_pointer for result in read.results)
    if pointers:
        yield Gap("Git LFS", "pointers whose content is not in the object database", pointers)


def _with_provenance(repository: str, read: ObjectsRead[ObjectResult], gaps: list[Gap]) -> Iterator[Sighting]:
    found = [result for result in read.results if result.sightings]
    origins: Mapping[bytes, Provenance] = {}
    try:
        origins = provenance(repository, {result.oid: result.kind for result in found}) if found else {}
    except GitError as error:
        gaps.append(Gap("provenance", f"where the keys come from is not known: {error}"))
    for result in found:
        for sighting in unpacked(result.sightings):
            yield from _placed(sighting, origins.get(result.oid, _UNKNOWN))


def _placed(sighting: Sighting, origin: Provenance) -> Iterator[Sighting]:
    """The sighting at every path its object had."""
    for path in origin.paths or (None,):
        location = replace(
            sighting.location,
            path=path,
            commit=sighting.location.commit or origin.first_commit,
            refs=origin.refs,
        )
        first = FirstSeen(origin.first_commit, origin.first_date, path, location.line)
        yield replace(sighting, location=location, first_seen=first, at_head=origin.at_head)


def _in_text(text: Text, inspector: Inspector) -> Inspection:
    named = text.kind in {PlaceKind.REF_NAMES, PlaceKind.PATH_NAMES}
    lines = text.content.split(b"\n") if named else []
    inspection = inspector.inspect(text.content, Place(_KINDS[text.kind], text.name))
    if not named:
        return inspection
    return replace(
        inspection, sightings=tuple(_in_name(sighting, lines) for sighting in inspection.sightings)
    )


def _in_name(sighting: Sighting, lines: list[bytes]) -> Sighting:
    location = sighting.location
    name = lines[location.line - 1].decode("utf-8", "surrogateescape")
    return replace(sighting, location=replace(location, path=name, line=1))

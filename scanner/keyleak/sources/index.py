"""What `git commit` would record, read from the index."""

from __future__ import annotations

import os
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Coverage, Gap, merge_gaps
from keyleak.findings import LocationKind
from keyleak.git.index import in_work_tree
from keyleak.git.plain import read_by_id
from keyleak.git.visitor import ReadOptions
from keyleak.records import dataclass, replace
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Inspector, Place
from keyleak.sources.interruption import Interruption
from keyleak.sources.object_visitor import ObjectVisitor
from keyleak.sources.reading import INTERRUPTED, Reader
from keyleak.sources.wire import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyleak.findings import Sighting
    from keyleak.git.index import Staged
    from keyleak.git.inherited import Repository
    from keyleak.git.visitor import ObjectsRead
    from keyleak.manifests.project import Project
    from keyleak.sources.object_projects import IndexProjects
    from keyleak.sources.object_visitor import ObjectResult

_OBJECT: Final = "object "
# How many names a note lists.
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class _Read:
    """Part of a reading."""

    sightings: tuple[Sighting, ...] = ()
    bytes: int = 0
    files: int = 0
    gaps: tuple[Gap, ...] = ()


def read_index(
    repository: Repository, staged: Staged, inspector: Inspector, *, with_files: bool = False
) -> Reading:
    """The content and the names of what was listed.

    Args:
        repository: where the objects are.
        staged: see `keyleak.git.index`. What it lists as not staged is read from the work tree.
        inspector: finds the keys.
        with_files: whether files that differ from their staged version are read as well.

    Raises:
        GitError: git cannot be started.
    """
    paths: dict[bytes, list[str]] = defaultdict(list)
    for entry in staged.entries:
        paths[entry.oid].append(entry.path)
    with Interruption() as interruption:
        options = ReadOptions(
            kinds=frozenset({"blob"}), keep=repository.keep, stop=lambda: interruption.requested
        )
        visitor = ObjectVisitor(inspector.within(_Projects(repository, paths)))
        read = read_by_id(repository.folder, paths, visitor, options)
    parts = [
        _names(staged, inspector),
        _contents(read, paths),
        *_stored_elsewhere(repository, read, paths, inspector),
        _files(_unstaged(repository, staged), inspector),
        *([_files(_modified(repository, staged), inspector)] if with_files else []),
    ]
    gaps = [gap for part in parts for gap in part.gaps]
    if interruption.requested:
        gaps.append(INTERRUPTED)
    coverage = Coverage(
        sum(part.bytes for part in parts), sum(part.files for part in parts), gaps=merge_gaps(gaps)
    )
    sightings = tuple(sighting for part in parts for sighting in part.sightings)
    return Reading(sightings, coverage, interruption.number)


class _Projects:
    """The projects of what is staged; what knows them is loaded beside the first key."""

    def __init__(self, repository: Repository, paths: Mapping[bytes, Sequence[str]]) -> None:
        self._repository = repository
        self._paths = paths

    def of(self, place: Place) -> Project:
        """See `Projects`."""
        return self._known.of(place)

    @cached_property
    def _known(self) -> IndexProjects:
        from keyleak.sources.object_projects import IndexProjects  # noqa: PLC0415 - see above

        return IndexProjects(self._repository, self._paths)


def _names(staged: Staged, inspector: Inspector) -> _Read:
    """Keys in the paths themselves."""
    names = [entry.path for entry in staged.entries]
    # A line break in a name would shift the lines: it is looked at as a blank.
    joined = b"\n".join(os.fsencode(name).replace(b"\n", b" ") for name in names)
    inspection = inspector.inspect(joined, Place(LocationKind.PATH_NAME, None))
    return _Read(
        tuple(
            replace(sighting, location=replace(location, path=names[location.line - 1], line=1))
            for sighting in inspection.sightings
            for location in [sighting.location]
        )
    )


def _contents(read: ObjectsRead[ObjectResult], paths: Mapping[bytes, Sequence[str]]) -> _Read:
    sightings = [
        _at(sighting, path)
        for result in read.results
        for sighting in unpacked(result.sightings)
        for path in paths[result.oid]
    ]
    inside = (gap for result in read.results for gap in result.gaps)
    gaps = tuple(_named(gap, paths) for gap in (*read.gaps, *inside))
    missing = sum(gap.count for gap in read.gaps)
    return _Read(tuple(sightings), read.content_bytes, sum(map(len, paths.values())) - missing, gaps)


def _at(sighting: Sighting, path: str) -> Sighting:
    return replace(sighting, location=replace(sighting.location, kind=LocationKind.INDEX, path=path))


def _named(gap: Gap, paths: Mapping[bytes, Sequence[str]]) -> Gap:
    """The gap with the path of its object."""
    oid = gap.what.removeprefix(_OBJECT).removeprefix("blob ")
    for known, (path, *more) in paths.items():
        if oid.startswith(known.hex()):
            what = path + oid.removeprefix(known.hex())
            # One that git does not give is named by its id alone.
            found = () if gap.what.startswith(_OBJECT) else (path, *more)
            return replace(gap, what=what, paths=found, blob=known.hex())
    return gap


def _stored_elsewhere(
    repository: Repository,
    read: ObjectsRead[ObjectResult],
    paths: Mapping[bytes, Sequence[str]],
    inspector: Inspector,
) -> Iterator[_Read]:
    """The content of Git LFS pointers, which a push brings to the server like any other."""
    pointers = {result.lfs: paths[result.oid][0] for result in read.results if result.lfs}
    if not pointers:
        return
    from keyleak.git.places import git_folder  # noqa: PLC0415 - few repositories have any

    reader, folder = Reader(inspector), os.path.join(git_folder(repository.folder), "lfs", "objects")
    for oid, path in pointers.items():
        place = Place(LocationKind.INDEX, path, ("Git LFS",))
        try:
            with open(os.path.join(folder, oid[:2], oid[2:4], oid), "rb") as stored:
                result = reader.read_stream(stored, place)
        except OSError:
            yield _Read(
                gaps=(
                    Gap(path, "a Git LFS pointer whose content is not here: `git lfs fetch`", paths=(path,)),
                )
            )
        else:
            yield _Read(result.sightings, result.bytes, gaps=result.gaps)


def _unstaged(repository: Repository, staged: Staged) -> list[str]:
    """Files that were named and are in no index."""
    return [os.path.normpath(os.path.join(repository.folder, path)) for path in staged.unstaged]


def _modified(repository: Repository, staged: Staged) -> list[str]:
    """Files that are not what is staged of them."""
    return [in_work_tree(repository, path) for path in staged.modified]


def _files(files: Sequence[str], inspector: Inspector) -> _Read:
    """Files of the work tree as they are there."""
    if not files:
        return _Read()
    reader = Reader(inspector)
    links = [path for path in files if os.path.islink(path)]
    results = [
        reader.read_files([path for path in files if path not in links]),
        *map(reader.read_link, links),
    ]
    return _Read(
        tuple(sighting for result in results for sighting in result.sightings),
        sum(result.bytes for result in results),
        sum(result.files for result in results),
        tuple(gap for result in results for gap in result.gaps),
    )


def notes_on(staged: Staged, *, with_files: bool = False) -> Iterable[str]:
    """What is worth knowing of entries without content, and of what is not recorded yet.

    Args:
        staged: what was listed.
        with_files: see `read_index`.
    """
    if staged.modified:
        names = ", ".join(staged.modified[:_NAMED]) + (", ..." if len(staged.modified) > _NAMED else "")
        read = "both were read" if with_files else "only that version was read; `keyleak scan` reads the file"
        yield f"in the work tree another version than the staged one: {names}: {read}"
    for path in staged.conflicts:
        yield f"{path} is in conflict: all its versions are read; what will be recorded is not known yet"
    for path in staged.submodules:
        yield f"{path} is a submodule, whose content is in a repository of its own: scan it there"

"""Files and folders: walked, read in parallel, inspected."""

from __future__ import annotations

import os
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Coverage, Gap, merge_gaps
from keyleak.records import dataclass, replace
from keyleak.sources.batch import BatchReader
from keyleak.sources.interruption import Interruption
from keyleak.sources.reading import INTERRUPTED
from keyleak.sources.sparse import sparse_coverage
from keyleak.sources.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from keyleak.findings import Sighting
    from keyleak.git.identity import RepositoryFacts
    from keyleak.sources.batch import BatchResult
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.walk import Batch

_HERE: Final = os.path.join(".", "")


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a source brought."""

    sightings: tuple[Sighting, ...]
    coverage: Coverage
    interrupted: int = 0
    """The signal by which it was stopped; what was found until then is here. 0 where it went to its end."""
    repository: RepositoryFacts | None = None
    """Whose history it is; None for files, and where git does not say."""


def read_paths(
    roots: Sequence[str],
    make_inspector: Callable[[], Inspector],
    *,
    jobs: int,
    leave_out: Callable[[str], bool] | None = None,
    progress: Callable[[Coverage, int], None] | None = None,
) -> Reading:
    """Every file below the roots.

    Args:
        roots: files and folders.
        make_inspector: called once in each process that reads.
        jobs: processes to read in; a scan of few files stays in this one.
        leave_out: says of a path that it is not wanted.
        progress: told what was read and how many keys were seen, after each batch.
    """
    walk = Walk(roots, leave_out)
    sightings: list[Sighting] = []
    coverage = Coverage()
    gaps: list[Gap] = []
    with Interruption() as interruption:
        wanted = takewhile(lambda _: not interruption.requested, walk.batches())
        for result in _results(wanted, make_inspector, jobs):
            sightings += result.sightings
            gaps += result.coverage.gaps
            coverage += Coverage(result.coverage.bytes, result.coverage.files)
            if progress is not None:
                progress(coverage, len(sightings))
    if interruption.requested:
        gaps.append(INTERRUPTED)
    gaps += walk.gaps
    if "." in roots:
        sightings = [_without_dot(sighting) for sighting in sightings]
        gaps = [replace(gap, what=gap.what.removeprefix(_HERE)) for gap in gaps]
    repositories = tuple(sorted(path.removeprefix(_HERE) for path in walk.repositories))
    sparse = sparse_coverage(roots, walk.repositories)
    complete = Coverage(
        coverage.bytes,
        coverage.files,
        gaps=merge_gaps([*gaps, *sparse.gaps]),
        repositories=repositories,
        not_checked_out=sparse.not_checked_out,
    )
    return Reading(tuple(sightings), complete, interruption.number)


def _without_dot(sighting: Sighting) -> Sighting:
    """`src/app.py` for what the walk of `.` calls `./src/app.py`."""
    path = sighting.location.path
    return replace(sighting, location=replace(sighting.location, path=path and path.removeprefix(_HERE)))


def _results(
    batches: Iterator[Batch], make_inspector: Callable[[], Inspector], jobs: int
) -> Iterator[BatchResult]:
    first = list(islice(batches, 2))
    if jobs == 1 or len(first) < 2:
        reader = BatchReader(make_inspector())
        return (reader.read(batch) for batch in chain(first, batches))
    from keyleak.sources.processes import read_in_processes  # noqa: PLC0415 - few files need no other process

    return read_in_processes(chain(first, batches), make_inspector, jobs)

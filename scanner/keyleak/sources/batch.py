"""One batch of paths read and inspected: the work of a process."""

from __future__ import annotations

import os
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from keyleak.coverage import Coverage
from keyleak.findings import LocationKind, Sighting
from keyleak.records import dataclass, replace
from keyleak.sources.inspector import Place
from keyleak.sources.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.sources.inspector import Inspector
    from keyleak.sources.walk import Batch


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch brought."""

    sightings: tuple[Sighting, ...]
    coverage: Coverage


class BatchReader:
    """Reads batches with one buffer."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._reader = Reader(inspector)

    def read(self, batch: Batch) -> BatchResult:
        """Everything in a batch."""
        names = self._names((*batch.files, *batch.links, *batch.folders))
        results = [self._reader.read_files(batch.files), *map(self._reader.read_link, batch.links)]
        gaps = tuple(gap for result in results for gap in result.gaps)
        files = sum(result.files for result in results)
        sightings = [sighting for result in results for sighting in result.sightings]
        return BatchResult(
            (*names, *sightings), Coverage(sum(result.bytes for result in results), files, gaps=gaps)
        )

    def _names(self, paths: tuple[str, ...]) -> list[Sighting]:
        """Keys in the names themselves, all names in one pass."""
        encoded = [os.fsencode(path) for path in paths]
        joined = b"\n".join(encoded)
        found = self._inspector.inspect(joined, Place(LocationKind.PATH_NAME, None)).sightings
        if not found:
            return []
        starts = [0, *accumulate(len(name) + 1 for name in encoded)]
        return list(_in_names(found, encoded, starts))


def _in_names(found: Iterable[Sighting], names: list[bytes], starts: list[int]) -> Iterable[Sighting]:
    for sighting in found:
        location = sighting.location
        index = bisect_right(starts, location.offset) - 1
        offset = location.offset - starts[index]
        # A folder's name is in the path of everything below it: the place is the folder.
        end = names[index].find(os.sep.encode(), offset)
        path = os.fsdecode(names[index] if end < 0 else names[index][:end])
        yield replace(
            sighting, location=replace(location, path=path, line=1, column=offset + 1, offset=offset)
        )

"""One batch of paths read and inspected: the work of a process."""

from __future__ import annotations

import os
from bisect import bisect_right
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Coverage, Gap
from keyleak.findings import LocationKind, Sighting
from keyleak.records import dataclass, replace
from keyleak.sources.inspector import Place
from keyleak.sources.reading import Reader, ReadResult
from keyleak.unexpected import contained

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.sources.inspector import Inspector
    from keyleak.sources.walk import Batch

_NAMES: Final = Place(LocationKind.PATH_NAME, None)
_NO_NAME: Final = ReadResult((), 0)


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
        results = [
            names,
            *contained(
                lambda: [self._reader.read_files(batch.files)], lambda _: self._one_by_one(batch.files)
            ),
            *(
                contained(partial(self._reader.read_link, path), partial(_unread, path))
                for path in batch.links
            ),
        ]
        gaps = tuple(gap for result in results for gap in result.gaps)
        files = sum(result.files for result in results)
        sightings = tuple(sighting for result in results for sighting in result.sightings)
        return BatchResult(sightings, Coverage(sum(result.bytes for result in results), files, gaps=gaps))

    def _one_by_one(self, paths: Iterable[str]) -> list[ReadResult]:
        """Files that could not be read together, so that only the one that is the cause stays unread."""
        return [contained(partial(self._reader.read_file, path), partial(_unread, path)) for path in paths]

    def _names(self, paths: tuple[str, ...]) -> ReadResult:
        """Keys in the names themselves, all names in one pass."""
        encoded = [os.fsencode(path) for path in paths]
        found = self._inspector.inspect(b"\n".join(encoded), _NAMES)
        if found.gaps and len(paths) > 1:
            # One of them could not be examined: each by itself, so that the others are.
            each = [self._names((path,)) for path in paths]
            sightings = tuple(sighting for one in each for sighting in one.sightings)
            return ReadResult(sightings, 0, tuple(gap for one in each for gap in one.gaps))
        if not found.sightings and not found.gaps:
            return _NO_NAME
        starts = [0, *accumulate(len(name) + 1 for name in encoded)]
        gaps = tuple(Gap(paths[0], f"its name {gap.reason}", paths=(paths[0],)) for gap in found.gaps)
        return ReadResult(tuple(_in_names(found.sightings, encoded, starts)), 0, gaps)


def _unread(path: str, reason: str) -> ReadResult:
    return ReadResult((), 0, (Gap(path, reason, paths=(path,)),))


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

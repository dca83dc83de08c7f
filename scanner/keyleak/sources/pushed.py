"""What a push brings: the objects that are new with it, and the names of its refs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyleak.coverage import merge_gaps
from keyleak.findings import LocationKind
from keyleak.records import replace
from keyleak.sources.files import Reading
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.inspector import Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.git.scope import Scope


def read_push(
    repository: str, scope: Scope, refs: Sequence[str], inspector: Inspector, *, traces_gaps: bool = False
) -> Reading:
    """The new objects and the names.

    Args:
        repository: where the objects are.
        scope: which of them are new.
        refs: names that the receiving side is to keep.
        inspector: finds the keys.
        traces_gaps: see `HistoryRequest`.

    Raises:
        GitError: git cannot read the repository, or does not know a commit.
    """
    # One process: pushes are small, and starting others takes longer than reading.
    reading = read_history(HistoryRequest(repository, scope, traces_gaps=traces_gaps), inspector)
    names = b"\n".join(os.fsencode(ref) for ref in refs)
    inspection = inspector.inspect(names, Place(LocationKind.REF_NAME, None))
    in_names = [
        replace(sighting, location=replace(location, path=name, line=1, refs=(name,)))
        for sighting in inspection.sightings
        for location in [sighting.location]
        for name in [refs[location.line - 1]]
    ]
    gaps = merge_gaps([*reading.coverage.gaps, *inspection.gaps])
    return Reading((*reading.sightings, *in_names), replace(reading.coverage, gaps=gaps), reading.interrupted)

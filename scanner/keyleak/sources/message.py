"""A commit message before it is recorded, as `commit-msg` gets it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Coverage
from keyleak.errors import SourceError
from keyleak.findings import LocationKind
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

# `git commit --verbose` shows the change below this line and takes it away again. A removed key stands there
# too, so it is left out, but only where what follows is git's: anybody can write such a line.
_SCISSORS: Final = re.compile(
    rb"^(?P<mark>[^\s]{1,8}) -{24} >8 -{24}\n(?:(?P=mark)[^\n]*\n)*(?=diff |\Z)", re.MULTILINE
)


def read_messages(paths: Sequence[str], inspector: Inspector) -> Reading:
    """Messages, comments included: whether git takes those away is not known here.

    Raises:
        SourceError: a file cannot be read, so that its message would pass unseen.
    """
    readings = [_read(path, inspector) for path in paths]
    sightings = tuple(sighting for reading in readings for sighting in reading.sightings)
    gaps = tuple(gap for reading in readings for gap in reading.coverage.gaps)
    size = sum(reading.coverage.bytes for reading in readings)
    return Reading(sightings, Coverage(size, len(paths), gaps=gaps))


def _read(path: str, inspector: Inspector) -> Reading:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise SourceError(path, f"the commit message cannot be read: {error.strerror}") from error
    cut = _SCISSORS.search(content)
    message = content[: cut.start()] if cut else content
    inspection = inspector.inspect(message, Place(LocationKind.COMMIT_MESSAGE, path))
    return Reading(inspection.sightings, Coverage(len(message), gaps=inspection.gaps))

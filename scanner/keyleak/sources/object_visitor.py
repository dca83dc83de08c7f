"""What history does with each git object, in the process that reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.findings import LocationKind
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.inspector import NOTHING, Inspection, Inspector, Place
from keyleak.sources.reading import Reader
from keyleak.sources.wire import PackedSightings, packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.coverage import Gap
    from keyleak.findings import Sighting
    from keyleak.git.visitor import Kind

_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_LONGEST_POINTER: Final = 1024
_BLOB: Final = Place(LocationKind.BLOB, None)
_MESSAGES: Final = {"commit": LocationKind.COMMIT_MESSAGE, "tag": LocationKind.TAG_MESSAGE}


class ObjectResult(NamedTuple):
    """What one object brought; plain values, for it crosses a process border."""

    oid: bytes
    kind: Kind
    sightings: PackedSightings
    gaps: tuple[Gap, ...]
    is_lfs_pointer: bool


class ObjectVisitor:
    """Looks for keys in blobs, commits and tags."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    def visit(self, oid: bytes, kind: Kind, data: bytes) -> ObjectResult | None:
        """Looks at a whole object."""
        is_pointer = kind == "blob" and len(data) < _LONGEST_POINTER and data.startswith(_LFS_POINTER)
        inspection = self._inspector.inspect(data, _BLOB)
        if inspection is NOTHING and not is_pointer:
            return None
        return _result(oid, kind, inspection, data.find(b"\n\n"), is_pointer=is_pointer)

    def visit_windows(self, oid: bytes, kind: Kind, windows: Iterator[bytes]) -> ObjectResult | None:
        """Looks at an object too large to hold."""
        result = Reader(self._inspector).read_stream(_Pieces(windows), _BLOB)
        if not result.sightings and not result.gaps:
            return None
        # No header is as long as a window: what stands in an object this large is its message.
        return _result(oid, kind, Inspection(result.sightings, result.gaps), 0, is_pointer=False)


@dataclass(frozen=True, slots=True)
class MakeObjectVisitor:
    """Makes a visitor in the process that needs it."""

    rule_folders: tuple[str, ...]

    def __call__(self) -> ObjectVisitor:
        """A new visitor."""
        return ObjectVisitor(Inspector(load_rulebook(self.rule_folders)))


class _Pieces:
    """Consecutive pieces of content as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readinto1(self, buffer: memoryview, /) -> int:
        """See `ByteStream`."""
        piece = self._rest or next(self._pieces, b"")
        count = min(len(piece), len(buffer))
        buffer[:count] = piece[:count]
        self._rest = piece[count:]
        return count


def _result(
    oid: bytes, kind: Kind, inspection: Inspection, header_end: int, *, is_pointer: bool
) -> ObjectResult:
    sightings = packed(_placed(inspection.sightings, oid, kind, header_end))
    gaps = tuple(replace(gap, what=f"{kind} {oid.hex()}{gap.what}") for gap in inspection.gaps)
    return ObjectResult(oid, kind, sightings, gaps, is_pointer)


def _placed(sightings: Iterable[Sighting], oid: bytes, kind: Kind, header_end: int) -> Iterator[Sighting]:
    """The sightings with what they stand in: a commit's header holds names and addresses."""
    for sighting in sightings:
        location = sighting.location
        if kind == "blob":
            yield replace(sighting, location=replace(location, blob=oid.hex()))
            continue
        where = LocationKind.IDENTITY if location.offset < header_end else _MESSAGES[kind]
        named = oid.hex() if kind == "commit" else None
        yield replace(sighting, location=replace(location, kind=where, commit=named))

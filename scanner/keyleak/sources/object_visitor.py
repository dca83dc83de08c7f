"""What history does with each git object, in the process that reads it."""

from __future__ import annotations

import os
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.findings import LocationKind
from keyleak.records import dataclass, replace
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.inspector import NOTHING, Inspector, Place
from keyleak.sources.reading import Reader
from keyleak.sources.wire import PackedSightings, packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keyleak.coverage import Gap
    from keyleak.findings import Sighting
    from keyleak.git.visitor import Kind
    from keyleak.rulebook.provenance import RuleFolder

_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_LFS_OBJECT: Final = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_LONGEST_POINTER: Final = 1024
_NAMES: Final = Place(LocationKind.PATH_NAME, None)
_BLOB: Final = Place(LocationKind.BLOB, None)
_MESSAGES: Final = {"commit": LocationKind.COMMIT_MESSAGE, "tag": LocationKind.TAG_MESSAGE}


class ObjectResult(NamedTuple):
    """What one object brought; plain values, for it crosses a process border."""

    oid: bytes
    kind: Kind
    sightings: PackedSightings
    gaps: tuple[Gap, ...]
    lfs: str | None
    """The content that it points to, where it is a Git LFS pointer."""


class ObjectVisitor:
    """Looks for keys in blobs, commits and tags."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    def worth_visiting(self, contents: Sequence[bytes]) -> set[int]:
        """See `Visitor`."""
        joined = b"".join(contents)
        found = set(self._inspector.suspects(joined, list(accumulate(map(len, contents)))))
        # Asked of each: to search the whole for it takes several times as long.
        found.update([place for place, data in enumerate(contents) if data.startswith(_LFS_POINTER)])
        return found

    def visit(self, oid: bytes, kind: Kind, data: bytes) -> ObjectResult | None:
        """Looks at a whole object."""
        if kind == "tree":
            return self._visit_names(oid, data)
        pointer = _LFS_OBJECT.search(data) if kind == "blob" and data.startswith(_LFS_POINTER) else None
        lfs = pointer[1].decode() if pointer and len(data) < _LONGEST_POINTER else None
        if lfs is None and not self._inspector.suspects(data, (len(data),)):
            return None
        inspection = self._inspector.inspect(data, replace(_BLOB, object=oid.hex()))
        if inspection is NOTHING and lfs is None:
            return None
        sightings = _placed(inspection.sightings, oid, kind, data.find(b"\n\n"))
        return _result(oid, kind, sightings, inspection.gaps, lfs)

    def _visit_names(self, oid: bytes, tree: bytes) -> ObjectResult | None:
        # Told by the tree as it stands, in which a zero byte ends each name: few trees are taken apart.
        if self._inspector.inspect(tree, _NAMES) is NOTHING:
            return None
        names = list(_names(tree, len(oid)))
        inspection = self._inspector.inspect(b"\n".join(names), _NAMES)
        placed = [_in_name(sighting, names[sighting.location.line - 1]) for sighting in inspection.sightings]
        return _result(oid, "tree", placed, inspection.gaps) if placed or inspection.gaps else None

    def visit_windows(self, oid: bytes, kind: Kind, windows: Iterator[bytes]) -> ObjectResult | None:
        """Looks at an object too large to hold."""
        result = Reader(self._inspector).read_stream(_Pieces(windows), _BLOB)
        if not result.sightings and not result.gaps:
            return None
        # No header is as long as a window: what stands in an object this large is its message.
        return _result(oid, kind, _placed(result.sightings, oid, kind, 0), result.gaps)


@dataclass(frozen=True, slots=True)
class MakeObjectVisitor:
    """Makes a visitor in the process that needs it."""

    rule_folders: tuple[RuleFolder, ...]
    inspector: Inspector | None = None
    """The one to use, where everything is read in this process."""

    def __call__(self) -> ObjectVisitor:
        """A new visitor."""
        return ObjectVisitor(self.inspector or Inspector(load_rulebook(self.rule_folders)))


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


def _names(tree: bytes, id_bytes: int) -> Iterator[bytes]:
    """The names in a tree: `mode name`, a zero byte and an id, one behind the other.

    A line break in a name would shift the lines: it is shown as a blank.
    """
    place = 0
    while (end := tree.find(b"\0", place)) >= 0:
        yield tree[place:end].partition(b" ")[2].replace(b"\n", b" ")
        place = end + 1 + id_bytes


def _in_name(sighting: Sighting, name: bytes) -> Sighting:
    return replace(sighting, location=replace(sighting.location, path=os.fsdecode(name), line=1))


def _result(
    oid: bytes, kind: Kind, sightings: Iterable[Sighting], gaps: Iterable[Gap], lfs: str | None = None
) -> ObjectResult:
    named = tuple(replace(gap, what=f"{kind} {oid.hex()}{gap.what}") for gap in gaps)
    return ObjectResult(oid, kind, packed(sightings), named, lfs)


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

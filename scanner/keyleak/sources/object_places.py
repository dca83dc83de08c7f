"""Where a key in an object stands: its paths, what kind of place that is, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.findings import FirstSeen, LocationKind
from keyleak.git.provenance import NOTHING_KNOWN
from keyleak.records import replace
from keyleak.sources.standing import standing_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from keyleak.findings import Location, Sighting
    from keyleak.git.provenance import Provenance
    from keyleak.sources.standing import Outside

_NOTES: Final = "refs/notes/"
_STASH: Final = ("refs/stash", "stash@{")


class Known(NamedTuple):
    """What else is known of a repository."""

    outside: Outside
    authors: Mapping[str, str]
    """Names by commit."""
    whole: bool
    """Whether all of it is read."""


class ObjectPlaces:
    """Gives sightings in objects the places that history says."""

    def __init__(
        self,
        origins: Mapping[bytes, Provenance],
        staged: Callable[[], Mapping[bytes, Sequence[str]]],
        known: Known,
    ) -> None:
        """Take what is known.

        Args:
            origins: where each comes from.
            staged: lists the paths of blobs in the index.
            known: what else is known of the repository.
        """
        self._known = known
        self._origins = origins
        self._staged = staged

    def of(self, sighting: Sighting, oid: bytes) -> Iterator[Sighting]:
        """A sighting at every path its object had."""
        origin = self._origins.get(oid, NOTHING_KNOWN)
        location = self._kind_of_place(sighting.location, origin)
        paths: tuple[str | None, ...] = origin.paths or (None,)
        if location.kind is LocationKind.BLOB and origin.first_commit is None and oid in self._staged():
            location = replace(location, kind=LocationKind.INDEX)
            paths = tuple(self._staged()[oid])
        for path in paths:
            yield self._at(sighting, location, path, origin)
        if origin.further_paths:
            further = replace(location, more_paths=origin.further_paths)
            yield self._at(sighting, further, None, origin)

    def _at(self, sighting: Sighting, location: Location, folder: str | None, origin: Provenance) -> Sighting:
        path = folder
        if location.kind is LocationKind.PATH_NAME:
            path = location.path if folder is None else f"{folder}/{location.path}"
        commit = location.commit or origin.first_commit
        placed = replace(location, path=path, commit=commit, refs=origin.refs)
        author = self._known.authors.get(origin.first_commit or "")
        first = FirstSeen(origin.first_commit, origin.first_date, path, location.line, author)
        outside, whole = self._known.outside, self._known.whole
        standing = standing_of(placed.kind, origin, outside, whole=whole)
        return replace(sighting, location=placed, first_seen=first, at_head=origin.at_head, standing=standing)

    def _kind_of_place(self, location: Location, origin: Provenance) -> Location:
        """Notes and stashes are commits like others, which only their refs tell apart."""
        if origin.refs and all(ref.startswith(_STASH) for ref in origin.refs):
            return replace(location, kind=LocationKind.STASH)
        is_note = location.kind is LocationKind.BLOB and origin.refs
        if is_note and all(ref.startswith(_NOTES) for ref in origin.refs):
            return replace(location, kind=LocationKind.NOTE)
        return location

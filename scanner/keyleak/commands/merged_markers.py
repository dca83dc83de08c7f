"""Which inline markers of a change are in its base already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.findings import LocationKind
from keyleak.git.committed import CommittedFiles, commits_outside, objects_within
from keyleak.git.plain import read_by_id
from keyleak.git.visitor import ReadOptions
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.inspector import Inspector
from keyleak.sources.object_visitor import ObjectVisitor
from keyleak.sources.wire import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.commands.review import Base
    from keyleak.findings import Finding, Location, Marker
    from keyleak.rulebook.provenance import RuleFolder
    from keyleak.secret import Secret

# Places whose commit has the very content. That of a tag is the commit it names, which has none of the tag.
_OF_COMMIT: Final = frozenset({LocationKind.BLOB, LocationKind.COMMIT_MESSAGE, LocationKind.PATH_NAME})


class MergedMarkers:
    """Knows the markers that a base has.

    A marker is merged if the base reaches the object that it is in, or if the base's version of that file has
    the same marker beside the same key. A line that a change moves, or a file that it edits elsewhere, keeps
    its marker.
    """

    def __init__(self, base: Base, findings: Sequence[Finding], rule_folders: tuple[RuleFolder, ...]) -> None:
        """Look them up.

        Args:
            base: the commit and its repository.
            findings: what was found, with every marker.
            rule_folders: rules that the keys were found with besides the built-in ones.
        """
        marked = [
            place
            for finding in findings
            for place, markers in zip(finding.locations, finding.markers, strict=True)
            if markers
        ]
        self._base = base
        self._commits: frozenset[str] = frozenset()
        self._blobs: frozenset[str] = frozenset()
        self._in_files: frozenset[tuple[Secret, str, Marker]] = frozenset()
        if base.commit is None or not marked:
            return
        self._commits = self._reached_commits(base.commit, marked)
        left = [place for place in marked if place.blob and not self._is_reached(place)]
        if left and base.whole:
            ids = {place.blob for place in left if place.blob}
            self._blobs = self._reached_blobs(base.commit, ids)
            left = [place for place in left if not self._is_reached(place)]
        paths = sorted({place.path for place in left if place.path and place.kind is LocationKind.BLOB})
        if paths:
            self._in_files = frozenset(self._markers_in(base.commit, paths, rule_folders))

    def has(self, secret: Secret, place: Location, marker: Marker) -> bool:
        """Whether a key's marker at a place is merged."""
        return self._is_reached(place) or (secret, place.path, marker) in self._in_files

    def _is_reached(self, place: Location) -> bool:
        if place.blob is not None and place.blob in self._blobs:
            return True
        return place.kind in _OF_COMMIT and place.commit is not None and place.commit in self._commits

    def _reached_commits(self, base: str, places: Iterable[Location]) -> frozenset[str]:
        commits = {place.commit for place in places if place.commit and place.kind in _OF_COMMIT}
        try:
            outside = commits_outside(self._base.repository, base, commits, self._base.keep)
        except GitError:
            # A commit that is not here: nothing is known to be merged, so nothing counts.
            return frozenset()
        return frozenset(commits - outside)

    def _reached_blobs(self, base: str, ids: Iterable[str]) -> frozenset[str]:
        try:
            return frozenset(objects_within(self._base.repository, base, ids, self._base.keep))
        except GitError:
            # As above: history is not whole here.
            return frozenset()

    def _markers_in(
        self, base: str, paths: Sequence[str], rule_folders: tuple[RuleFolder, ...]
    ) -> Iterable[tuple[Secret, str, Marker]]:
        """Every key with every marker beside it, in the base's version of these files."""
        files = CommittedFiles(self._base.repository, base, self._base.keep).regular(paths)
        visitor = ObjectVisitor(Inspector(load_rulebook(rule_folders)))
        options = ReadOptions(kinds=frozenset({"blob"}), keep=self._base.keep)
        ids = {bytes.fromhex(file.oid) for file in files}
        results = read_by_id(self._base.repository, ids, visitor, options).results
        sightings = {result.oid.hex(): unpacked(result.sightings) for result in results}
        for file in files:
            for sighting in sightings.get(file.oid, ()):
                for marker in sighting.markers:
                    yield sighting.secret, file.path, marker

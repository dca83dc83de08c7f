"""Keys found again where a report says they stood: the report names places and fingerprints, never keys.

Only what the report names is read: files and objects by their names. What has no name of its own, such as a
reflog or the name of a ref, is found by reading the repository's history once more.
"""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Gap
from keyleak.errors import GitError, SourceError
from keyleak.findings import LocationKind
from keyleak.git.plain import read_by_id
from keyleak.git.visitor import ReadOptions
from keyleak.regular_file import kind_name
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.object_visitor import ObjectVisitor
from keyleak.sources.reading import Reader, ReadResult
from keyleak.sources.wire import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyleak.findings import Finding, Location, Sighting
    from keyleak.sources.inspector import Inspector

_OBJECTS: Final = frozenset(
    {
        LocationKind.BLOB,
        LocationKind.INDEX,
        LocationKind.STASH,
        LocationKind.NOTE,
        LocationKind.COMMIT_MESSAGE,
        LocationKind.IDENTITY,
    }
)
_ID: Final = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
# How a report writes a byte of a name that is no UTF-8.
_ESCAPED: Final = re.compile(r"\\x([89a-f][0-9a-f])")


@dataclass(frozen=True, slots=True)
class Relocation:
    """What was found again."""

    sightings: Mapping[str, tuple[Sighting, ...]]
    """By the id of a finding: its key, wherever it still stands."""
    changed: Mapping[str, tuple[str, ...]]
    """By the id of a finding: the places that no longer hold it or cannot be read, each with the reason."""


@dataclass(slots=True)
class Relocator:
    """Reads places again. Use one for a report."""

    inspector: Inspector
    repository: str
    """Where objects are; the folder of a history's report, else the current one."""
    keys: tuple[bytes, ...] = ()
    """Keys of baselines that the report's ids may be made with."""
    history: HistoryRequest | None = None
    """How to read history again, where the report is of one."""
    _found: dict[str, list[Sighting]] = field(default_factory=lambda: defaultdict(list))
    _changed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def relocate(self, findings: Iterable[Finding]) -> Relocation:
        """Look for the keys of findings at the places where they were.

        Raises:
            SourceError: a place is a pipe, a socket or a device, so no scan wrote this; nothing is read.
        """
        every = list(findings)
        _refuse_special(location for _, location in _places(every, frozenset({LocationKind.FILE})))
        wanted = {finding.id for finding in every}
        self._files(every, wanted)
        self._objects(every, wanted)
        self._rest(every)
        return Relocation(
            {id_: tuple(dict.fromkeys(sightings)) for id_, sightings in self._found.items()},
            {id_: tuple(dict.fromkeys(places)) for id_, places in self._changed.items()},
        )

    def _files(self, findings: Iterable[Finding], wanted: set[str]) -> None:
        reader = Reader(self.inspector)
        read: dict[str, set[str]] = {}
        why: dict[str, str] = {}
        for finding, location in _places(findings, frozenset({LocationKind.FILE})):
            shown = location.path or ""
            if self.history is not None:
                continue
            if shown not in read:
                result = _read_again(reader, location)
                read[shown] = self._take(result.sightings, wanted)
                why[shown] = next((gap.reason for gap in result.gaps), "it changed")
            if finding.id not in read[shown]:
                self._changed[finding.id].append(f"{shown}: {why[shown]}")

    def _objects(self, findings: Iterable[Finding], wanted: set[str]) -> None:
        places = [
            (finding, oid) for finding, location in _places(findings, _OBJECTS) if (oid := _oid(location))
        ]
        if not places:
            return
        try:
            ids = {bytes.fromhex(oid) for _, oid in places}
            read = read_by_id(
                self.repository,
                sorted(ids),
                ObjectVisitor(self.inspector),
                ReadOptions(kinds=frozenset({"blob", "commit", "tag"})),
            )
        except GitError as error:
            for finding, oid in places:
                self._changed[finding.id].append(f"object {oid[:12]}: {error}")
            return
        found = {result.oid.hex(): self._take(unpacked(result.sightings), wanted) for result in read.results}
        for finding, oid in places:
            if finding.id not in found.get(oid, set()):
                self._changed[finding.id].append(
                    f"object {oid[:12]}: it is not in {self.repository} any more"
                )

    def _rest(self, findings: list[Finding]) -> None:
        """What no name leads to."""
        missing = [finding for finding in findings if finding.id not in self._found]
        if self.history is None or not missing:
            for finding in missing:
                if not self._changed.get(finding.id):
                    kinds = ", ".join(sorted({place.kind.value for place in finding.locations}))
                    self._changed[finding.id].append(f"a place of this kind cannot be read again: {kinds}")
            return
        wanted = {finding.id for finding in missing}
        try:
            found = self._take(read_history(self.history, self.inspector).sightings, wanted)
        except GitError as error:
            found, reason = set(), str(error)
        else:
            reason = "the repository no longer holds it"
        for finding in missing:
            if finding.id not in found:
                self._changed[finding.id].append(f"{self.history.repository}: {reason}")

    def _take(self, sightings: Iterable[Sighting], wanted: set[str]) -> set[str]:
        """Keep the sightings of wanted keys; the ids of these."""
        taken = set()
        for sighting in sightings:
            secret = sighting.secret
            ids = {secret.fingerprint(), *(secret.fingerprint(key) for key in self.keys)}
            for id_ in ids & wanted:
                self._found[id_].append(sighting)
                taken.add(id_)
        return taken


def _refuse_special(locations: Iterable[Location]) -> None:
    for path in dict.fromkeys(_on_disk(location.path or "") for location in locations):
        with suppress(OSError, ValueError):
            mode = os.lstat(path).st_mode
            if not any(is_kind(mode) for is_kind in (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)):
                raise SourceError(
                    path, f"the report names it as a place of a key, and it is {kind_name(mode)}: not opened"
                )


def _read_again(reader: Reader, location: Location) -> ReadResult:
    """What a file holds now; a report may be anybody's, so what is no file is not opened."""
    path = _on_disk(location.path or "")
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError) as error:
        return ReadResult((), 0, (Gap(path, getattr(error, "strerror", None) or str(error)),))
    if stat.S_ISLNK(mode) and location.container[:1] == ("symbolic link target",):
        return reader.read_link(path)
    if not stat.S_ISREG(mode):
        return ReadResult((), 0, (Gap(path, f"is {kind_name(mode)}, no regular file: it is not opened"),))
    return reader.read_files([path])


def _places(
    findings: Iterable[Finding], kinds: frozenset[LocationKind]
) -> Iterable[tuple[Finding, Location]]:
    return ((finding, place) for finding in findings for place in finding.locations if place.kind in kinds)


def _oid(location: Location) -> str | None:
    """The object a place is in, where the report names it."""
    in_commit = location.kind in {LocationKind.COMMIT_MESSAGE, LocationKind.IDENTITY}
    oid = location.commit if in_commit else location.blob or location.commit
    return oid if oid and _ID.match(oid) else None


def _on_disk(shown: str) -> str:
    """The path that a report shows, with the bytes it had."""
    if os.path.lexists(shown):
        return shown
    return _ESCAPED.sub(lambda byte: chr(0xDC00 + int(byte[1], 16)), shown)

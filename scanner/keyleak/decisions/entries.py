"""Entries of the configuration that speak of findings: by id, rule, issuer or path, always with a reason."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyleak.decisions.path_patterns import path_pattern
from keyleak.findings import LocationKind
from keyleak.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from keyleak.findings import Finding, Location, Severity

# Paths of these are relative to where keyleak runs; all others to the root of the repository.
_ON_DISK = frozenset({LocationKind.FILE, LocationKind.PATH_NAME})


@dataclass(frozen=True, slots=True)
class PathBase:
    """How a path in a report becomes one below the folder of the configuration."""

    here: str
    """The folder that keyleak runs in, absolute."""
    root: str
    """The folder of the configuration, absolute."""

    def name(self, location: Location) -> str:
        """The path that a pattern sees: from the configuration on; as reported where it lies elsewhere."""
        if location.path is None:
            return ""
        return self.below(location.path, on_disk=location.kind in _ON_DISK)

    def below(self, path: str, *, on_disk: bool) -> str:
        """The same for a path; one that is not on the disk is relative to the root of the repository."""
        if on_disk or os.path.isabs(path):
            full = os.path.normpath(os.path.join(self.here, path))
            if full.startswith(self.root.rstrip("/") + "/"):
                return os.path.relpath(full, self.root)
        return path


@dataclass(frozen=True, slots=True)
class Subject:
    """What entries look at: a finding, of this scan or of a saved report."""

    ids: frozenset[str]
    """Its fingerprints, under the fixed key and under the baseline's."""
    rule: str
    issuer: str | None
    places: tuple[str, ...]
    """The path of each place; empty where it has none."""


def subject_of(finding: Finding, base: PathBase | None = None) -> Subject:
    """A finding of this scan as entries see it."""
    return saved_subject(finding, base, finding.secret.fingerprint())


def saved_subject(finding: Finding, base: PathBase | None, *further_ids: str) -> Subject:
    """A finding of a saved report, which has no key any more, as entries see it."""
    places = tuple(base.name(place) if base else place.path or "" for place in finding.locations)
    return Subject(frozenset({finding.id, *further_ids}), finding.rule, finding.issuer, places)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What an entry names; all of it must fit."""

    id: str | None = None
    """A fingerprint."""
    rule: str | None = None
    issuer: str | None = None
    path: str | None = None
    """A pattern; see `keyleak.decisions.path_patterns`."""

    def cover(self, subject: Subject) -> bool:
        """Whether they fit; a path only if every place of the key matches."""
        return (
            (self.id is None or self.id in subject.ids)
            and (self.rule is None or self.rule == subject.rule)
            and (self.issuer is None or self.issuer == subject.issuer)
            and (self.path is None or self._covers_places(subject.places))
        )

    def _covers_places(self, places: Iterable[str]) -> bool:
        pattern = path_pattern(self.path or "")
        return all(map(pattern.fits, places))

    def __str__(self) -> str:
        named = {"id": self.id, "rule": self.rule, "issuer": self.issuer, "path": self.path}
        return ", ".join(f"{name}: {value}" for name, value in named.items() if value is not None)


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One entry of `allow`."""

    criteria: Criteria
    reason: str
    expires: date | None = None
    """The last day on which it counts."""
    line: int = 0
    """Where it stands in its file."""

    def expired(self, today: date | None) -> bool:
        """Whether it no longer counts; on no day where there is none to compare with."""
        return today is not None and self.expires is not None and self.expires < today


@dataclass(frozen=True, slots=True)
class SeverityEntry:
    """One entry of `severity`."""

    criteria: Criteria
    severity: Severity
    reason: str
    line: int = 0

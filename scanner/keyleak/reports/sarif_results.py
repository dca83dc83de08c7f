"""The results of a SARIF log: one for each key."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from keyleak.findings import LocationKind, Severity, Status
from keyleak.practices import advice
from keyleak.records import replace
from keyleak.reports.sarif_rules import LEVELS, PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.findings import Finding, Location
    from keyleak.reports.report import Scan
    from keyleak.reports.sarif_rules import SarifRules
    from keyleak.reports.wording import Wording

MOST_LOCATIONS: Final = 1_000
SOURCE_ROOT: Final = "SRCROOT"

_IN_FILES: Final = frozenset(
    {LocationKind.FILE, LocationKind.INDEX, LocationKind.BLOB, LocationKind.PATH_NAME, LocationKind.STASH}
)


class SarifResults:
    """Makes results."""

    def __init__(self, rules: SarifRules, wording: Wording, scan: Scan) -> None:
        self._rules = rules
        self._wording = wording
        self._scan = scan

    def result(self, finding: Finding) -> dict[str, Any]:
        """The result that a finding is."""
        rule, index = self._rules.reference(finding)
        primary = _primary(finding)
        others = [place for place in finding.locations if place is not primary]
        related = [self._inner(finding, primary)] if primary.container or primary.decoded else []
        related += [self._location(finding, place) for place in others[: MOST_LOCATIONS - 1 - len(related)]]
        return {
            "ruleId": rule,
            "ruleIndex": index,
            "kind": "fail",
            "level": LEVELS[finding.severity],
            "message": self._message(finding),
            "locations": [self._location(finding, primary)],
            "relatedLocations": [{"id": number, **place} for number, place in enumerate(related, 1)],
            "partialFingerprints": {"primaryLocationLineHash": _line_hash(finding, primary, self._wording)},
            "fingerprints": {"keyleak/v1": finding.id},
            "suppressions": self._suppressions(finding),
            "properties": self._properties(finding),
        }

    def cut_short(self, findings: Iterable[Finding]) -> int:
        """How many of the findings have more places than a result may."""
        return sum(len(finding.locations) > MOST_LOCATIONS - 1 for finding in findings)

    def _message(self, finding: Finding) -> dict[str, Any]:
        parts = [self._wording.verification(finding)] if finding.verification.host else []
        since = self._wording.first_seen(finding)
        parts += [f"First seen {since}"] if since else []
        parts += [part for part in (self._wording.at_head(finding), self._wording.status(finding)) if part]
        more = len(finding.locations) - 1
        parts += [f"It stands at {more:,} more {'place' if more == 1 else 'places'}"] if more else []
        if finding.status is Status.NEW and finding.severity is not Severity.NOTE:
            parts += [step.rstrip(".") for step in self._wording.advice(finding).steps[:1]]
        told = " ".join(f"{part[:1].upper()}{part[1:]}." for part in parts)
        named = f"{self._wording.title(finding)} '{self._wording.secret(finding)}' stands in the clear."
        return {"text": _plain(f"{named} {told}".strip())}

    def _location(self, finding: Finding, place: Location) -> dict[str, Any]:
        # What people wrote as their name or a message is nobody's business in a dashboard.
        named = place if place.kind in _IN_FILES else replace(place, path=None)
        described = [self._wording.place(named), *self._wording.remarks(place)]
        location: dict[str, Any] = {
            "physicalLocation": {"artifactLocation": self._artifact(place), "region": _region(place)},
            "message": {"text": _plain("; ".join(described))},
            "properties": {
                **_properties_of(place, self._wording),
                "url": self._wording.link(self._scan, finding, place) or None,
            },
        }
        if place.container:
            names = [self._wording.clean(name) for name in place.container]
            location["logicalLocations"] = [
                {"name": names[-1], "fullyQualifiedName": " > ".join(names), "kind": "member"}
            ]
        return location

    def _inner(self, finding: Finding, place: Location) -> dict[str, Any]:
        """Where inside a container or an encoding the key stands; the result's location is what holds it."""
        layers = [*place.container, *place.decoded]
        text = f"inside {' > '.join(layers)}, line {place.line}, column {place.column}"
        return {**self._location(finding, place), "message": {"text": _plain(self._wording.clean(text))}}

    def _artifact(self, place: Location) -> dict[str, Any]:
        if place.kind not in _IN_FILES or not place.path:
            # Not a file: a name that says where it stands, without what people wrote there.
            return {"uri": "/".join([place.kind.value, *([place.commit or place.blob or "here"])])}
        path = self._wording.clean(place.path.removeprefix("./"))
        if path.startswith("/"):
            return {"uri": "file://" + quote(path)}
        uri = quote(path)
        return {"uri": uri} if path.startswith("../") else {"uri": uri, "uriBaseId": SOURCE_ROOT}

    def _suppressions(self, finding: Finding) -> list[dict[str, Any]]:
        if finding.status is Status.NEW:
            return []
        return [{"kind": "external", "status": "accepted", "justification": self._wording.status(finding)}]

    def _properties(self, finding: Finding) -> dict[str, Any]:
        first, wording = finding.first_seen, self._wording
        seen = None
        if first is not None:
            path = wording.clean(first.path) if first.path else None
            seen = {"commit": first.commit, "date": first.date, "path": path, "line": first.line}
        return {
            "id": finding.id,
            "issuer": finding.issuer,
            "candidates": [each.issuer for each in finding.attribution.candidates],
            "environment": finding.environment.value,
            "severity": finding.severity.value,
            "status": finding.status.value,
            "attribution": finding.attribution.verdict.value,
            "evidence": wording.evidence(finding),
            "precision": PRECISIONS[finding.attribution.confidence],
            "verification": finding.verification.verdict.value,
            "firstSeen": seen,
            "ageDays": finding.age_days,
            "atHead": finding.at_head,
            "exposure": wording.exposure(finding),
            "practices": [
                {"practice": word, "reason": words.reason, "fix": words.fix}
                for word in finding.exposure
                if (words := advice(word))
            ],
            "places": len(finding.locations),
        }


def _primary(finding: Finding) -> Location:
    """The place that the result stands at: the first line of a plain file, if there is one."""
    plain = (
        place
        for place in finding.locations
        if place.kind in _IN_FILES and not place.container and not place.decoded
    )
    return next(plain, finding.locations[0])


def _region(place: Location) -> dict[str, int]:
    # The line inside an archive is none of the archive's own.
    if place.container:
        return {"startLine": 1, "startColumn": 1}
    return {"startLine": place.line, "startColumn": place.column}


def _properties_of(place: Location, wording: Wording) -> dict[str, Any]:
    return {
        "kind": place.kind.value,
        "commit": place.commit,
        "blob": place.blob,
        "refs": [wording.clean(ref) for ref in place.refs],
        "decoded": [wording.clean(step) for step in place.decoded],
        "container": [wording.clean(name) for name in place.container],
        "line": place.line,
    }


def _line_hash(finding: Finding, place: Location, wording: Wording) -> str:
    """What GitHub tells alerts apart by: the key and the file, so that moving a line makes no new alert."""
    path = wording.clean(place.path or place.kind.value)
    name = "\0".join((finding.id, path, *map(wording.clean, place.container)))
    return hashlib.sha256(name.encode()).hexdigest()[:16] + ":1"


def _plain(text: str) -> str:
    """Message text in which brackets are no links (SARIF 2.1.0, section 3.11.6)."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")

"""One finding per secret, with every place it stands."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Final

from keyleak.attribution.combine import combine
from keyleak.example_paths import lowered_in_examples
from keyleak.findings import Finding, LocationKind, Severity, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.findings import Attribution, FirstSeen, Location, Sighting
    from keyleak.secret import Secret


# What stands there never leaves this machine with the history.
_LOCAL_FILES: Final = frozenset(
    {LocationKind.FILE, LocationKind.STDIN, LocationKind.GIT_CONFIG, LocationKind.REFLOG}
)


def group_by_secret(sightings: Iterable[Sighting], roots: Sequence[str] = ()) -> list[Finding]:
    """Findings, worst first; among equals by where they stand first.

    The rule and severity of a finding are those of its weightiest place.

    Args:
        sightings: keys at their places.
        roots: the files and folders that were scanned, as the user named them.
    """
    by_secret: dict[Secret, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        by_secret[sighting.secret].append(lowered_in_examples(sighting, roots))
    findings = [_finding(secret, found) for secret, found in by_secret.items()]
    return sorted(
        findings, key=lambda finding: (finding.severity.rank, _order(finding.locations[0]), finding.id)
    )


def _finding(secret: Secret, sightings: list[Sighting]) -> Finding:
    places = {sighting.location: sighting for sighting in sightings}
    ordered = sorted(places.values(), key=lambda sighting: _order(sighting.location))
    attribution = combine([sighting.attribution for sighting in ordered])
    leading = min(ordered, key=lambda sighting: _weight(sighting, attribution))
    return Finding(
        id=secret.fingerprint(),
        rule=leading.rule,
        issuer=attribution.issuer,
        environment=leading.environment,
        severity=leading.severity,
        secret=secret,
        attribution=attribution,
        locations=tuple(sighting.location for sighting in ordered),
        excerpts=tuple(sighting.excerpt for sighting in ordered),
        markers=tuple(sighting.markers for sighting in ordered),
        reason=leading.remark,
        exposure=_exposure(ordered),
        first_seen=_first_seen(ordered),
        at_head=_at_head(ordered),
        other_rules=frozenset(sighting.rule for sighting in ordered) - {leading.rule},
        in_pieces=all(sighting.in_pieces for sighting in ordered),
    )


def _exposure(sightings: Iterable[Sighting]) -> tuple[str, ...]:
    """How far the key got at its farthest place; empty where one of its places does not say."""
    found = {each.standing for each in sightings if each.location.kind not in _LOCAL_FILES}
    if Standing.PUSHED not in found and None in found:
        return ()
    return tuple(each.value for each in Standing if each in found)[:1]


def _first_seen(sightings: Iterable[Sighting]) -> FirstSeen | None:
    """The earliest of the places whose date is known; where none is, the only commit that there is."""
    known = [each.first_seen for each in sightings if each.first_seen and each.first_seen.commit]
    dated = [first for first in known if first.date]
    undated = known[0] if len({first.commit for first in known}) == 1 else None
    return min(dated, key=lambda first: datetime.fromisoformat(first.date or ""), default=undated)


def _at_head(sightings: Iterable[Sighting]) -> bool | None:
    known = [each.at_head for each in sightings if each.at_head is not None]
    return any(known) if known else None


def _weight(sighting: Sighting, attribution: Attribution) -> tuple[bool, int, bool]:
    return (
        sighting.severity is Severity.NOTE,
        sighting.severity.rank,
        sighting.attribution.issuer != attribution.issuer,
    )


def _order(location: Location) -> tuple[bool, str, str, int, tuple[str, ...]]:
    # What is said of paths that are not listed comes behind those that are.
    further = bool(location.more_paths)
    return (further, location.path or "", location.kind.value, location.offset, location.container)

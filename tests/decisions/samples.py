"""Findings for tests of decisions."""

from __future__ import annotations

from keyleak.findings import (
    Attribution,
    AttributionVerdict,
    Candidate,
    Confidence,
    Environment,
    Finding,
    Location,
    LocationKind,
    Marker,
    Severity,
)
from keyleak.rulebook.template import expand
from keyleak.secret import Secret


def secret(seed: int = 0) -> Secret:
    return Secret(expand("sk_live_${base62:42}", seed).encode())


def finding(*paths: str | None, markers: tuple[tuple[Marker, ...], ...] = (), seed: int = 0) -> Finding:
    locations = tuple(
        Location(LocationKind.FILE, path, 1, 1, index) for index, path in enumerate(paths or ("a.env",))
    )
    key = secret(seed)
    return Finding(
        id=key.fingerprint(),
        rule="stripe-secret-key",
        issuer="stripe",
        environment=Environment.LIVE,
        severity=Severity.CRITICAL,
        secret=key,
        attribution=Attribution(
            AttributionVerdict.ATTRIBUTED, Confidence.HIGH, ("made up",), (Candidate("stripe", ("made up",)),)
        ),
        locations=locations,
        markers=markers or ((),) * len(locations),
        reason="git ignores this file",
    )

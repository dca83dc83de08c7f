"""Reports to render: findings with every field set, hostile words, and as many as wanted."""

from __future__ import annotations

from keyleak.coverage import Coverage, Gap, ObjectCounts
from keyleak.findings import (
    Attribution,
    AttributionVerdict,
    Candidate,
    Confidence,
    Environment,
    Finding,
    FirstSeen,
    Location,
    LocationKind,
    Severity,
    Status,
    Verification,
    VerificationVerdict,
)
from keyleak.reports.presentation import Presentation
from keyleak.reports.report import Report, Scan
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.secret import Secret

RULEBOOK = load_rulebook()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BLOB = "fedcba9876543210fedcba9876543210fedcba98"


def key(seed: int = 0) -> str:
    return expand("sk_live_${base62:42}", seed)


def location(
    path: str | None = "src/app.py", *, kind: LocationKind = LocationKind.FILE, **given: object
) -> Location:
    values: dict[str, object] = {"line": 3, "column": 7, "offset": 40, **given}
    return Location(kind=kind, path=path, **values)  # type: ignore[arg-type]


def finding(seed: int = 0, *places: Location, **given: object) -> Finding:
    secret = Secret(key(seed).encode())
    attributed = Attribution(
        AttributionVerdict.ATTRIBUTED,
        Confidence.HIGH,
        ("the value is given to a name of FLORA",),
        (Candidate("flora", ("the value is given to a name of FLORA",)),),
    )
    values: dict[str, object] = {
        "rule": "flora-api-key",
        "issuer": "flora",
        "environment": Environment.LIVE,
        "severity": Severity.CRITICAL,
        "attribution": attributed,
        "locations": places or (location(),),
        **given,
    }
    return Finding(id=secret.fingerprint(), secret=secret, **values)  # type: ignore[arg-type]


def historic(seed: int = 1, *, at_head: bool = False, hostile: str = "") -> Finding:
    """A finding with every field set, as history and verification bring them."""
    places = (
        location(
            f"src/{hostile}config.py",
            kind=LocationKind.BLOB,
            blob=BLOB,
            commit=COMMIT,
            refs=("refs/heads/main", f"refs/heads/{hostile}"),
        ),
        location("app.zip", container=(f"in{hostile}/.env",), decoded=("base64", "gzip")),
        location(None, kind=LocationKind.COMMIT_MESSAGE, commit=COMMIT),
    )
    return finding(
        seed,
        *places,
        verification=Verification(
            VerificationVerdict.LIVE,
            "app.flora.ai",
            "req_1",
            "2026-11-25T10:00:00+00:00",
            f"2 workspaces{hostile}",
        ),
        exposure=("client-side", "older-than-90-days"),
        first_seen=FirstSeen(COMMIT, "2025-03-01T12:00:00+00:00", f"src/{hostile}config.py", 3),
        age_days=634,
        at_head=at_head,
    )


def undecided(seed: int = 2) -> Finding:
    """A finding whose issuer is open, and which is allowed."""
    why = Attribution(
        AttributionVerdict.AMBIGUOUS,
        Confidence.LOW,
        ("the evidence names several issuers",),
        (Candidate("clerk", ("'clerk' on the same line",)), Candidate("stripe", ("the body has its shape",))),
    )
    return finding(
        seed,
        rule="sk-family-key",
        issuer=None,
        severity=Severity.HIGH,
        attribution=why,
        status=Status.ALLOWED,
        reason="revoked on 2026-11-20",
    )


def report(
    *findings: Finding, kind: str = "history", gaps: tuple[Gap, ...] = (), target: str = "."
) -> Report:
    scan = Scan(kind, target, "2026-11-25T10:00:00+00:00", 1.25, RULEBOOK.sha256)
    coverage = Coverage(bytes=12_345, files=7, objects=ObjectCounts(blob=5, commit=4, tag=1), gaps=gaps)
    return Report("0.1.0", scan, coverage, findings)


def presentation(of: Report, **given: object) -> Presentation:
    from dataclasses import replace

    return replace(Presentation.of(of, RULEBOOK), **given)  # type: ignore[arg-type]

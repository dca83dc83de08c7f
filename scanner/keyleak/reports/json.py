"""The JSON report, version 1 (design section 4); its schema is `report-1.schema.json` beside this."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyleak.reports.links import link
from keyleak.reports.report import SCHEMA
from keyleak.secret import RedactedSecret
from keyleak.terminal import without_surrogates

if TYPE_CHECKING:
    from keyleak.findings import Finding, Location
    from keyleak.reports.masking import Masker
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report, Repository
    from keyleak.secret import Secret


def render(report: Report, presentation: Presentation) -> str:
    """The report as JSON with a final newline, ASCII only.

    Args:
        report: what to write.
        presentation: hides keys in names and paths, and says whether `secret` holds the key itself.
    """
    writer = _Writer(presentation.masker, show_secrets=presentation.show_secrets)
    return json.dumps(writer.report(report), indent=2) + "\n"


def finding_object(finding: Finding, presentation: Presentation) -> dict[str, Any]:
    """One finding as the report has it."""
    return _Writer(presentation.masker, show_secrets=presentation.show_secrets).finding(finding)


def schema() -> str:
    """The JSON Schema of the report."""
    return Path(__file__).with_name("report-1.schema.json").read_text(encoding="utf-8")


def _shown(secret: Secret) -> str:
    return secret.redacted() if isinstance(secret, RedactedSecret) else secret.reveal().decode("ascii")


class _Writer:
    def __init__(self, masker: Masker, *, show_secrets: bool) -> None:
        self._masker = masker
        self._show_secrets = show_secrets
        self._url: str | None = None

    def report(self, report: Report) -> dict[str, Any]:
        scan, coverage = report.scan, report.coverage
        self._url = scan.repository.url if scan.repository else None
        return {
            "schema": SCHEMA,
            "tool": {"name": "keyleak", "version": report.version},
            "scan": {
                "kind": scan.kind,
                "target": self._text(scan.target),
                "started": scan.started,
                "seconds": round(scan.seconds, 3),
                "rules_sha256": scan.rules_sha256,
                "scope": None if scan.scope is None else self._text(scan.scope),
                **({"stage": scan.stage} if scan.stage else {}),
                **({"repository": self._repository(scan.repository)} if scan.repository else {}),
            },
            "coverage": {
                "complete": coverage.complete,
                "bytes": coverage.bytes,
                "files": coverage.files,
                "objects": {
                    kind: getattr(coverage.objects, kind) for kind in ("blob", "commit", "tag", "tree")
                },
                "gaps": [
                    {"what": self._text(gap.what), "reason": self._text(gap.reason), "count": gap.count}
                    for gap in coverage.gaps
                ],
                "repositories": [self._text(path) for path in coverage.repositories],
                "not_checked_out": coverage.not_checked_out,
                "accepted": [
                    {
                        "what": self._text(each.what),
                        "reason": self._text(each.reason),
                        "by": self._text(each.by),
                    }
                    for each in coverage.accepted
                ],
            },
            "findings": [self.finding(finding) for finding in report.findings],
        }

    def _repository(self, repository: Repository) -> dict[str, Any]:
        return {
            "name": self._text(repository.name),
            "url": self._text(repository.url),
            "head": repository.head,
        }

    def finding(self, finding: Finding) -> dict[str, Any]:
        secret = finding.secret
        return {
            "id": finding.id,
            "rule": finding.rule,
            "issuer": finding.issuer,
            "environment": finding.environment.value,
            "severity": finding.severity.value,
            "secret": _shown(secret) if self._show_secrets else secret.redacted(),
            "attribution": self._attribution(finding),
            "status": finding.status.value,
            "reason": self._text(finding.reason),
            "verification": {
                "verdict": finding.verification.verdict.value,
                "host": self._text(finding.verification.host),
                "request_id": self._text(finding.verification.request_id),
                "checked_at": self._text(finding.verification.checked_at),
                "detail": self._text(finding.verification.detail),
            },
            "exposure": [self._text(word) for word in finding.exposure],
            "first_seen": self._first_seen(finding),
            "age_days": finding.age_days,
            "at_head": finding.at_head,
            "locations": [self._location(finding, location) for location in finding.locations],
        }

    def _attribution(self, finding: Finding) -> dict[str, Any]:
        attribution = finding.attribution
        return {
            "verdict": attribution.verdict.value,
            "confidence": attribution.confidence.value,
            "evidence": [self._text(line) for line in attribution.evidence],
            "candidates": [
                {"issuer": candidate.issuer, "evidence": [self._text(line) for line in candidate.evidence]}
                for candidate in attribution.candidates
            ],
        }

    def _first_seen(self, finding: Finding) -> dict[str, Any]:
        first, place = finding.first_seen, finding.locations[0]
        return {
            "commit": self._text(first.commit) if first else None,
            "date": first.date if first else None,
            "path": self._text(first.path if first else place.path),
            "line": first.line if first else place.line,
            "author": self._text(first.author) if first else None,
        }

    def _location(self, finding: Finding, location: Location) -> dict[str, Any]:
        return {
            "kind": location.kind.value,
            "path": self._text(location.path),
            "line": location.line,
            "column": location.column,
            "blob": location.blob,
            "commit": location.commit,
            "refs": [self._text(ref) for ref in location.refs],
            "decoded": [self._text(step) for step in location.decoded],
            "container": [self._text(name) for name in location.container],
            "url": self._text(link(self._url, finding, location)),
            **({"more_paths": location.more_paths} if location.more_paths else {}),
        }

    def _text(self, text: str | None) -> str | None:
        r"""Text from outside: no key, and undecodable bytes as `\\xHH`, for lone surrogates are not JSON."""
        if text is None:
            return None
        masked = text if self._show_secrets else self._masker.mask(text)
        return without_surrogates(masked)

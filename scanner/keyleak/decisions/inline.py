"""Which inline markers count, and in what words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.findings import Finding, Marker

OWN_TOOL: Final = "keyleak"


def refusal(marker: Marker, rule: str, issuer: str | None) -> str | None:
    """Why a marker does not allow a key of a rule; None where it does."""
    if marker.tool != OWN_TOOL:
        return None
    if marker.problem is not None:
        return f"{marker.words} {marker.problem}"
    if marker.rules and not {rule, issuer}.intersection(marker.rules):
        return f"{marker.words} names {', '.join(marker.rules)}, and this is {rule}"
    if marker.reason is None:
        return f"{marker.words} gives no reason; write one behind it: {marker.words} why this is no leak"
    return None


def inline_reason(finding: Finding) -> str | None:
    """The markers that allow a finding, one for each place, with their tools; None if a place has none."""
    honoured = [_honoured(place, finding) for place in finding.markers]
    if not honoured or None in honoured or len(honoured) < len(finding.locations):
        return None
    return "; ".join(dict.fromkeys(_words(marker) for marker in honoured if marker))


def refusals(finding: Finding) -> list[str]:
    """Why markers beside a finding do not count, each reason once."""
    reasons = (refusal(marker, finding.rule, finding.issuer) for place in finding.markers for marker in place)
    return list(dict.fromkeys(reason for reason in reasons if reason))


def _honoured(markers: Sequence[Marker], finding: Finding) -> Marker | None:
    counting = (each for each in markers if refusal(each, finding.rule, finding.issuer) is None)
    return next(counting, None)


def honoured_at(finding: Finding) -> int:
    """At how many of its places a finding has a marker that counts."""
    return sum(_honoured(place, finding) is not None for place in finding.markers)


def _words(marker: Marker) -> str:
    if marker.reason is not None:
        return f"{marker.words}: {marker.reason}"
    return f"{marker.words}, a marker of {marker.tool}"

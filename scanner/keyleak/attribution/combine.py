"""One key seen at several places: one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.findings import Attribution, AttributionVerdict, Candidate, Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def combine(attributions: Iterable[Attribution]) -> Attribution:
    """The attribution of one key seen at several places.

    Places that name the same issuer agree; a place that names none does not speak against the others; one
    that only goes by its file or project gives way to one that names the issuer beside the key; two issuers
    named equally well make it ambiguous.
    """
    every = list(attributions)
    named = _surest([each for each in every if each.verdict is AttributionVerdict.ATTRIBUTED])
    pointed = {candidate.issuer for each in every for candidate in each.candidates}
    if any(each.by_project for each in named) and len(pointed) > 1:
        # What only a project says gives way to whatever points elsewhere.
        named = [each for each in every if each.candidates]
    if len({each.issuer for each in named}) == 1:
        return min(named, key=lambda each: list(Confidence).index(each.confidence))
    reasons: dict[str, dict[str, None]] = {}
    for each in named or every:
        for candidate in each.candidates:
            reasons.setdefault(candidate.issuer, {}).update(dict.fromkeys(candidate.evidence))
    if not reasons:
        return every[0]
    candidates = tuple(Candidate(issuer, tuple(why)) for issuer, why in sorted(reasons.items()))
    summary = (
        "different places name different issuers"
        if named
        else next(each.evidence[0] for each in every if each.verdict is AttributionVerdict.AMBIGUOUS)
    )
    return Attribution(AttributionVerdict.AMBIGUOUS, Confidence.LOW, (summary,), candidates)


def _surest(named: Sequence[Attribution]) -> Sequence[Attribution]:
    near = [each for each in named if each.confidence is not Confidence.LOW]
    return near or [each for each in named if not each.by_project] or named

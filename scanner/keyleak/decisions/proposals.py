"""What a change proposes for itself and what counts already. Pure: no files, no clock.

A change is judged by the configuration, the baseline and the markers of what it is to be merged into. What it
adds to them is shown with the findings that it would allow, and allows nothing until it is merged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from keyleak.decisions.engine import Answer
from keyleak.findings import Status
from keyleak.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from keyleak.decisions.baseline import Baseline
    from keyleak.decisions.engine import Decision, Decisions
    from keyleak.decisions.entries import AllowEntry, SeverityEntry
    from keyleak.decisions.gap_entries import GapEntry
    from keyleak.findings import Finding, Location, Marker
    from keyleak.secret import Secret

    Merged = Callable[[Secret, Location, Marker], bool]
    E = TypeVar("E", AllowEntry, GapEntry, SeverityEntry)

PROPOSED: Final = "proposed by this change: "
NOT_YET: Final = "does not count until it is merged"

_ENTRIES: Final = {
    Answer.ALLOWED_BY_ENTRY: "an allow entry",
    Answer.ALLOWED_INLINE: "an inline marker",
    Answer.BASELINED: "a line of the baseline",
    Answer.LEFT_OUT_BY_ISSUER: "a list of issuers without it",
    Answer.LEFT_OUT_BY_SEVERITY: "a least severity above it",
}
_SPEAKING: Final = frozenset({Answer.ALLOWED_BY_ENTRY, Answer.ALLOWED_INLINE})


def with_merged_markers(findings: Iterable[Finding], is_merged: Merged) -> list[Finding]:
    """The findings with the markers that are merged already.

    Args:
        findings: with every marker.
        is_merged: whether a key's marker at a place is known to what the change is merged into.
    """
    return [
        replace(
            finding,
            markers=tuple(
                tuple(each for each in markers if is_merged(finding.secret, place, each))
                for place, markers in zip(finding.locations, finding.markers, strict=True)
            ),
        )
        if any(finding.markers)
        else finding
        for finding in findings
    ]


def with_proposal(judged: Finding, found: Finding, proposed: Sequence[Decisions]) -> Finding:
    """A finding that counts, with what the change proposes to make it count less.

    Args:
        judged: as it was decided.
        found: as it was found, with every marker.
        proposed: what would decide once the change is merged.
    """
    if judged.status is not Status.NEW:
        return judged
    words = (_proposal(judged, decisions.decide(found)) for decisions in proposed)
    first = next((each for each in words if each), None)
    if first is None:
        return judged
    reasons = (judged.reason, f"{PROPOSED}{first}; {NOT_YET}")
    return replace(judged, reason="; ".join(reason for reason in reasons if reason))


def proposed_entries(counting: Decisions, proposed: Decisions) -> Iterator[str]:
    """What a change adds to the configuration and the baseline, each in words.

    Args:
        counting: what decides.
        proposed: what would decide once the change is merged.
    """
    yield from _added_entries(counting, proposed)
    if lines := _new_lines(counting.baseline, proposed.baseline):
        yield f"{lines:,} {'line' if lines == 1 else 'lines'} of the baseline"
    if proposed.issuers != counting.issuers:
        yield f"only issuers {', '.join(sorted(proposed.issuers))}" if proposed.issuers else "all issuers"
    if proposed.min_severity is not counting.min_severity:
        yield f"the least severity {proposed.min_severity.value}"
    if proposed.inline and not counting.inline:
        yield "that inline markers count"


def _added_entries(counting: Decisions, proposed: Decisions) -> Iterator[str]:
    """The entries that are new; one that moved to another line is not."""
    for entry in _added(counting.allow, proposed.allow):
        yield f"the allow entry {entry.criteria} ({entry.reason})"
    for gap in _added(counting.gaps, proposed.gaps):
        yield f"the allow-gap entry {gap} ({gap.reason})"
    added = _added(counting.severities, proposed.severities)
    for each in added:
        yield f"the severity entry {each.criteria}, {each.severity.value} ({each.reason})"
    # The first that fits decides, so that a key may count less by an entry that goes or moves.
    gone = _added(proposed.severities, counting.severities)
    for each in gone:
        yield f"taking the severity entry {each.criteria}, {each.severity.value} away"
    if not (added or gone) and _in_order(counting.severities) != _in_order(proposed.severities):
        yield "another order of the severity entries"


def _added(counting: Iterable[E], proposed: Iterable[E]) -> list[E]:
    known = {replace(entry, line=0) for entry in counting}
    return [entry for entry in proposed if replace(entry, line=0) not in known]


def _in_order(entries: Iterable[SeverityEntry]) -> list[SeverityEntry]:
    return [replace(entry, line=0) for entry in entries]


def _new_lines(counting: Baseline | None, proposed: Baseline | None) -> int:
    if proposed is None:
        return 0
    known = counting.fingerprints if counting and counting.key == proposed.key else frozenset()
    return len(proposed.fingerprints - known)


def is_proposal(finding: Finding) -> bool:
    """Whether a finding would count less if the change were merged."""
    return finding.status is Status.NEW and PROPOSED in (finding.reason or "")


def _proposal(judged: Finding, decision: Decision) -> str | None:
    """What would make a finding count less, or None."""
    if decision.answer is Answer.NEW:
        lowered = decision.severity.rank > judged.severity.rank
        return f"the severity {decision.severity.value}" if lowered else None
    said = f" ({decision.reason})" if decision.answer in _SPEAKING and decision.reason else ""
    return _ENTRIES[decision.answer] + said

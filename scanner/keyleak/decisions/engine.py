"""One object that answers for each finding whether it counts, always with its reason.

A finding is never dropped by an entry, a marker or a baseline: it stays in the report with its status. Only
the two filters a user sets, issuer and least severity, leave something out, and the caller says how much.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

from keyleak.decisions.entries import subject_of
from keyleak.decisions.inline import honoured_at, inline_reason, refusals
from keyleak.findings import Severity, Status
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from keyleak.decisions.baseline import Baseline
    from keyleak.decisions.entries import AllowEntry, PathBase, SeverityEntry, Subject
    from keyleak.decisions.gap_entries import GapEntry
    from keyleak.findings import Finding


class Answer(Enum):
    """What was decided on a finding."""

    NEW = "new"
    BASELINED = "baselined"
    ALLOWED_BY_ENTRY = "allowed by the configuration"
    ALLOWED_INLINE = "allowed by inline markers"
    LEFT_OUT_BY_ISSUER = "left out by issuer"
    LEFT_OUT_BY_SEVERITY = "left out by severity"


_STATUS = {
    Answer.NEW: Status.NEW,
    Answer.BASELINED: Status.BASELINED,
    Answer.ALLOWED_BY_ENTRY: Status.ALLOWED,
    Answer.ALLOWED_INLINE: Status.ALLOWED,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a finding, and why."""

    answer: Answer
    reason: str | None
    severity: Severity


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decides on findings."""

    allow: tuple[AllowEntry, ...] = ()
    severities: tuple[SeverityEntry, ...] = ()
    gaps: tuple[GapEntry, ...] = ()
    """What may stay unread."""
    baseline: Baseline | None = None
    inline: bool = True
    """Whether markers beside keys count."""
    issuers: frozenset[str] = frozenset()
    """Report only keys that are, or may be, of these issuers; empty for all."""
    min_severity: Severity = Severity.NOTE
    today: date | None = None
    """The day on which entries expire; None takes none as expired."""
    paths: PathBase | None = None
    """Where globs begin; None takes paths as they are reported."""

    def decide(self, finding: Finding) -> Decision:
        """The decision on one finding."""
        subject = subject_of(finding, self.paths)
        severity, why = self._severity(finding, subject)
        if left_out := self._left_out(finding, severity):
            return Decision(left_out, None, severity)
        for entry in self.allow:
            if entry.criteria.cover(subject) and not entry.expired(self.today):
                return Decision(Answer.ALLOWED_BY_ENTRY, entry.reason, severity)
        if self.inline and (reason := inline_reason(finding)):
            return Decision(Answer.ALLOWED_INLINE, reason, severity)
        if self.baseline is not None and self.baseline.holds(finding.secret):
            return Decision(Answer.BASELINED, "in the baseline", severity)
        return Decision(Answer.NEW, why or self._refused(finding), severity)

    def wants(self, finding: Finding) -> bool:
        """Whether the filters leave a finding in the report, with the severity it has."""
        return self._left_out(finding, finding.severity) is None

    def apply(self, findings: Sequence[Finding]) -> Decided:
        """The findings, each with its status, severity and reason, and how often each answer was given."""
        decided = [(finding, self.decide(finding)) for finding in findings]
        kept = [self._marked(finding, each) for finding, each in decided if each.answer in _STATUS]
        kept.sort(key=lambda finding: finding.severity.rank)
        return Decided(tuple(kept), Counter(each.answer for _, each in decided))

    def expired(self) -> tuple[AllowEntry, ...]:
        """Entries that no longer count."""
        return tuple(entry for entry in self.allow if entry.expired(self.today))

    def stale(self, subjects: Sequence[Subject]) -> tuple[AllowEntry | SeverityEntry, ...]:
        """Entries that match nothing any more; an expired one is told of as such."""
        expired = self.expired()
        entries: tuple[AllowEntry | SeverityEntry, ...] = (*self.allow, *self.severities)
        return tuple(
            entry
            for entry in entries
            if entry not in expired and not any(entry.criteria.cover(each) for each in subjects)
        )

    def subjects(self, findings: Sequence[Finding]) -> list[Subject]:
        """Findings as `stale` takes them."""
        return [subject_of(finding, self.paths) for finding in findings]

    def _severity(self, finding: Finding, subject: Subject) -> tuple[Severity, str | None]:
        for entry in self.severities:
            if entry.criteria.cover(subject):
                return entry.severity, f"severity {entry.severity.value} by the configuration: {entry.reason}"
        return finding.severity, finding.reason

    def _left_out(self, finding: Finding, severity: Severity) -> Answer | None:
        named = {candidate.issuer for candidate in finding.attribution.candidates}
        if self.issuers and not named & self.issuers:
            return Answer.LEFT_OUT_BY_ISSUER
        return Answer.LEFT_OUT_BY_SEVERITY if severity.rank > self.min_severity.rank else None

    def _refused(self, finding: Finding) -> str | None:
        """Why markers beside a key that counts were not enough."""
        if not any(finding.markers) or not self.inline:
            return None
        honoured = honoured_at(finding)
        if honoured:
            places = len(finding.locations)
            return f"markers at {honoured} of its {places} places do not allow it: every place needs one"
        return "; ".join(refusals(finding)) or None

    def _marked(self, finding: Finding, decision: Decision) -> Finding:
        return replace(
            finding,
            id=finding.id if self.baseline is None else self.baseline.id_of(finding.secret),
            severity=decision.severity,
            status=_STATUS[decision.answer],
            reason=decision.reason,
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """Findings after the decisions."""

    findings: tuple[Finding, ...]
    """Worst first; without what the filters leave out."""
    answers: Counter[Answer]
    """How often each answer was given."""

    @property
    def left_out(self) -> int:
        """How many findings the filters left out."""
        return self.answers[Answer.LEFT_OUT_BY_ISSUER] + self.answers[Answer.LEFT_OUT_BY_SEVERITY]

"""Two reports compared by the ids of their findings: what is new, what is gone, what only moved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.findings import Severity, Status

if TYPE_CHECKING:
    from keyleak.coverage import Coverage
    from keyleak.errors import ExitCode
    from keyleak.findings import Finding, Location
    from keyleak.reports.report import Report


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a report differs from an earlier one."""

    new: tuple[Finding, ...]
    """Keys that only the later one has."""
    gone: tuple[Finding, ...]
    """Keys that only the earlier one has, as it told of them."""
    moved: tuple[tuple[Finding, Finding], ...]
    """Keys of both that stand elsewhere now, as the earlier and the later one tell of them."""
    same: int
    """Keys that stand where they stood."""
    coverage: Coverage
    """What both scans read together; where that is not complete, what is new or gone may only be unread."""

    def exit_code(self, *, allow_incomplete: bool) -> ExitCode:
        """1 for a new key that counts; 2 where an incomplete scan can tell neither new nor gone."""
        counts = any(
            finding.status is Status.NEW and finding.severity is not Severity.NOTE for finding in self.new
        )
        return self.coverage.exit_code(findings=counts, allow_incomplete=allow_incomplete)


def compare(old: Report, new: Report) -> Comparison:
    """The differences from one report to a later one."""
    before = {finding.id: finding for finding in old.findings}
    after = {finding.id: finding for finding in new.findings}
    both = [(before[identity], finding) for identity, finding in after.items() if identity in before]
    moved = tuple((earlier, later) for earlier, later in both if _places(earlier) != _places(later))
    return Comparison(
        new=tuple(finding for identity, finding in after.items() if identity not in before),
        gone=tuple(finding for identity, finding in before.items() if identity not in after),
        moved=moved,
        same=len(both) - len(moved),
        coverage=old.coverage + new.coverage,
    )


def _places(finding: Finding) -> Counter[tuple[object, ...]]:
    return Counter(_place(location) for location in finding.locations)


def _place(location: Location) -> tuple[object, ...]:
    """What makes a place another one; a commit and its refs do not, for each new commit has another."""
    where = (location.kind, location.path, location.line, location.column)
    return (*where, location.decoded, location.container)

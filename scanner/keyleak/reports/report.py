"""One scan and its findings, as every format gets them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from keyleak.findings import Severity, Status
from keyleak.records import dataclass

if TYPE_CHECKING:
    from keyleak.coverage import Coverage
    from keyleak.errors import ExitCode
    from keyleak.findings import Finding

SCHEMA: Final = "keyleak/report/1"


@dataclass(frozen=True, slots=True)
class Repository:
    """Which repository a history is of."""

    name: str
    url: str | None
    """Where it was cloned from, without credentials."""
    head: str | None
    """The commit at HEAD."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What was scanned, when, with which rules."""

    kind: str
    """`scan`, `staged`, `history`."""
    target: str
    started: str
    """ISO 8601 with time zone."""
    seconds: float
    rules_sha256: str
    scope: str | None = None
    """Which part of a history it was, as the command line names it; None where it was all there is."""
    stage: str | None = None
    """`pre-push` or `pre-receive` where that hook asked: what it found was not published by this push."""
    repository: Repository | None = None
    """Whose history it was; None for files."""


@dataclass(frozen=True, slots=True)
class Report:
    """A scan's whole result."""

    version: str
    """Of keyleak."""
    scan: Scan
    coverage: Coverage
    findings: tuple[Finding, ...]

    def leaks(self) -> tuple[Finding, ...]:
        """Findings that count: new ones of severity low or more."""
        return tuple(
            finding
            for finding in self.findings
            if finding.status is Status.NEW and finding.severity is not Severity.NOTE
        )

    def by_severity(self) -> dict[Severity, int]:
        """How many new findings there are of each severity, worst first."""
        counts = Counter(finding.severity for finding in self.findings if finding.status is Status.NEW)
        return {severity: counts[severity] for severity in Severity if counts[severity]}

    def verdict(self) -> str:
        """How many keys leaked, without a final dot; every format takes its words from here or `headline`."""
        leaks = len(self.leaks())
        if leaks:
            return f"{leaks:,} leaked {'key' if leaks == 1 else 'keys'}"
        return self._without("No leaked key")

    def headline(self) -> str:
        """How many keys are new, by severity, without a final dot."""
        counts = self.by_severity()
        if counts:
            found = ", ".join(f"{count:,} {severity.value}" for severity, count in counts.items())
            total = sum(counts.values())
            return f"{total:,} {'key' if total == 1 else 'keys'} found: {found}"
        return self._without("No key found")

    def exit_code(self, *, allow_incomplete: bool, exit_zero: bool) -> ExitCode:
        """The exit code of design section 3; an incomplete view outranks findings."""
        counts = bool(self.leaks()) and not exit_zero
        return self.coverage.exit_code(findings=counts, allow_incomplete=allow_incomplete)

    def _without(self, words: str) -> str:
        if self.coverage.nothing_read and self.scan.kind == "staged":
            return "Nothing staged"
        return self.coverage.without(words)

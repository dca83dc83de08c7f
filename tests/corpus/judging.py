"""What a scanner reported about the cases, held against the labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corpus.cases import NO_ISSUER, Case, Planted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

NAMED_NOBODY = "none"


@dataclass(frozen=True)
class Reported:
    """One key that a scanner reported in a case."""

    value: str
    issuer: str | None
    verdict: str
    """`attributed`, `ambiguous` or `unknown`; empty for scanners that give none."""


@dataclass
class Tally:
    """Counts of one group of cases."""

    found: int = 0
    missed: int = 0
    false: int = 0
    right: int = 0
    """Found, and the issuer or the lack of one as labelled."""
    undecided: int = 0
    """Found, of an issuer, but given to none."""
    wrong: int = 0
    """Found and given to somebody else."""

    @property
    def recall(self) -> float:
        return self.found / max(1, self.found + self.missed)

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + self.false)

    @property
    def attribution(self) -> float:
        return self.right / max(1, self.found)


@dataclass
class Judgement:
    """All counts, and what was wrong in words that hold no key."""

    total: Tally = field(default_factory=Tally)
    by_context: dict[str, Tally] = field(default_factory=dict)
    by_issuer: dict[str, Tally] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def count(self, case: Case, issuer: str, what: str) -> None:
        by_context = self.by_context.setdefault(case.context, Tally())
        by_issuer = self.by_issuer.setdefault(issuer, Tally())
        for tally in (self.total, by_context, by_issuer):
            setattr(tally, what, getattr(tally, what) + 1)


def same_value(planted: Planted, reported: Reported) -> bool:
    """Exactly the key, no more and no less."""
    return planted.value == reported.value


def judged(
    cases: Iterable[Case],
    reports: Mapping[str, Sequence[Reported]],
    same: Callable[[Planted, Reported], bool] = same_value,
) -> Judgement:
    """The judgement of what a scanner reported.

    Args:
        cases: the labelled cases.
        reports: what was reported, by the name of the case.
        same: whether a report means a planted key.
    """
    judgement = Judgement()
    for case in cases:
        _judge(case, list(reports.get(case.name, ())), same, judgement)
    return judgement


def _judge(
    case: Case,
    reported: list[Reported],
    same: Callable[[Planted, Reported], bool],
    judgement: Judgement,
) -> None:
    leaks = [planted for planted in case.planted if planted.is_leak]
    for planted in leaks:
        meant = [report for report in reported if same(planted, report)]
        judgement.count(case, planted.issuer, "found" if meant else "missed")
        if not meant:
            judgement.errors.append(f"{case.name} ({case.path}): missed a key of {planted.issuer}")
            continue
        what = _attribution(planted, meant[0])
        judgement.count(case, planted.issuer, what)
        if what != "right":
            said = meant[0].issuer or meant[0].verdict
            judgement.errors.append(f"{case.name} ({case.path}): {what}, {planted.issuer} called {said}")
    others = [report for report in reported if not any(same(planted, report) for planted in leaks)]
    for report in others:
        kind = report.issuer or NAMED_NOBODY
        judgement.errors.append(f"{case.name} ({case.path}): reported as {kind}, and is no leak")
        judgement.count(case, kind, "false")


def _attribution(planted: Planted, reported: Reported) -> str:
    if reported.issuer in planted.labels:
        return "right"
    if reported.issuer is not None:
        return "wrong"
    return "right" if planted.labels & NO_ISSUER & {"none", reported.verdict} else "undecided"

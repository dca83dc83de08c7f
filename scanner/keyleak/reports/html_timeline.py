"""When each key was first leaked and how long it has been exposed, as positions on a line of a thousand."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from keyleak.reports.wording import Wording, counted, days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.findings import Finding
    from keyleak.reports.presentation import Presentation
    from keyleak.reports.report import Report

WHOLE: Final = 1000
_MOST_LANES: Final = 25
_MOST_TICKS: Final = 7
_MOST_COLUMNS: Final = 60
_TALLEST: Final = 100
# Under this many a picture of their number says less than their lanes.
_FEW: Final = 12


@dataclass(frozen=True, slots=True)
class Lane:
    """One key: from its first commit to the day of the scan."""

    id: str
    secret: str
    whose: str
    date: str
    days: str
    start: float
    width: float
    at_head: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A date on the axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Column:
    """How many keys were first leaked in one period."""

    label: str
    count: int
    start: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture's parts; without lanes where no key is dated."""

    summary: str = ""
    period: str = ""
    lanes: tuple[Lane, ...] = ()
    more: int = 0
    ticks: tuple[Tick, ...] = ()
    columns: tuple[Column, ...] = ()


def timeline(report: Report, presentation: Presentation) -> Timeline:
    """The timeline of a report's leaks, the longest exposed first."""
    wording = Wording(presentation)
    dated = sorted(
        (
            (_moment(finding.first_seen.date), finding)
            for finding in report.leaks()
            if finding.first_seen and finding.first_seen.date
        ),
        key=lambda pair: (pair[0], pair[1].id),
    )
    if not dated:
        return Timeline()
    moments = [moment for moment, _ in dated]
    span = _Span(moments[0], max(_moment(report.scan.started), moments[-1]))
    period, columns = _columns(moments, span)
    return Timeline(
        summary=_summary(dated, len(report.leaks()) - len(dated)),
        period=period,
        lanes=tuple(_lane(moment, finding, span, wording) for moment, finding in dated[:_MOST_LANES]),
        more=max(0, len(dated) - _MOST_LANES),
        ticks=_ticks(span),
        columns=columns if len(dated) >= _FEW else (),
    )


@dataclass(frozen=True, slots=True)
class _Span:
    first: datetime
    last: datetime

    def at(self, moment: datetime) -> float:
        """Where a moment stands on the line."""
        whole = (self.last - self.first).total_seconds() or 1.0
        share = (moment - self.first).total_seconds() / whole
        return round(WHOLE * min(1.0, max(0.0, share)), 1)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _summary(dated: Sequence[tuple[datetime, Finding]], undated: int) -> str:
    first, latest = dated[0][0], dated[-1][0]
    if len(dated) == 1:
        told = f"One key, first leaked on {first:%Y-%m-%d}."
    else:
        told = f"{counted(len(dated), 'key')}, first leaked from {first:%Y-%m-%d} to {latest:%Y-%m-%d}."
    return f"{told} {undated:,} more without a date." if undated else told


def _lane(moment: datetime, finding: Finding, span: _Span, wording: Wording) -> Lane:
    start = span.at(moment)
    return Lane(
        id=finding.id,
        secret=wording.secret(finding),
        whose=wording.whose(finding),
        date=f"{moment:%Y-%m-%d}",
        days="" if finding.age_days is None else days(finding.age_days),
        start=min(start, WHOLE - 4),
        width=max(4.0, round(WHOLE - start, 1)),
        at_head=bool(finding.at_head),
    )


def _ticks(span: _Span) -> tuple[Tick, ...]:
    """The beginnings of years, or of months where the time is short; not so many that they touch."""
    years = [datetime(year, 1, 1, tzinfo=UTC) for year in range(span.first.year + 1, span.last.year + 1)]
    if len(years) >= 2:
        step = -(-len(years) // _MOST_TICKS)
        return tuple(Tick(span.at(year), str(year.year)) for year in years[::step])
    months = _months(span)[1:]
    step = -(-len(months) // _MOST_TICKS) or 1
    return tuple(Tick(span.at(month), f"{month:%Y-%m}") for month in months[::step])


def _months(span: _Span) -> list[datetime]:
    """The beginning of every month that the time touches."""
    first = span.first.year * 12 + span.first.month - 1
    last = span.last.year * 12 + span.last.month - 1
    return [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(first, last + 1)]


def _columns(moments: Sequence[datetime], span: _Span) -> tuple[str, tuple[Column, ...]]:
    months = _months(span)
    size, period = next(
        (
            (size, name)
            for size, name in ((1, "month"), (3, "quarter"))
            if len(months) / size <= _MOST_COLUMNS
        ),
        (12, "year"),
    )
    starts = [month for month in months if (month.month - 1) % size == 0 or month == months[0]]
    counts = Counter(bisect_right(starts, moment) - 1 for moment in moments)
    tallest = max(counts.values())
    width = WHOLE / len(starts)
    return period, tuple(
        Column(
            label=f"{start:%Y-%m}" if size < 12 else str(start.year),
            count=counts[index],
            start=round(index * width, 2),
            width=round(width * 0.82, 2),
            height=round(_TALLEST * counts[index] / tallest, 1),
        )
        for index, start in enumerate(starts)
        if counts[index]
    )

"""What was settled, put to the findings of a scan, and what is to be said about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from keyleak.commands.settings import Settings
from keyleak.decisions.engine import Answer, Decisions
from keyleak.decisions.inline import honoured_at, refusals
from keyleak.decisions.path_patterns import problem_of
from keyleak.decisions.proposals import is_proposal
from keyleak.findings import Severity, Status
from keyleak.records import replace
from keyleak.reports.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.decisions.engine import Decided
    from keyleak.decisions.entries import AllowEntry, SeverityEntry
    from keyleak.findings import Finding

_MOST_NAMED: Final = 20


def settings_of(options: ReportOptions) -> Settings:
    """What was settled; without a configuration, what the options alone say."""
    if options.settings is not None:
        return options.settings
    return Settings(
        Decisions(
            inline=options.inline is not False,
            issuers=options.issuers,
            min_severity=options.min_severity or Severity.NOTE,
            today=datetime.now(UTC).date(),
        )
    )


def decide(
    findings: Sequence[Finding],
    settings: Settings,
    console: Console,
    *,
    complete: bool,
    accepting: frozenset[int] = frozenset(),
) -> tuple[Finding, ...]:
    """The findings with what was decided on each.

    Args:
        findings: everything that was found.
        settings: what was settled before.
        console: told what counts no more, and what was not honoured.
        complete: whether everything that there is was read, so that an entry that matches nothing is stale.
        accepting: lines of entries that accept something unread, so that they are not.
    """
    decisions = settings.decisions
    review = settings.review
    decided = decisions.apply(findings) if review is None else review.apply(decisions, findings)
    masker = Masker(finding.secret for finding in findings)
    kept = tuple(
        replace(finding, reason=masker.mask(finding.reason)) if finding.reason else finding
        for finding in decided.findings
    )
    for note in (
        *_counts(decided, settings),
        *_proposals(decided),
        *_markers(findings, settings),
        *_entries(findings, settings, None if not complete else accepting),
    ):
        console.note(masker.mask(note))
    return kept


def _counts(decided: Decided, settings: Settings) -> Iterable[str]:
    answers = decided.answers
    said = [
        f"{answers[answer]:,} {words}"
        for answer, words in (
            (Answer.ALLOWED_BY_ENTRY, f"allowed by {settings.config}"),
            (Answer.ALLOWED_INLINE, "allowed by inline markers"),
            (Answer.BASELINED, f"in the baseline {settings.baseline}"),
        )
        if answers[answer]
    ]
    if said:
        yield f"keys that do not count: {'; '.join(said)}"
    if decided.left_out:
        yield f"{decided.left_out:,} findings are left out by issuer or least severity"
    honoured = dict.fromkeys(
        f"{finding.locations[0].path or 'standard input'}:{finding.locations[0].line} ({finding.reason})"
        for finding in decided.findings
        if finding.status is Status.ALLOWED and any(finding.markers) and settings.decisions.inline
    )
    yield from _named(honoured, "inline marker honoured at")


def _proposals(decided: Decided) -> Iterable[str]:
    if proposed := sum(map(is_proposal, decided.findings)):
        yield (
            f"this change brings what would allow {proposed:,} of these keys. It does not count until it is"
            " merged: what judges a change is the configuration of its base"
        )


def _markers(findings: Sequence[Finding], settings: Settings) -> Iterable[str]:
    marked = [finding for finding in findings if any(finding.markers)]
    if not settings.decisions.inline:
        if marked:
            how = (
                "the repository may be a stranger's; --inline honours them"
                if settings.ignores_markers
                else "as asked for"
            )
            yield f"inline markers beside {len(marked):,} keys are ignored: {how}"
        return
    refused = dict.fromkeys(
        f"{place.path or 'standard input'}:{place.line}: {reason}"
        for finding in marked
        for place, markers in zip(finding.locations, finding.markers, strict=True)
        for each in [replace(finding, locations=(place,), markers=(markers,))]
        if not honoured_at(each)
        for reason in refusals(each)
    )
    yield from _named(refused, "inline marker not honoured at")


def _entries(
    findings: Sequence[Finding], settings: Settings, accepting: frozenset[int] | None
) -> Iterable[str]:
    """What is wrong with entries; which are stale only where all was read, those that accept a gap apart."""
    decisions = settings.decisions
    for entry in decisions.expired():
        yield f"{_where(entry, settings.config)} expired on {entry.expires}: the allow entry {entry.criteria}"
    entries: tuple[AllowEntry | SeverityEntry, ...] = (*decisions.allow, *decisions.severities)
    for each in entries:
        if each.criteria.path is not None and (why := problem_of(each.criteria.path)):
            yield f"{_where(each, settings.config)}: path {each.criteria.path!r} can never fit: it {why}"
    if settings.sees_all and accepting is not None:
        for stale in decisions.stale(decisions.subjects(findings)):
            if stale.line in accepting:
                continue
            where = _where(stale, settings.config)
            yield f"{where} is stale, it matches nothing in these files any more: {stale.criteria}"


def _where(entry: AllowEntry | SeverityEntry, file: str | None) -> str:
    return f"{file}:{entry.line}" if file else "an entry"


def _named(lines: Iterable[str], what: str) -> Iterable[str]:
    every = list(lines)
    for line in every[:_MOST_NAMED]:
        yield f"{what} {line}"
    if len(every) > _MOST_NAMED:
        yield f"{what} {len(every) - _MOST_NAMED:,} more places; the report has them all"

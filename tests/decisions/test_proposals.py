"""Whatever a change proposes, what is merged decides."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from decisions.samples import finding, secret
from keyleak.decisions.baseline import Baseline, Covers
from keyleak.decisions.engine import Decisions
from keyleak.decisions.entries import AllowEntry, Criteria, SeverityEntry
from keyleak.decisions.proposals import (
    is_proposal,
    proposed_entries,
    with_merged_markers,
    with_proposal,
)
from keyleak.findings import Finding, Marker, Severity, Status

MARKER = Marker("keyleak", "keyleak:allow", (), "a test key")
CRITERIA = st.sampled_from(
    [
        Criteria(path="*"),
        Criteria(issuer="stripe"),
        Criteria(rule="other"),
        Criteria(id=secret().fingerprint()),
    ]
)
BASELINES = st.sampled_from(
    [
        None,
        Baseline(b"k" * 32, Covers.FILES),
        Baseline(b"k" * 32, Covers.FILES, frozenset({secret().fingerprint(b"k" * 32)})),
    ]
)
DECISIONS = st.builds(
    Decisions,
    allow=st.lists(st.builds(AllowEntry, CRITERIA, st.just("a reason")), max_size=2).map(tuple),
    severities=st.lists(
        st.builds(SeverityEntry, CRITERIA, st.sampled_from(Severity), st.just("a reason")), max_size=2
    ).map(tuple),
    baseline=BASELINES,
    inline=st.booleans(),
    issuers=st.sampled_from([frozenset(), frozenset({"stripe"}), frozenset({"flora"})]),
    min_severity=st.sampled_from(Severity),
)


def found(*, marked: bool) -> Finding:
    return replace(finding(), markers=((MARKER,),) if marked else ((),))


@given(merged=DECISIONS, proposed=st.lists(DECISIONS, max_size=3), marked=st.booleans(), known=st.booleans())
def test_a_proposal_changes_no_more_than_the_reason(
    merged: Decisions, proposed: list[Decisions], marked: bool, known: bool
) -> None:
    every = [found(marked=marked)]
    seen = with_merged_markers(every, lambda *_: known)
    assert any(seen[0].markers[0]) is (marked and known)
    for judged in merged.apply(seen).findings:
        explained = with_proposal(judged, every[0], proposed)
        assert replace(explained, reason=judged.reason) == judged
        if is_proposal(explained):
            assert explained.status is Status.NEW
            assert "does not count until it is merged" in str(explained.reason)


def severe(*values: Severity) -> Decisions:
    return Decisions(severities=tuple(SeverityEntry(Criteria(path="*"), each, "a reason") for each in values))


@given(merged=DECISIONS, proposed=DECISIONS)
@example(merged=severe(Severity.CRITICAL, Severity.LOW), proposed=severe(Severity.LOW, Severity.CRITICAL))
@example(merged=severe(Severity.CRITICAL, Severity.LOW), proposed=severe(Severity.LOW))
def test_what_makes_a_key_count_less_is_named_beforehand(merged: Decisions, proposed: Decisions) -> None:
    every = [found(marked=False)]
    if any(is_proposal(with_proposal(each, every[0], [proposed])) for each in merged.apply(every).findings):
        assert list(proposed_entries(merged, proposed))
    assert not list(proposed_entries(merged, merged))

"""What is decided on a finding, in which order, and that nothing is ever dropped by an entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.samples import finding, secret
from keyleak.decisions.baseline import Baseline, Covers
from keyleak.decisions.engine import Answer, Decisions
from keyleak.decisions.entries import AllowEntry, Criteria, PathBase, SeverityEntry
from keyleak.findings import Location, LocationKind, Marker, Severity, Status

TODAY = date(2026, 5, 17)
ALLOWED = Marker("keyleak", "keyleak:allow", (), "a test key")
BARE = Marker("keyleak", "keyleak:allow")
GITLEAKS = Marker("gitleaks", "gitleaks:allow")
BASELINE = Baseline(b"k" * 32, Covers.FILES, frozenset({secret().fingerprint(b"k" * 32)}))


def entry(expires: date | None = None, **criteria: str) -> AllowEntry:
    return AllowEntry(Criteria(**criteria), "a reason", expires)


@pytest.mark.parametrize(
    ("criteria", "covered"),
    [
        ({"id": secret().fingerprint()}, True), ({"id": secret().fingerprint()[:8]}, False),
        ({"rule": "stripe-secret-key"}, True), ({"rule": "stripe"}, False), ({"rule": "stripe-*"}, False),
        ({"issuer": "stripe"}, True), ({"issuer": "Stripe"}, False), ({"issuer": "flora"}, False),
        ({"path": "a.env"}, True), ({"path": "*.env"}, True), ({"path": "*"}, True),
        ({"path": "b.env"}, False), ({"path": "A.env"}, False), ({"path": "env"}, False),
        ({"path": "*.env", "rule": "stripe-secret-key"}, True), ({"path": "*.env", "rule": "x"}, False),
    ],
)  # fmt: skip
def test_what_an_entry_covers(criteria: dict[str, str], covered: bool) -> None:
    answer = Decisions((entry(**criteria),)).decide(finding()).answer
    assert answer is (Answer.ALLOWED_BY_ENTRY if covered else Answer.NEW)


def test_an_entry_of_paths_covers_a_key_only_if_every_place_matches() -> None:
    decisions = Decisions((entry(path="tests/*"),))
    assert decisions.decide(finding("tests/a.py", "tests/deep/er/b.py")).answer is Answer.ALLOWED_BY_ENTRY
    for other in (finding("tests/a.py", "src/a.py"), finding("mytests/a.py"), finding(None)):
        assert decisions.decide(other).answer is Answer.NEW


def test_a_path_is_seen_from_the_configuration_wherever_keyleak_runs() -> None:
    decisions = Decisions((entry(path="src/*"),), paths=PathBase("/repo/src", "/repo"))
    assert decisions.decide(finding("app.py")).answer is Answer.ALLOWED_BY_ENTRY
    assert decisions.decide(finding("/repo/src/app.py")).answer is Answer.ALLOWED_BY_ENTRY
    assert decisions.decide(finding("../app.py")).answer is Answer.NEW
    blob = replace(finding(), locations=(Location(LocationKind.BLOB, "app.py", 1, 1, 0),))
    assert decisions.decide(blob).answer is Answer.NEW


def test_everything_else_stays_new_with_its_own_reason() -> None:
    assert Decisions((entry(rule="other"),)).apply([finding()]).findings == (finding(),)
    assert Decisions().apply([finding(), finding("b")]).findings == (finding(), finding("b"))


@pytest.mark.parametrize(
    ("expires", "today", "status"),
    [
        (date(2026, 5, 16), TODAY, Status.NEW), (TODAY, TODAY, Status.ALLOWED),
        (date(2020, 1, 1), None, Status.ALLOWED), (None, TODAY, Status.ALLOWED),
    ],
)  # fmt: skip
def test_an_expired_entry_decides_nothing(expires: date | None, today: date | None, status: Status) -> None:
    decisions = Decisions((entry(expires, path="*"),), today=today)
    assert decisions.apply([finding()]).findings[0].status is status
    assert bool(decisions.expired()) is (status is Status.NEW)


def test_an_entry_behind_an_expired_one_still_counts_and_the_first_gives_the_reason() -> None:
    second = AllowEntry(Criteria(issuer="stripe"), "another")
    decisions = Decisions((entry(date(2020, 1, 1), path="*"), second, entry(path="*")), today=TODAY)
    assert decisions.decide(finding()).reason == "another"


def test_an_entry_by_id_holds_with_and_without_a_baseline() -> None:
    keyed = BASELINE.id_of(secret())
    for id_ in (keyed, secret().fingerprint()):
        decisions = Decisions((entry(id=id_),), baseline=BASELINE.with_ids(()))
        (first,) = decisions.apply([finding()]).findings
        assert first.id == keyed
        assert decisions.apply([first]).findings[0].status is Status.ALLOWED


def test_a_known_key_is_baselined_and_another_on_the_same_line_is_new() -> None:
    known, other = Decisions(baseline=BASELINE).apply([finding(), finding(seed=1)]).findings
    assert (known.status, other.status) == (Status.BASELINED, Status.NEW)
    assert known.id == BASELINE.id_of(secret())


@pytest.mark.parametrize(
    ("markers", "status", "reason"),
    [
        (((ALLOWED,), (ALLOWED,)), Status.ALLOWED, "keyleak:allow: a test key"),
        (((GITLEAKS,), (ALLOWED,)), Status.ALLOWED, "a marker of gitleaks; keyleak:allow: a test key"),
        (((GITLEAKS,), ()), Status.NEW, "markers at 1 of its 2 places do not allow it"),
        (((BARE,), (GITLEAKS,)), Status.NEW, "markers at 1 of its 2 places do not allow it"),
        (((BARE,), ()), Status.NEW, "gives no reason"),
        (((BARE, GITLEAKS), (GITLEAKS,)), Status.ALLOWED, "a marker of gitleaks"),
        (((Marker("keyleak", "keyleak:allow[x]", ("x",), "why"),), ()), Status.NEW, "names x"),
    ],
)  # fmt: skip
def test_markers_allow_a_key_only_if_every_place_has_one_that_counts(
    markers: tuple[tuple[Marker, ...], ...], status: Status, reason: str
) -> None:
    marked = replace(finding("a", "b", markers=markers), reason=None)
    (decided,) = Decisions().apply([marked]).findings
    assert decided.status is status
    assert reason in (decided.reason or "")
    assert Decisions(inline=False).apply([marked]).findings == (marked,)


def test_a_severity_entry_changes_the_severity_before_filters_look_at_it() -> None:
    lowered = SeverityEntry(Criteria(path="docs/*"), Severity.NOTE, "samples")
    (decided,) = Decisions(severities=(lowered,)).apply([finding("docs/a.md")]).findings
    assert (decided.severity, decided.status) == (Severity.NOTE, Status.NEW)
    assert "samples" in (decided.reason or "")
    strict = Decisions(severities=(lowered,), min_severity=Severity.LOW)
    assert strict.apply([finding("docs/a.md")]).left_out == 1
    assert strict.decide(finding("src/a.md")).severity is Severity.CRITICAL


def test_a_filter_of_issuers_leaves_out_and_counts() -> None:
    assert Decisions(issuers=frozenset({"flora"})).apply([finding()]).left_out == 1
    assert Decisions(issuers=frozenset({"stripe"})).apply([finding()]).left_out == 0


def test_an_entry_that_matches_nothing_is_stale_and_an_expired_one_only_expired() -> None:
    used, stale, expired = entry(path="a.env"), entry(path="gone/*"), entry(date(2020, 1, 1), path="old/*")
    decisions = Decisions((used, stale, expired), today=TODAY)
    assert decisions.stale(decisions.subjects([finding()])) == (stale,)


@given(st.lists(st.integers(0, 6), max_size=6), st.lists(st.integers(0, 6), max_size=6))
def test_entries_and_baselines_never_drop_or_invent_a_finding(found: list[int], known: list[int]) -> None:
    findings = [finding(f"{index}.env", seed=seed) for index, seed in enumerate(found)]
    baseline = BASELINE.with_ids(BASELINE.id_of(secret(seed)) for seed in known)
    decided = Decisions((entry(path="0.env"),), baseline=baseline).apply(findings)
    assert sorted(each.secret.fingerprint() for each in decided.findings) == sorted(
        each.id for each in findings
    )
    for each in decided.findings:
        in_baseline = each.id in baseline.fingerprints
        assert (each.status is Status.BASELINED) == (in_baseline and each.locations[0].path != "0.env")

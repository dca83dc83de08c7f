"""One finding per secret, with every place it stands."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.findings import (
    Attribution,
    AttributionVerdict,
    Candidate,
    Confidence,
    Environment,
    FirstSeen,
    Location,
    LocationKind,
    Severity,
    Sighting,
    Status,
    VerificationVerdict,
)
from keyleak.grouping import group_by_secret
from keyleak.rulebook.template import expand
from keyleak.secret import Secret

UNKNOWN = Attribution(AttributionVerdict.UNKNOWN, Confidence.NONE, ("none",))


def attributed(issuer: str) -> Attribution:
    return Attribution(
        AttributionVerdict.ATTRIBUTED, Confidence.HIGH, ("why",), (Candidate(issuer, ("why",)),)
    )


def sighting(
    seed: int = 0,
    path: str | None = "a",
    offset: int = 0,
    severity: Severity = Severity.HIGH,
    attribution: Attribution = UNKNOWN,
) -> Sighting:
    return Sighting(
        secret=Secret(expand("sk_live_${base62:42}", seed).encode()),
        rule="flora-api-key" if attribution.issuer == "flora" else "sk-family-key",
        environment=Environment.LIVE,
        severity=severity,
        attribution=attribution,
        location=Location(LocationKind.FILE, path, 1, offset + 1, offset),
        excerpt=f"line of {path}:{offset}",
    )


def test_nothing_found_is_no_finding() -> None:
    assert group_by_secret([]) == []


def test_one_sighting_is_one_new_finding() -> None:
    only = sighting(1, "a", 5)
    (finding,) = group_by_secret([only])
    assert finding.id == only.secret.fingerprint()
    assert (finding.secret, finding.rule, finding.severity) == (only.secret, only.rule, only.severity)
    assert (finding.environment, finding.attribution, finding.issuer) == (Environment.LIVE, UNKNOWN, None)
    assert (finding.locations, finding.excerpts) == ((only.location,), (only.excerpt,))
    assert (finding.status, finding.reason) == (Status.NEW, None)
    assert finding.verification.verdict is VerificationVerdict.NOT_CHECKED
    assert (finding.first_seen, finding.at_head) == (None, None)


def test_places_of_a_secret_come_together_in_order_with_their_excerpts() -> None:
    places = [sighting(1, "b", 1), sighting(1, "a", 9), sighting(1, "a", 2)]
    for order in permutations(places):
        (finding,) = group_by_secret(order)
        assert [(each.path, each.offset) for each in finding.locations] == [("a", 2), ("a", 9), ("b", 1)]
        assert finding.excerpts == ("line of a:2", "line of a:9", "line of b:1")


def test_a_place_that_was_seen_twice_counts_once() -> None:
    (finding,) = group_by_secret([sighting(1), sighting(1), sighting(1, offset=3)])
    assert len(finding.locations) == len(finding.excerpts) == 2


@given(seen=st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc"), st.integers(0, 9)), max_size=30))
def test_every_secret_and_every_place_is_kept(seen: list[tuple[int, str, int]]) -> None:
    findings = group_by_secret(sighting(seed, path, offset) for seed, path, offset in seen)
    assert len(findings) == len({seed for seed, _, _ in seen})
    kept = {(finding.secret, each.path, each.offset) for finding in findings for each in finding.locations}
    assert kept == {(sighting(seed).secret, path, offset) for seed, path, offset in seen}
    assert findings == group_by_secret(sighting(seed, path, offset) for seed, path, offset in reversed(seen))


def test_the_worst_come_first_then_by_place() -> None:
    found = [
        sighting(1, "a", severity=Severity.NOTE),
        sighting(2, "b", severity=Severity.CRITICAL),
        sighting(3, "c", severity=Severity.MEDIUM),
        sighting(4, "a", severity=Severity.CRITICAL),
        sighting(5, None, severity=Severity.LOW),
    ]
    for order in permutations(found):
        findings = group_by_secret(order)
        assert [each.secret for each in findings] == [found[index].secret for index in (3, 1, 2, 4, 0)]


@pytest.mark.parametrize("reverse", [False, True])
def test_the_weightiest_place_leads(reverse: bool) -> None:
    note = replace(sighting(1, "a", severity=Severity.NOTE), remark="git ignores this file")
    low = sighting(1, "b", severity=Severity.LOW)
    (finding,) = group_by_secret([low, note] if reverse else [note, low])
    assert (finding.severity, finding.reason) == (Severity.LOW, None)
    (ignored,) = group_by_secret([note, replace(note, location=replace(note.location, path="z"))])
    assert (ignored.severity, ignored.reason) == (Severity.NOTE, "git ignores this file")


@pytest.mark.parametrize("reverse", [False, True])
def test_the_better_attribution_is_that_of_the_finding_and_its_rule(reverse: bool) -> None:
    places = [sighting(1, "a"), sighting(1, "b", attribution=attributed("flora"))]
    (finding,) = group_by_secret(reversed(places) if reverse else places)
    assert (finding.issuer, finding.rule) == ("flora", "flora-api-key")
    assert finding.attribution == attributed("flora")


def test_places_that_contradict_each_other_name_nobody() -> None:
    (finding,) = group_by_secret(
        [sighting(1, "a", attribution=attributed("clerk")), sighting(1, "b", attribution=attributed("flora"))]
    )
    assert finding.issuer is None
    assert finding.attribution.verdict is AttributionVerdict.AMBIGUOUS
    assert [each.issuer for each in finding.attribution.candidates] == ["clerk", "flora"]


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        ([None], None),
        ([None, None], None),
        ([False], False),
        ([False, None], False),
        ([False, True], True),
        ([True, None], True),
    ],
)
def test_a_key_is_at_head_if_one_of_its_places_is(heads: list[bool | None], expected: bool | None) -> None:
    (finding,) = group_by_secret(
        replace(sighting(1, "a", index), at_head=head) for index, head in enumerate(heads)
    )
    assert finding.at_head is expected


def test_the_earliest_of_the_known_dates_is_when_it_was_first_seen() -> None:
    dates = ["2024-03-01T12:00:00+00:00", "2024-03-01T10:30:00-05:00", "2024-03-01T13:30:00+02:00", None]
    places = [
        replace(sighting(1, "a", index), first_seen=FirstSeen(f"c{index}", day, "a", 1))
        for index, day in enumerate(dates)
    ]
    for order in permutations([*places, sighting(1, "a", 99)]):
        (finding,) = group_by_secret(order)
        assert finding.first_seen is not None
        assert finding.first_seen.commit == "c2"


def test_without_dates_the_only_commit_is_the_first_and_none_of_several_is() -> None:
    one = replace(sighting(1), first_seen=FirstSeen("c", None, "a", 1))
    (finding,) = group_by_secret([one])
    assert finding.first_seen == FirstSeen("c", None, "a", 1)
    other = replace(sighting(1, path="b"), first_seen=FirstSeen("d", None, "b", 1))
    (finding,) = group_by_secret([one, other])
    assert finding.first_seen is None


def test_kinds_containers_and_missing_paths_are_places_of_their_own() -> None:
    base = sighting(1, None)
    others = [
        replace(base, location=replace(base.location, kind=LocationKind.STDIN)),
        replace(base, location=replace(base.location, container=("inner.zip",))),
        replace(base, location=replace(base.location, blob="b1")),
        replace(base, location=replace(base.location, decoded=("base64",))),
    ]
    (finding,) = group_by_secret([base, *others])
    assert len(finding.locations) == 5


def test_severities_rank_from_the_worst() -> None:
    assert [severity.rank for severity in Severity] == list(range(5))
    assert Severity.CRITICAL.rank < Severity.HIGH.rank < Severity.NOTE.rank

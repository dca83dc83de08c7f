"""One key at several places: which attribution stands."""

from __future__ import annotations

from itertools import permutations

import pytest

from keyleak.attribution.combine import combine
from keyleak.findings import Attribution, AttributionVerdict, Candidate, Confidence


def attributed(issuer: str, confidence: Confidence, why: str = "a reason") -> Attribution:
    return Attribution(AttributionVerdict.ATTRIBUTED, confidence, (why,), (Candidate(issuer, (why,)),))


UNKNOWN = Attribution(AttributionVerdict.UNKNOWN, Confidence.NONE, ("nothing",))
AMBIGUOUS = Attribution(
    AttributionVerdict.AMBIGUOUS,
    Confidence.LOW,
    ("several",),
    (Candidate("clerk", ("c",)), Candidate("stripe", ("s",))),
)


@pytest.mark.parametrize("alone", [UNKNOWN, AMBIGUOUS, attributed("flora", Confidence.MEDIUM)])
def test_one_place_stands_for_itself(alone: Attribution) -> None:
    assert combine([alone]) == alone
    assert combine(each for each in (alone, alone)) == alone


def test_the_surest_of_places_that_agree_stands_in_any_order() -> None:
    places = [
        UNKNOWN,
        AMBIGUOUS,
        attributed("flora", Confidence.MEDIUM),
        attributed("flora", Confidence.HIGH, "better"),
    ]
    for order in permutations(places):
        assert combine(order) == places[3]


def test_places_that_name_different_issuers_are_ambiguous_in_any_order() -> None:
    places = [
        attributed("flora", Confidence.HIGH, "f"),
        attributed("stripe", Confidence.HIGH, "s"),
        UNKNOWN,
        attributed("flora", Confidence.MEDIUM, "g"),
    ]
    for order in permutations(places):
        combined = combine(order)
        assert (combined.verdict, combined.confidence, combined.issuer) == (
            AttributionVerdict.AMBIGUOUS,
            Confidence.LOW,
            None,
        )
        assert [each.issuer for each in combined.candidates] == ["flora", "stripe"]
        assert set(combined.candidates[0].evidence) == {"f", "g"}


def test_candidates_of_ambiguous_places_are_gathered() -> None:
    other = Attribution(
        AttributionVerdict.AMBIGUOUS,
        Confidence.LOW,
        ("several",),
        (Candidate("paystack", ("p",)), Candidate("clerk", ("d",))),
    )
    combined = combine([AMBIGUOUS, other])
    assert {each.issuer: set(each.evidence) for each in combined.candidates} == {
        "clerk": {"c", "d"},
        "paystack": {"p"},
        "stripe": {"s"},
    }
    assert combine([UNKNOWN, UNKNOWN]).verdict is AttributionVerdict.UNKNOWN
    assert combine([UNKNOWN, AMBIGUOUS]).verdict is AttributionVerdict.AMBIGUOUS


def test_a_place_that_goes_by_its_file_gives_way_to_one_that_names_the_issuer() -> None:
    near, far = attributed("clerk", Confidence.MEDIUM), attributed("stripe", Confidence.LOW)
    for order in permutations((near, far, UNKNOWN)):
        assert combine(order) == near

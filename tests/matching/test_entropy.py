"""Shannon entropy: supporting evidence, so it has to be the textbook's."""

from __future__ import annotations

from math import isclose, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.matching.entropy import shannon_entropy
from strategies import found_in, planted_keys, rulebook


@pytest.mark.parametrize(
    ("body", "bits"),
    [(b"", 0), (b"a", 0), (b"aaaa", 0), (b"ab", 1), (b"aabb", 1), (b"abcd", 2), (bytes(range(256)), 8)],
)
def test_known_values(body: bytes, bits: float) -> None:
    assert isclose(shannon_entropy(body), bits, abs_tol=1e-12)


def test_an_uneven_distribution() -> None:
    assert isclose(shannon_entropy(b"aaab"), 2 - 0.75 * log2(3))


@given(body=st.binary(min_size=1, max_size=300))
def test_it_lies_between_nothing_and_the_alphabet(body: bytes) -> None:
    assert -1e-9 <= shannon_entropy(body) <= log2(len(set(body))) + 1e-9


@given(body=st.binary(max_size=100), times=st.integers(1, 4))
def test_order_and_repetition_change_nothing(body: bytes, times: int) -> None:
    assert isclose(shannon_entropy(body), shannon_entropy(bytes(sorted(body)) * times), abs_tol=1e-9)


@given(key=planted_keys())
def test_keys_of_every_shape_stand_above_the_floors_of_their_rules(key: object) -> None:
    floors = {rule.issuer: rule.min_entropy for rule in rulebook().keys if "sk_live_" in rule.prefixes}
    assert shannon_entropy(key.body.encode()) > floors[key.issuer]  # type: ignore[attr-defined]


def test_a_body_of_low_entropy_is_no_key() -> None:
    assert found_in(b"sk_live_" + b"aabbbaababbabaab" * 2) == []
    assert found_in(b"sk_live_" + b"a1b1a2b2a1b2a2b1a1a2b2b1" * 1) == []

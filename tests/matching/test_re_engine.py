"""The `re` engine finds what Hyperscan finds, so that a platform without its wheel misses nothing."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyleak.matching.anchors import Anchor, AnchorKind, anchors_of, stems_of
from keyleak.matching.engine import Hit, fastest_engine, has_body
from keyleak.matching.patient_engine import PatientEngine
from keyleak.matching.re_engine import ReEngine
from keyleak.rulebook.model import Context, FoundBy
from keyleak.rulebook.template import expand
from strategies import matcher, planted_keys, pure_matcher, rulebook

if TYPE_CHECKING:
    from keyleak.matching.engine import Engine

needs_hyperscan = pytest.mark.skipif(
    importlib.util.find_spec("hyperscan") is None, reason="no Hyperscan wheel for this platform"
)

WORDS = (
    "FLORA_API_KEY=", "flora", "Flora({ apiKey: '", "sk_live_", "rk_test_", "ak_", "https://app.flora.ai ",
    "x-flora-api-key: ", "Authorization: Bearer ", "flora techniques list --api-key ", "floraapi.com", "\n",
    "option.WithAPIKey(\"", "STRIPE_SECRET_KEY: ", "FLORA", "flORA", "sk_live", "_", "é", "日本",
    "CKO_SECRET_KEY=sk_", "task_", "sk_", "machineSecretKey: 'ak_",
)  # fmt: skip


def pieces() -> st.SearchStrategy[bytes]:
    texts = st.one_of(
        st.sampled_from(WORDS),
        planted_keys().map(lambda key: key.text),
        st.integers(0, 99).map(lambda seed: expand("ak_${base62:32}", seed)),
        st.integers(0, 99).map(lambda seed: expand("sk_${uuid}", seed)),
        st.integers(0, 99).map(lambda seed: expand("sk_${alnum:17}", seed)),
        st.integers(0, 99).map(lambda seed: expand("${base62:40}", seed)),
    )
    encoded = st.builds(str.encode, texts, st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "utf-16"]))
    return encoded | st.binary(max_size=12)


@needs_hyperscan
@given(parts=st.lists(pieces(), max_size=14))
@settings(max_examples=500, deadline=None)
def test_both_engines_make_the_same_matches(parts: list[bytes]) -> None:
    content = b"".join(parts)
    assert matcher().match(content) == pure_matcher().match(content)
    assert matcher().rejections(content) == pure_matcher().rejections(content)


@cache
def pure() -> ReEngine:
    """Compiled once: that takes longer than all searches together."""
    return ReEngine(matcher().rules.anchors)


@cache
def compiled() -> Engine:
    """The same of Hyperscan."""
    from keyleak.matching.hyperscan_engine import HyperscanEngine

    return HyperscanEngine(matcher().rules.anchors)


@needs_hyperscan
@given(
    content=st.lists(pieces(), max_size=14).map(b"".join),
    kind=st.sampled_from([bytes, bytearray, memoryview]),
)
@settings(max_examples=300, deadline=None)
def test_both_engines_make_the_same_hits(content: bytes, kind: type[bytes]) -> None:
    anchors = matcher().rules.anchors
    hits = pure().hits(kind(content))
    assert hits == compiled().hits(kind(content)) == PatientEngine(anchors).hits(kind(content))
    for hit in hits:
        literal = anchors[hit.anchor].literal
        assert content[hit.end - len(literal) : hit.end] == literal


@needs_hyperscan
def test_hyperscan_is_taken_where_it_is_installed() -> None:
    assert type(fastest_engine(matcher().rules.anchors)).__name__ == "HyperscanEngine"


def test_overlapping_anchors_are_all_hit_in_order() -> None:
    anchors = [Anchor(AnchorKind.PREFIX, wide=False, literal=literal) for literal in (b"aa", b"aaa", b"b")]
    for engine in (ReEngine(anchors), PatientEngine(anchors)):
        assert engine.hits(b"aaaab") == [
            Hit(2, 0), Hit(3, 0), Hit(3, 1), Hit(4, 0), Hit(4, 1), Hit(5, 2)
        ]  # fmt: skip
        assert engine.hits(b"ccc") == []


@pytest.mark.parametrize(
    "before", [b"", b" ", b"'", b"=", b"\\n", b"\\x3d", b"\\u003d", b"%3D", b"-", b"\x80"]
)
def test_a_short_word_is_hit_where_a_word_begins_with_it(before: bytes) -> None:
    """In compiled code `task_` and the next name with its length had each file opened that holds them."""
    anchors = [Anchor(AnchorKind.PREFIX, wide=False, literal=b"sk_", with_body=True)]
    body = expand("${base62:16}").encode()
    engines = [ReEngine(anchors), PatientEngine(anchors), fastest_engine(anchors)]
    end = len(before) + 3
    for engine in engines:
        assert engine.hits(before + b"sk_" + body) == [Hit(end, 0)]
        assert engine.hits(before + b"sk_" + body[:15] + b"_") == []
        assert engine.hits(before + b"task_" + body) == []
        assert engine.hits(before + b"_sk_" + body) == []


def test_patience_ends_without_a_difference() -> None:
    anchors = [Anchor(AnchorKind.PREFIX, wide=False, literal=literal) for literal in (b"sk_live_", b"flora")]
    engine = PatientEngine(anchors)
    small, large = b"flora sk_live_" * 10, b"flora sk_live_" * 4_000
    before = engine.hits(small)
    assert engine.hits(large) == ReEngine(anchors).hits(large)
    assert engine.hits(small) == before


def test_every_prefix_word_and_stem_is_an_anchor_in_both_widths() -> None:
    anchors = anchors_of(rulebook())
    split = {anchor.literal for anchor in anchors if anchor.kind is AnchorKind.SPLIT}
    assert {b"'sk'", b'"sk_"', b"'sk_live'", b'"rk_test"'} <= split
    narrow = {anchor.literal for anchor in anchors if not anchor.wide} - split
    prefixes = {word.encode() for rule in rulebook().keys for word in rule.prefixes}
    stems = {
        spelling.encode()
        for issuer in rulebook().issuers
        if any(rule.found_by is FoundBy.ASSIGNMENT for rule in issuer.keys)
        for stem in stems_of(issuer.context)
        for spelling in (stem, stem.upper(), stem.capitalize())
    }
    assert {b"flora", b"FLORA", b"Flora"} <= stems
    assert prefixes | stems == narrow
    # Every literal costs: beyond some thirty, the search takes nearly twice as long.
    with_body = {anchor.literal for anchor in anchors if anchor.with_body and not anchor.wide}
    assert len(narrow - with_body) <= 15
    # A short word alone would be hit in every other file.
    assert with_body == {word for word in prefixes if len(word) < 7} >= {b"sk_", b"ak_"}
    assert {anchor.literal.replace(b"\0", b"") for anchor in anchors if anchor.wide} == narrow
    assert {anchor.length for anchor in anchors if anchor.wide} == {len(literal) for literal in narrow}


def test_the_stem_is_what_all_words_share_or_every_word() -> None:
    shared = Context(names=("ACME_KEY", "ACME_TOKEN"), hosts=("api.acme.dev",), calls=("new Acme(",))
    assert stems_of(shared) == ("acme",)
    assert set(stems_of(Context(names=("ACME_KEY",), hosts=("example.org",)))) == {"acme_key", "example.org"}
    assert stems_of(Context()) == ()


@pytest.mark.parametrize("length", [15, 16])
def test_a_mention_of_a_prefix_has_no_body(length: int) -> None:
    key = expand(f"sk_live_${{base62:{length}}}")
    assert has_body(key.encode() + b".", len("sk_live_"), wide=False) is (length == 16)
    for encoding in ("utf-16-le", "utf-16-be"):
        end = 2 * len("sk_live_") - (encoding == "utf-16-le")
        assert has_body((key + ".").encode(encoding), end, wide=True) is (length == 16)

"""Keys found by their prefix: shape, right boundary, and what is no key after all."""

from __future__ import annotations

import pickle
import plistlib
from typing import TYPE_CHECKING

import pytest

from keyleak.matching.judge import KeyJudge
from keyleak.rulebook.template import expand
from strategies import SHAPES, found_in, matcher

if TYPE_CHECKING:
    from keyleak.matching.prefixed import Shaped

JUDGE = KeyJudge(matcher().rules)


def shaped(text: str, start: int = 0) -> Shaped | None:
    return JUDGE.shaped(text.encode(), start)


@pytest.mark.parametrize(("issuer", "template"), SHAPES)
def test_each_shape_is_that_of_its_issuer(issuer: str, template: str) -> None:
    key = expand(template, 6)
    found = shaped(key)
    assert found is not None
    assert (found.start, found.end) == (0, len(key))
    assert key.startswith(found.prefix)
    assert issuer in {rule.issuer for rule in found.rules}
    assert JUDGE.no_key_reason(key.encode(), found) is None


@pytest.mark.parametrize(
    "template",
    [
        "pk_live_${base62:42}",
        "sk_staging_${base62:42}",
        "SK_LIVE_${base62:42}",
        "sk-live-${base62:42}",
        "sk_live${base62:42}",
        "s_k_live_${base62:42}",
    ],
)
def test_other_prefixes_are_other_things(template: str) -> None:
    assert shaped(expand(template)) is None
    assert found_in(expand(template).encode()) == []


@pytest.mark.parametrize("following", ["a", "Z", "0", "_", "-"])
def test_a_weak_shape_fits_the_whole_run_or_not_at_all(following: str) -> None:
    key = expand("sk_live_${base62:250}")
    assert shaped(key + following) is None


@pytest.mark.parametrize("following", ["+", "/", "=", ".", "~", "é", "\0", "%", "|"])
def test_any_other_character_ends_a_key(following: str) -> None:
    key = expand("sk_live_${base62:42}")
    found = shaped(key + following + "rest")
    assert found is not None
    assert found.end == len(key)


@pytest.mark.parametrize("template", ["sk_live_51${base62:97}", "sk_test_51${base62:97}"])
@pytest.mark.parametrize("following", ["a", "9"])
def test_a_decisive_shape_has_exactly_its_length(template: str, following: str) -> None:
    found = shaped(expand(template) + following)
    assert found is not None
    assert "stripe-secret-key" not in {rule.id for rule in found.rules}


def test_a_workos_body_must_decode_to_what_workos_encodes() -> None:
    good = expand("sk_live_${base64:key_01${crockford:24},${base62:25}}", 3)
    found = shaped(good)
    assert found is not None
    assert "workos-api-key" in {rule.id for rule in found.rules}
    other = shaped(expand("sk_live_a2V5Xz${base62:69}", 3))
    assert other is None or "workos-api-key" not in {rule.id for rule in other.rules}
    # 26 characters with `U`, which Crockford's alphabet lacks.
    wrong = shaped(expand("sk_live_${base64:key_UUUU${crockford:22},${base62:25}}", 3))
    assert wrong is None or "workos-api-key" not in {rule.id for rule in wrong.rules}


def test_a_workos_key_with_plus_and_slash_is_found_whole() -> None:
    keys = [expand("sk_live_${base64:key_01${crockford:24},${base62:25}}", seed) for seed in range(40)]
    assert [key.decode() for key, _, _ in found_in("\n".join(keys).encode())] == keys


@pytest.mark.parametrize(
    ("template", "rule"),
    [
        ("sk_live_${hex:40}", "paystack-secret-key"),
        ("rk_test_${base62:24}", "stripe-restricted-key"),
        ("sk_test_${base62:34}", "stripe-legacy-secret-key"),
        ("sk_live_${base62:32}", "clerk-other-secret-key"),
        ("sk_live_${base62:20}", "flora-api-key"),
        ("rk_live_${base62:20}", "sk-family-key"),
    ],
)
def test_the_rule_of_a_shape(template: str, rule: str) -> None:
    found = shaped(expand(template, 2))
    assert found is not None
    assert rule in {each.id for each in found.rules}


def test_no_key_begins_where_no_prefix_stands() -> None:
    key = expand("sk_live_${base62:42}")
    assert shaped("x " + key, 0) is None
    assert shaped("x " + key, 2) is not None
    assert shaped("x_" + key, 2) is None


def test_why_a_shape_is_no_key_is_said() -> None:
    for body, word in (
        ("your_key_goes_here", "placeholder"),
        ("4eC39HqLyjWD" + "arjtT1zdp7dc", "sample"),
        ("k9QzT" * 6, "repeated"),
        ("a1b2c3d4e5f6g7h8i9j0", "run"),
    ):
        text = ("sk_test_" + body).encode()
        found = JUDGE.shaped(text, 0)
        assert found is not None
        assert word in (JUDGE.no_key_reason(text, found) or "")


@pytest.mark.parametrize("template", ["sk_live_51${base62:97}", "sk_live_${base62:42}", "sk_live_${hex:40}"])
def test_the_length_that_a_binary_format_keeps_before_a_key_is_no_letter_of_it(template: str) -> None:
    key = expand(template, 3)
    listed = plistlib.dumps([f"{key}", "Q" * 20, 7], fmt=plistlib.FMT_BINARY)
    pickled = pickle.dumps({"a": key, "b": "c"}, protocol=4)
    old = pickle.dumps(["a", key], protocol=2)
    packed = b"\x81\xa1a\xd9" + bytes([len(key)]) + key.encode() + b"A"
    for content in (listed, pickled, old, packed):
        assert [match.secret.reveal().decode() for match in matcher().match(content)] == [key]


@pytest.mark.parametrize(
    "template", ["sk_live_51${base62:97}", "sk_live_${base62:42}", "sk_live_${base62:90}"]
)
def test_a_length_behind_another_letter_is_no_letter_of_a_key(template: str) -> None:
    key = expand(template, 3).encode()
    length = bytes([len(key)])
    contents = {
        "resources.arsc": b"\x02\0\x0d\x0dflora_api_key\0" + length + length + key + b"\0\x03\x03abc\0",
        "CBOR text": b"\xa2\x6dFLORA_API_KEY\x78" + length + key + b"\x64name\x61a",
        "CBOR bytes": b"\xa1\x61a\x58" + length + key,
        "Redis": b"\xfe\0\0\x0dFLORA_API_KEY" + length + key + b"\0\x01a\x01b\xff",
        "Thrift": b"\x0b\0\x01\0\0\0" + length + key + b"\x0b\0\x02",
        "Java": b"\x74\0" + length + key + b"xpt\0\x01a",
        "little-endian": b"\x01\0" + length + b"\0" + key + b"x\0",
    }
    if 2 * len(key) < 128:
        contents["Avro"] = b"\x1aFLORA_API_KEY" + bytes([2 * len(key)]) + key + b"\x02"
    found = {
        name: [match.secret.reveal() for match in matcher().match(content)]
        for name, content in contents.items()
    }
    assert found == {name: [key] for name in contents}


def test_a_letter_before_a_key_is_no_length_in_text() -> None:
    key = expand("sk_live_51${base62:97}", 3)
    for before in ("k", "Bk", "x: k", "%253k", "kk", "xk", "\rFLORA_API_KEYk"):
        assert matcher().match(f"{before}{key}".encode()) == []
    assert matcher().match(f"a%253D{key}%2526b".encode())

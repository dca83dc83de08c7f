"""Templates: no key stands in this repository, yet every test has the same ones in every run."""

from __future__ import annotations

import base64
import re
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.rulebook.template import TemplateError, expand

ALPHABETS = {
    "base62": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "digits": string.digits,
    "lower": string.ascii_lowercase,
    "alnum": string.ascii_lowercase + string.digits,
    "base64url": string.ascii_letters + string.digits + "_-",
    "base64": string.ascii_letters + string.digits + "+/",
    "crockford": "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
}


@pytest.mark.parametrize("kind", ALPHABETS)
@given(length=st.integers(0, 300), seed=st.integers())
def test_each_generator_gives_so_many_characters_of_its_alphabet(kind: str, length: int, seed: int) -> None:
    text = expand(f"${{{kind}:{length}}}", seed)
    assert len(text) == length
    assert set(text) <= set(ALPHABETS[kind])


@pytest.mark.parametrize("kind", ALPHABETS)
def test_each_generator_uses_its_whole_alphabet(kind: str) -> None:
    assert set(expand(f"${{{kind}:5000}}")) == set(ALPHABETS[kind])


@given(seed=st.integers())
def test_the_same_seed_gives_the_same_text(seed: int) -> None:
    template = "a ${base62:30} b ${hex:10} c ${uuid}"
    assert expand(template, seed) == expand(template, seed)


def test_the_text_is_the_same_in_every_run() -> None:
    assert expand("${digits:12}|${lower:6}", 7) == "587115499555|hllwef"


def test_another_seed_or_template_gives_another_text() -> None:
    assert len({expand("${base62:30}", seed) for seed in range(200)}) == 200
    assert expand("${base62:30}") != expand("x${base62:30}")[1:]
    first, second = expand("${base62:30} ${base62:30}").split()
    assert first != second


def test_a_uuid_is_one() -> None:
    assert uuid.UUID(expand("${uuid}", 4)).version == 4


@given(seed=st.integers())
def test_base64_of_a_template_decodes_to_it(seed: int) -> None:
    body = expand("${base64:key_01${crockford:24},${base62:25}}", seed)
    decoded = base64.b64decode(body + "=" * (-len(body) % 4)).decode()
    assert "=" not in body
    assert re.fullmatch(r"key_01[0-9A-HJKMNP-TV-Z]{24},[A-Za-z0-9]{25}", decoded)
    padded = expand("${base64pad:user:${hex:7}}", seed)
    assert re.fullmatch(r"user:[0-9a-f]{7}", base64.b64decode(padded, validate=True).decode())


@pytest.mark.parametrize("text", ["", "plain", "a $ b", "a { b } c", "$x", "100%", "é", "}"])
def test_text_without_a_generator_stays_as_it_is(text: str) -> None:
    assert expand(text) == text


@given(before=st.text(string.ascii_letters + " ='\""), after=st.text(string.ascii_letters + " ='\""))
def test_what_stands_around_a_generator_stays(before: str, after: str) -> None:
    text = expand(f"{before}${{hex:8}}{after}")
    assert text.startswith(before)
    assert text.endswith(after)
    assert len(text) == len(before) + 8 + len(after)


@pytest.mark.parametrize(
    "template",
    [
     "${", "${base62:4", "a ${hex:4} ${", "${base64:${hex:4}", "${}",
     "${:}", "${base62}", "${base62:}", "${base62:x}", "${base62:-1}",
     "${BASE62:4}", "${hex:1.5}", "${uuid:4}", "${base64:}", "${base64}", "${base64pad:}", "${rot13:abc}",
     "${base64:${nothing:4}}",
    ],
)  # fmt: skip
def test_a_wrong_template_is_an_error_that_shows_it(template: str) -> None:
    with pytest.raises(TemplateError, match=r"\$\{"):
        expand(template)

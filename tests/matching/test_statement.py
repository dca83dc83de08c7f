"""The statement around a key, and the excerpt of it that people see."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keyleak
from keyleak.key_shapes import MASK
from keyleak.matching.statement import statement_around
from keyleak.rulebook.template import expand
from strategies import Planted, matcher, planted_keys

KEY = expand("sk_live_${base62:42}", 1)
OTHER = expand("sk_test_${hex:40}", 2)


def around(text: str, key: str = KEY) -> tuple[bytes, bytes]:
    start = text.encode().index(key.encode())
    statement = statement_around(text.encode(), start, start + len(key))
    return statement.before, statement.after


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\\n", "\\r\\n"])
def test_a_statement_is_one_line(line_end: str) -> None:
    text = line_end.join(("first = 1", f"name = '{KEY}' # why", "last = 2"))
    assert around(text) == (b"name = '", b"' # why")


def test_a_statement_at_the_edges_of_a_content() -> None:
    assert around(KEY) == (b"", b"")
    assert around(f"a {KEY}") == (b"a ", b"")
    assert around(f"{KEY} b") == (b"", b" b")


def test_neighbours_on_the_line_keep_what_is_theirs() -> None:
    text = f'{{"first":"{KEY}","second":"{OTHER}","third":3}}'
    assert around(text) == (b'{"first":"', b'"')
    assert around(text, OTHER) == (b'","second":"', b'","third":3}')


def test_at_most_512_characters_on_either_side() -> None:
    before, after = around("x" * 2000 + " " + KEY + " " + "y" * 2000)
    assert before == b"x" * 511 + b" "
    assert after == b" " + b"y" * 511


def test_an_excerpt_shows_the_line_with_the_key_redacted() -> None:
    text = f"const client = new Client('{KEY}')".encode()
    (match,) = matcher().match(text)
    shown = match.statement.excerpt(match.secret.redacted())
    assert shown == f"const client = new Client('{KEY[:12]}{MASK}')"


def test_an_excerpt_is_short_and_holds_no_undecodable_bytes() -> None:
    text = b"\x00\xff" + "é".encode() * 100 + b" = " + KEY.encode() + b" \xfe" + b"word " * 100
    (match,) = matcher().match(text)
    shown = match.statement.excerpt(match.secret.redacted())
    assert "\ufffd" not in shown
    assert "\0" not in shown
    assert len(shown) <= 60 + len(match.secret.redacted()) + 20


@pytest.mark.parametrize(
    "template",
    [
        "${base62:20}",
        "${hex:40}",
        "${base62:99}",
        "AKIA${HEX:16}",
        "ghp_${base62:36}",
        "pk_live_${base62:24}",
    ],
)
def test_other_long_tokens_on_the_line_are_masked(template: str) -> None:
    token = expand(template, 4)
    text = f"a={token} b={KEY} c={token}".encode()
    (match,) = matcher().match(text)
    assert token[:8] not in match.statement.excerpt(match.secret.redacted())


def test_a_token_that_the_cut_divides_is_masked_too() -> None:
    token = expand("${base62:60}", 5)
    for distance in range(0, 60, 7):
        text = f"{token}{' ' * distance}= {KEY}".encode()
        (match,) = matcher().match(text)
        shown = match.statement.excerpt(match.secret.redacted())
        assert not any(token[index : index + 6] in shown for index in range(len(token) - 5))


@given(
    keys=st.lists(planted_keys(), min_size=1, max_size=4),
    separator=st.sampled_from([" ", ",", "; ", '","', "=", "|"]),
)
@settings(max_examples=200, deadline=None)
def test_no_excerpt_shows_more_of_any_key_than_its_redaction(keys: list[Planted], separator: str) -> None:
    content = separator.join(key.text for key in keys).encode()
    for match in matcher().match(content):
        shown = match.statement.excerpt(match.secret.redacted())
        for key in keys:
            tail = key.body[4:]
            assert not any(tail[index : index + 8] in shown for index in range(max(1, len(tail) - 7)))


@pytest.mark.parametrize("length", [16, 17, 18, 19, 20, 40])
@pytest.mark.parametrize(
    "line",
    [
        'FLORA_API_KEY: "{}", other: {}',
        "FLORA_API_KEY '{}' x {}",
        '"FLORA_API_KEY":"{}","SK":"{}"',
        "new Flora({{apiKey: '{}'}}) // {}",
    ],
)
def test_an_excerpt_masks_a_key_without_prefix_beside_it(line: str, length: int) -> None:
    value = expand(f"${{base62:{length}}}", 6)
    findings = keyleak.scan_bytes(line.format(value, KEY).encode())
    assert {finding.secret.reveal() for finding in findings} == {value.encode(), KEY.encode()}
    for finding in findings:
        for excerpt in finding.excerpts:
            assert value[:8] not in excerpt
            assert not re.search(re.escape(value[4:12]), excerpt)

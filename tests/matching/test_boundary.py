"""Where a key may begin."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyleak.matching.boundary import is_left_boundary
from keyleak.rulebook.template import expand
from strategies import WORD, found_in

KEY = expand("sk_live_${base62:42}", 4)
TEST_KEY = expand("sk_test_${base62:42}", 4)

ESCAPES = (
    "\\n", "\\r", "\\t", "\\r\\n", "\\b", "\\f", "\\v", "\\0", "\\x3d", "\\x3D", "\\u003d", "\\u003D",
    "%3D", "%3d", "%20", "\x1b[32m", "\x1b[0m", "\x1b[1;31m", "\x1b[m", "\\x1b[32m", "\\033[0;1m",
    "\\e[33m", "\\u001b[1m", "\\u001B[1m", "\\\\\\n", "\\\\n", "\\\\\\\\t", "\\042", "\\0042", "\\12",
    "\\a", "\\U00000022", "`n", "`t", "`0", "%n", "%%n", "^M", "[32m", "[1;31m", "^[[0m",
)  # fmt: skip


@pytest.mark.parametrize(
    "head",
    [
        "ri",
        "be",
        "dis",
        "fla",
        "ta",
        "am_",
        "egy_",
        "g",
        "s",
        "G",
        "1",
        "_",
        "VAR_",
        "x3d",
        "u003d",
        "3D",
        "n",
    ],
)
@pytest.mark.parametrize("key", [KEY, TEST_KEY])
def test_a_prefix_inside_a_longer_word_is_another_word(head: str, key: str) -> None:
    assert found_in(f"{head}{key}".encode()) == []
    assert found_in(f"value = '{head}{key}'".encode("utf-16")) == []


@pytest.mark.parametrize(
    "word", ["risk_live_", "flask_test_", "am_sk_live_", "benchmark_live_", "gsk_live_", "task_test_"]
)
def test_words_of_public_code_are_no_prefixes(word: str) -> None:
    assert found_in((word + expand("${base62:42}")).encode()) == []


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_letter_that_ends_an_escape_is_no_neighbour(escape: str, encoding: str) -> None:
    found = found_in(f"token{escape}{KEY}".encode(encoding))
    assert [key for key, _, _ in found] == [KEY.encode()]


@pytest.mark.parametrize("before", ["-u", "curl -u", '"-u', "(-p", "\t-H", "x\n-a"])
def test_a_short_option_may_have_a_key_glued_to_it(before: str) -> None:
    assert [key for key, _, _ in found_in(f"{before}{KEY}: https://example.org".encode())] == [KEY.encode()]


@pytest.mark.parametrize("before", ["--u", "a-u", "-ur", "1-u", "_-u"])
def test_a_letter_behind_a_hyphen_of_a_word_is_no_option(before: str) -> None:
    assert found_in(f"{before}{KEY}".encode()) == []


@given(before=st.binary(max_size=40), last=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_anything_but_a_word_character_is_a_boundary(before: bytes, last: int) -> None:
    text = before + bytes([last])
    if last not in WORD:
        assert is_left_boundary(text, len(text))
    if last == ord("_"):
        assert not is_left_boundary(text, len(text))


@given(before=st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=40))
def test_a_word_is_never_a_boundary(before: str) -> None:
    assert not is_left_boundary(before.encode(), len(before))


def test_the_beginning_is_a_boundary() -> None:
    assert is_left_boundary(b"", 0)
    assert is_left_boundary(KEY.encode(), 0)


@pytest.mark.parametrize("escape", ["\\q", "\\x3", "\\u003", "%3", "%zz", "[m", "[32x", "\\x1[3q"])
def test_what_only_resembles_an_escape_is_a_neighbour(escape: str) -> None:
    assert not is_left_boundary(escape.encode(), len(escape))

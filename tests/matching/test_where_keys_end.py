"""Where a key begins and ends: what stands around it neither hides it nor becomes a part of it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.cases import read_cases
from keyleak.findings import Strength
from keyleak.rulebook.model import FoundBy
from keyleak.rulebook.template import expand
from strategies import KEY_BYTES, found_in, matcher, rulebook

PREFIXED = [rule for rule in rulebook().keys if rule.found_by is FoundBy.PREFIX]
# Any shape of any issuer: its examples where they are a key alone.
SHAPES = sorted(
    {
        (rule.id, example)
        for rule in PREFIXED
        for example in rule.examples
        if example.startswith(tuple(rule.prefixes)) and " " not in example
    }
)
OPEN = {rule.id for rule in PREFIXED if rule.strength is Strength.WEAK}
PRINTABLE = [sign for sign in string.printable if not sign.isalnum()]
# What stands before a key and behind it: quotation marks, emphasis, word diffs, comments, elements, escapes.
PAIRS = [
    ("'", "'"), ('"', '"'), ("`", "`"), ("\u2018", "\u2019"), ("\u201c", "\u201d"),
    ("\u201e", "\u201c"), ("\u201a", "\u2018"), ("\xab", "\xbb"), ("\xbb", "\xab"),
    ("\u2039", "\u203a"), ("\u300c", "\u300d"), ("\u300e", "\u300f"), ("\u300a", "\u300b"),
    ("\u3008", "\u3009"), ("\u3010", "\u3011"), ("\u301d", "\u301f"), ("\uff02", "\uff02"),
    ("\u05f4", "\u05f4"), ("*", "*"), ("**", "**"), ("***", "***"), ("_", "_"), ("__", "__"),
    ("___", "___"), ("~", "~"), ("~~", "~~"), ("==", "=="), ("=", "="), ("-", "-"), ("--", "--"),
    ("+", "+"), ("||", "||"), ("|", "|"), ("^", "^"), ("``", "``"), ("[-", "-]"), ("{+", "+}"),
    ("<!--", "-->"), ("/*", "*/"), ("<b>", "</b>"), ("&quot;", "&quot;"), ("&#34;", "&#34;"),
    ("\\042", "\\042"), ("\\x22", "\\x22"), ("\\u0022", "\\u0022"), ('\\"', '\\"'), ("\\n", "\\n"),
    ("\\\\n", "\\\\n"), ("`n", "`n"), ("`t", "`r`n"), ("%n", "%n"), ("%%n", "%%n"), ("%22", "%22"),
    ("^M", "^M"), ("\x1b[31m", "\x1b[0m"), ("\\e[31m", "\\e[0m"), ("\\033[1m", "\\033[0m"), ("$(", ")"),
    ("${", "}"), ("{{", "}}"), ("<%=", "%>"), ("#{", "}"), ("\x00", "\x00"), ("\ufeff", "\u200b"),
    ("\xa0", "\xa0"), ("\u2028", "\u2029"), ("\r\n", "\r\n"), ("(", ")."), ("->", "->"),
]  # fmt: skip


def value_in(before: str, key: str, after: str) -> list[str]:
    return [value.decode() for value, _, _ in found_in(f"the key {before}{key}{after} here\n".encode())]


def test_there_are_shapes_of_every_strength() -> None:
    strengths = {rule.id: rule.strength for rule in PREFIXED}
    assert {strengths[rule] for rule, _ in SHAPES} >= {Strength.DECISIVE, Strength.WEAK}


@pytest.mark.parametrize(("rule", "shape"), SHAPES)
def test_what_stands_on_both_sides_is_no_part_of_a_key(rule: str, shape: str) -> None:
    for seed in range(3):
        key = bare(shape, seed)
        for before, after in [*PAIRS, *((sign, sign) for sign in PRINTABLE)]:
            assert value_in(before, key, after) == [key], (rule, before, after)


@pytest.mark.parametrize(("rule", "shape"), SHAPES)
def test_what_stands_on_one_side_is_no_part_of_a_key(rule: str, shape: str) -> None:
    key = bare(shape, 11)
    for before, after in PAIRS:
        # A word may end in underscores before a key, as a body may end in signs that it can hold.
        if not before.endswith("_"):
            assert value_in(before, key, "") == [key], (rule, before)
        if after[:1] not in {"_", "-", "="}:
            assert value_in("", key, after) == [key], (rule, after)


@pytest.mark.parametrize(
    "form",
    [
        "see [-FLORA_API_KEY=%s-]{+FLORA_API_KEY=+} x", "[-api key %s-]", "{+api key %s+}", "[-a-]{+b %s+} c",
        "_the key is %s_", "__the key %s__ x", "**_the %s_**", "_a_ and _b %s_, c", "___a %s___",
        "_%s is the key_", "__%s is it__.", "(_%s is our key_)", "_a_ _%s b_",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("rule", "shape"), SHAPES)
def test_what_encloses_more_than_a_key_is_no_part_of_it(rule: str, shape: str, form: str) -> None:
    """A word diff of a line ended the key with its hyphen, or hid it."""
    key = bare(shape, 5)
    found = [value.decode() for value, _, _ in found_in((form % key).encode())]
    assert found == [key], rule


@pytest.mark.parametrize("form", ["am_%s x_", "x _%s", "a [-x-] %s-", "[- am_%s-]"])
def test_what_nothing_opened_or_closes_is_as_it_was(form: str) -> None:
    key = expand("sk_live_51${base62:97}", 5)
    assert [value.decode() for value, _, _ in found_in((form % key).encode())] == (
        [key] if form.startswith("a ") else []
    )


@given(
    shape=st.sampled_from(SHAPES), seed=st.integers(0, 500),
    before=st.text(max_size=3), after=st.text(max_size=3),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_any_other_characters_end_a_key(shape: tuple[str, str], seed: int, before: str, after: str) -> None:
    key = bare(shape[1], seed)
    first, last = before.encode()[-1:], after.encode()[:1]
    signs = KEY_BYTES | frozenset(b"+/=")
    if (first and first[0] in signs) or (last and last[0] in signs) or cuts_off(after):
        return
    found = [value.decode() for value, _, _ in found_in(f"{before}{key}{after}".encode())]
    assert found == [key]


def cuts_off(after: str) -> bool:
    """Whether what follows says that a short key was shortened or goes on elsewhere."""
    return after.startswith(
        ("...", "\u2026", "*", "$", "#", "{", "%", "'", '"', "`", "\\", "<", ";", "\n", "\r", " ", ")")
    )


def test_what_stands_around_keys_in_the_corpus_is_no_part_of_a_key() -> None:
    around = set()
    for case in read_cases(0):
        for planted in case.planted:
            at = case.content.find(planted.value.encode())
            if at > 0:
                around.add((case.content[at - 1 : at], case.content[at + len(planted.value) :][:1]))
    key = expand("sk_live_51${base62:97}", 5)
    for before, after in sorted(around):
        if before.isalnum() or before == b"_" or after.isalnum():
            continue  # the ends of escapes, counted strings and pieces
        assert key.encode() in [
            value for value, _, _ in found_in(b"x " + before + key.encode() + after + b" y")
        ]


@pytest.mark.parametrize(
    "form",
    [
        'var k;if(!e){FLORA_API_KEY="%s"}else{f()}',
        'INFO body={"FLORA_API_KEY":"%s"}status=200 took=3ms\n',
        '{"key":"%s"}200',
        "x={'key': '%s'}done",
        'a={b:"%s" }return',
        '$x = "%s"}word"',
        "f(`%s`}abc",
    ],
)
@pytest.mark.parametrize("shape", ["sk_live_${base62:42}", "sk_live_51${base62:97}"])
def test_a_word_behind_a_bracket_that_nothing_opened_is_no_part_of_a_key(form: str, shape: str) -> None:
    key = expand(shape, 3)
    found = matcher().match((form % key).encode())
    assert [each.secret.reveal().decode() for each in found] == [key]
    assert found[0].pieces == ()


@pytest.mark.parametrize("form", ['`${"%s"}%s`', "f\"{'%s'}%s\"", '"#{"%s"}%s"', "f\"sk_live_{'%s'}%s\""])
def test_pieces_are_joined_where_an_interpolation_was_opened(form: str) -> None:
    key = expand("sk_live_51${base62:97}", 3)
    first, rest = (key[8:30], key[30:]) if "sk_live_{" in form else (key[:30], key[30:])
    found = matcher().match((form % (first, rest)).encode())
    assert [each.secret.reveal().decode() for each in found] == [key]
    assert found[0].pieces


def test_nuls_between_texts_are_no_length() -> None:
    key = expand("sk_live_${base62:50}", 3)
    content = f"PATH=/usr/bin:/bin \0KEY2\0{key}\0HOME=/root\0".encode()
    assert [value.decode() for value, _, _ in found_in(content)] == [key]


def bare(shape: str, seed: int) -> str:
    """A key that ends in a letter or digit: of others nothing says where they end."""
    for further in range(seed, seed + 5000, 501):
        key = expand(shape, further)
        if key[-1].isalnum():
            return key
    raise AssertionError(shape)

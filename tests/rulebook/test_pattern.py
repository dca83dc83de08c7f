"""Patterns of rule files: what could run for ever is refused before it runs; what is accepted ends soon."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.pattern import LONGEST_REPEAT, PatternError, check_pattern


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("([a-z]{1,9}){2,99}", "exponential"), ("(a?){2,60}", "exponential"),
        ("(?:a|aa){1,40}", "exponential"),
        ("(?:a{0,1}b{0,1}){50}", "exponential"), ("((a{1,2}){1,2}){1,50}", "exponential"),
        ("[a-z]+", "without bound"), ("[a-z]*", "without bound"), ("a{3,}", "without bound"),
        (".*?", "without bound"), ("a++", "without bound"),
        ("(?:(?:a+)+)+", "without bound"), (f"a{{{LONGEST_REPEAT + 1}}}", "without bound"),
        (f"a{{1,{LONGEST_REPEAT + 1}}}", "without bound"),
        ("a{1,200}b{1,200}", "backtrack"), ("a{0,30}b{0,30}c{0,30}", "backtrack"),
        ("a?" * 15 + "b", "backtrack"),
        ("(?:a{1,150}|b{1,150})(?:c{1,150}|d)", "backtrack"),
        ("(?=a)b", "not allowed"), ("(?!a)b", "not allowed"), ("(?<=a)b", "not allowed"),
        ("(?<!a)b", "not allowed"), (r"(a)\1", "not allowed"),
        ("(?P<x>a)(?P=x)", "not allowed"), ("^a", "not allowed"), ("a$", "not allowed"),
        (r"\ba", "not allowed"), (r"a\Z", "not allowed"),
        ("(a)?(?(1)b|c)", "not allowed"),
        ("(", "compile"), ("[a", "compile"), ("a{2,1}", "compile"), ("*a", "compile"), (r"\1", "compile"),
        ("(?P<1>a)", "compile"), ("(?<a)", "compile"),
        ("a{99999999999999}", "compile"), ("(" * 20_000 + ")" * 20_000, "compile"),
        ("é{16}", "ASCII"), ("[ä-ü]{16}", "ASCII"),
    ],
)  # fmt: skip
def test_a_pattern_that_must_not_run_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
     "a", "[A-Za-z0-9]{97}", "51[A-Za-z0-9]{97}", "[A-Za-z0-9_-]{16,250}",
     "[A-Za-z0-9]{24}(?:[A-Za-z0-9]{10})?",
     "(?:[A-Za-z0-9+/]{43}=|[A-Za-z0-9_-]{16,250})",
     r"\d{16}", "a2V5Xz[A-Za-z0-9+/]{69}={0,2}", "[a-z]{1,140}[0-9]{1,140}", "(?:ab){1,200}",
     "(?:a|b){16}", f"a{{{LONGEST_REPEAT}}}",
     "abc|abd|xyz", "(?i:[a-f]{16})", "[^x]{16}", ".{16}",
    ],
)  # fmt: skip
def test_what_key_bodies_need_is_accepted(pattern: str) -> None:
    check_pattern(pattern)


def test_every_pattern_of_the_built_in_rules_is_accepted() -> None:
    patterns = [key.pattern for key in load_rulebook().keys]
    assert patterns
    for pattern in patterns:
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(?i)[a-z]{16}", "(?s).{16}", "(?x) [a-z]{16}", "(?a)[a-z]{16}"])
def test_flags_for_the_whole_pattern_are_refused_for_they_cannot_stand_behind_a_prefix(pattern: str) -> None:
    """The pattern is put behind the prefix words, where `re` refuses such flags with an error of its own."""
    with pytest.raises(PatternError):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["[[a-z]{16}", "[a&&b]{16}", "[a||b]{16}"])
def test_a_pattern_with_two_readings_makes_no_python_warning(pattern: str) -> None:
    """The user reads one line of keyleak's, not a line of Python's with its source text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check_pattern(pattern)
        except PatternError as error:
            assert "set" in str(error)  # noqa: PT017 - refusing is one of two right answers
    assert caught == []


CLASSES = st.sampled_from(["a", "[a-z]", "[a-z0-9]", ".", "b", "[ab]"])
REPEATS = st.builds(
    lambda least, more: f"{{{least},{least + more}}}", st.integers(0, 12), st.integers(0, 60)
) | st.sampled_from(["", "?", "{3}", "{40}", "{0,512}", "{1,250}"])


def patterns() -> st.SearchStrategy[str]:
    atoms = st.builds(str.__add__, CLASSES, REPEATS)
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map("".join),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
            st.builds(lambda part, repeat: f"(?:{part}){repeat}", inner, REPEATS),
        ),
        max_leaves=6,
    )


@given(pattern=patterns())
@settings(max_examples=400, deadline=None)
def test_an_accepted_pattern_gives_up_soon_on_text_made_to_keep_it_busy(pattern: str) -> None:
    try:
        check_pattern(pattern)
    except PatternError:
        return
    compiled = re.compile(b"(?:sk_)(?:" + pattern.encode() + b")!")
    for text in (b"sk_" + b"a" * 700, b"sk_" + b"ab" * 350, b"sk_" + b"z9a" * 240):
        assert compiled.match(text) is None
    # The limit on ways keeps the work to some millions of steps; an exponential pattern would not end here.

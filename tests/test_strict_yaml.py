"""YAML read strictly: each value is what it should be, or an error with its line."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from keyleak.errors import ConfigError, KeyleakError, RuleError
from keyleak.strict_yaml import YamlValue, read_yaml


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def value_of(text: str) -> YamlValue:
    """The value of the key `k`, which stands on line 2."""
    return read_yaml(f"first: 1\nk: {text}\n", "f.yaml", RuleError).entries()["k"]


def test_values_know_their_file_and_line() -> None:
    root = read_yaml("a: 1\nb:\n  - x\n  - y: 2\n", "f.yaml", RuleError)
    fields = root.mapping(["a", "b"])
    assert (root.file, root.line, fields["a"].line) == ("f.yaml", 1, 1)
    assert [item.line for item in fields["b"].items()] == [3, 4]


def test_values_of_each_kind() -> None:
    assert value_of("word").text() == "word"
    assert value_of("'1'").text() == "1"
    assert value_of("1").scalar() == "1"
    assert value_of("[a, 'b c']").texts() == ("a", "b c")
    assert value_of("[]").items() == []
    assert value_of("2.5").number() == 2.5
    assert value_of("-3").number() == -3
    assert value_of("true").boolean() is True
    assert value_of("false").boolean() is False
    assert value_of("blue").choice(Colour) is Colour.BLUE
    assert [value_of(text).is_null() for text in ("null", "~", "", "'null'", "[]", "0")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    assert value_of("{a: 1}").mapping(["a"], ["b"]).keys() == {"a"}
    assert value_of("{}").entries() == {}


@pytest.mark.parametrize(
    ("text", "method", "reason"),
    [
        ("1", "text", "quote '1'"), ("true", "text", "quote 'true'"), ("2026-05-17", "text", "quote"),
        ("null", "text", "a text is expected"), ("[a]", "text", "a text is expected"),
        ("{a: b}", "text", "a text is expected"), ("''", "text", "empty"), ("'  '", "text", "empty"),
        ("[a]", "scalar", "a text is expected"), ("~", "scalar", "a text is expected"),
        ("a", "items", "a list is expected"), ("{a: b}", "items", "a list is expected"),
        ("~", "items", "a list is expected"), ("[1]", "texts", "a text is expected"),
        ("[[a]]", "texts", "a text is expected"),
        ("a", "entries", "a mapping"), ("[a]", "entries", "a mapping"),
        ("{a: 1, a: 2}", "entries", "'a' stands here twice"), ("{[a]: 1}", "entries", "a text is expected"),
        ("high", "number", "a number is expected"), ("'1'", "number", "a number is expected"),
        ("true", "number", "a number is expected"), (".inf", "number", "plain decimal"),
        (".nan", "number", "plain decimal"),
        ("0x1F", "number", "plain decimal"), ("'true'", "boolean", "true or false"),
        ("yes", "boolean", "true or false"), ("on", "boolean", "true or false"),
        ("1", "boolean", "true or false"),
        ("!!python/object/apply:os.system [id]", "text", "a text is expected"),
        ("!!python/name:os.system x", "text", "a text is expected"),
        ("!!binary aGk=", "text", "a text is expected"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_with_its_line(text: str, method: str, reason: str) -> None:
    value = value_of(text)
    with pytest.raises(RuleError) as caught:
        getattr(value, method)()
    assert (caught.value.file, caught.value.line) == ("f.yaml", 2)
    assert reason in caught.value.reason


def test_a_choice_tells_what_there_is() -> None:
    with pytest.raises(RuleError, match="'green' is none of: red, blue"):
        value_of("green").choice(Colour)


def test_a_mapping_has_exactly_the_keys_it_should() -> None:
    value = value_of("{a: 1, b: 2}")
    assert set(value.mapping(["a"], ["b", "c"])) == {"a", "b"}
    with pytest.raises(RuleError, match="unknown key 'b'; known here: a"):
        value.mapping(["a"])
    with pytest.raises(RuleError, match="key 'c' is missing"):
        value.mapping(["a", "b", "c"])


@pytest.mark.parametrize("error", [RuleError, ConfigError])
def test_the_reader_says_which_error_it_is(error: type[KeyleakError]) -> None:
    with pytest.raises(error, match=r"f\.yaml: the file is empty"):
        read_yaml("", "f.yaml", error)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: b: c", 1),
        ("a: 1\nb: [\n  c: }\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: *nowhere", 1),
        ("a: 'x\n", None),
        ("a: \x07", None),
        ("a: \ud800", None),
    ],
)
def test_what_is_no_yaml_is_one_line(text: str, line: int | None) -> None:
    with pytest.raises(RuleError) as caught:
        read_yaml(text, "f.yaml", RuleError)
    assert line is None or caught.value.line == line
    assert caught.value.reason
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["a: &x 1\nb: *x\n", "a: &x [1]\nb: *x\n", "a: &x {c: 1}\nb:\n  <<: *x\n", "a: &x [*x]\n"]
)
def test_aliases_are_refused(text: str) -> None:
    with pytest.raises(RuleError, match="aliases") as caught:
        read_yaml(text, "f.yaml", RuleError)
    assert caught.value.line is not None


def test_a_file_that_would_grow_without_end_is_refused_at_once() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 30)]
    with pytest.raises(RuleError, match="aliases"):
        read_yaml("\n".join(levels), "f.yaml", RuleError)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "x")])
@pytest.mark.parametrize("depth", [1_000, 200_000])
def test_deep_nesting_is_an_error_and_not_a_crash(opening: str, closing: str, depth: int) -> None:
    """In a process of its own, for the parser in C can take the interpreter down with it."""
    program = f"""
from keyleak.errors import RuleError
from keyleak.strict_yaml import read_yaml
try:
    read_yaml({opening!r} * {depth} + {closing!r} * {depth}, "f.yaml", RuleError)
    print("read")
except RuleError as error:
    print("refused", error)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50
    )
    assert result.returncode == 0, f"died of signal {-result.returncode}"
    assert result.stdout.startswith(("refused f.yaml", "read") if depth < 10_000 else "refused f.yaml")


scalars = st.text("abcdefghijklmnopqrstuvwxyz '\"#:-é日", min_size=1, max_size=20).filter(str.strip)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(scalars, inner, max_size=4),
    max_leaves=15,
)


def plain(value: YamlValue, like: object) -> object:
    match like:
        case dict():
            return {key: plain(item, like[key]) for key, item in value.entries().items()}
        case list():
            return [plain(item, each) for item, each in zip(value.items(), like, strict=True)]
        case _:
            return value.text()


@given(tree=trees)
def test_whatever_is_written_is_read_back(tree: object) -> None:
    class Writer(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    text = yaml.dump(tree, Dumper=Writer, allow_unicode=True)
    assert plain(read_yaml(text, "f", RuleError), tree) == tree

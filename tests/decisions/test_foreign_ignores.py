"""Other scanners' ignores, matched with what is found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from decisions.samples import finding, secret
from keyleak.decisions.foreign_ignores import read_ignores, take
from keyleak.errors import ConfigError
from keyleak.findings import Location, LocationKind


def sha1(key: bytes) -> str:
    return hashlib.sha1(key).hexdigest()


def test_a_place_is_matched_by_file_and_line_whatever_the_rule_is_called() -> None:
    ignores = read_ignores("# a comment\n\na.env:stripe-access-token:1\na.env:generic:2\nb.env:x:1\n", "f")
    taken = take(ignores, [finding("./a.env")])
    assert [ignore.line for ignore, _ in taken.matched] == [3]
    assert [ignore.line for ignore in taken.dead] == [4, 5]


def test_a_commit_is_matched_with_the_first_one_that_held_the_key() -> None:
    commit = "ab" * 20
    place = Location(LocationKind.BLOB, "a:b.env", 7, 1, 0, commit=commit)
    found = replace(finding(), locations=(place,))
    assert take(read_ignores(f"{commit}:a:b.env:rule:7", "f"), [found]).matched
    assert not take(read_ignores(f"{'cd' * 20}:a:b.env:rule:7", "f"), [found]).matched


@pytest.mark.parametrize("length", [None, 32])
def test_a_hash_is_matched_in_its_file_also_where_only_a_part_was_hashed(length: int | None) -> None:
    hashed = sha1(secret().reveal()[:length])
    text = json.dumps({"results": {"a.env": [{"hashed_secret": hashed, "line_number": 99}]}})
    assert take(read_ignores(text, "f"), [finding("a.env", "b")]).matched
    assert take(read_ignores(text, "f"), [finding("c.env")]).dead
    assert take(read_ignores(text, "f"), [finding("a.env", seed=1)]).dead


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a.env:x:1\nnonsense", 2),
        ("{", 1),
        ('{"a": 1}', 1),
        ('{"results": {"a": [{"hashed_secret": "x"}]}}', 1),
        ('{"results": ' + "1" * 5000 + "}", None),
        ('{"results": ' + "[" * 100_000, None),
        ("a.env:x:" + "1" * 5000, 1),
    ],
)
def test_what_is_no_such_file_is_told_with_its_line(text: str, line: int | None) -> None:
    with pytest.raises(ConfigError) as caught:
        read_ignores(text, "f")
    assert caught.value.line == line


def test_a_hash_that_is_written_with_escapes_is_read() -> None:
    hashed = sha1(secret().reveal())
    text = json.dumps({"results": {"a.env": [{"hashed_secret": hashed}]}})
    escaped = text.replace(hashed, f"\\u{ord(hashed[0]):04x}{hashed[1:]}")
    assert take(read_ignores(escaped, "f"), [finding("a.env")]).matched

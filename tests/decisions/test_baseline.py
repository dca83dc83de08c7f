"""The baseline's text, and that branches which add to it merge in real git."""

from __future__ import annotations

import os
import random
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decisions.samples import secret
from keyleak.decisions.baseline import Baseline, Covers, read_baseline
from keyleak.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@t",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@t",
}

fingerprints = st.frozensets(
    st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")
    | st.integers(0, 40).map(lambda number: f"{number:032x}"),
    max_size=20,
)


def baseline(ids: frozenset[str] = frozenset()) -> Baseline:
    return Baseline(KEY, Covers.FILES, ids)


@given(fingerprints)
@settings(max_examples=50)
def test_what_is_written_is_read_back_and_the_order_of_lines_tells_nothing(ids: frozenset[str]) -> None:
    text = baseline(ids).text()
    assert read_baseline(text, "f") == baseline(ids)
    assert read_baseline(text, "f").text() == text
    lines = text.split("\n")
    inner = lines[5:-3]
    assert inner == sorted(inner)
    random.Random(1).shuffle(inner)
    again = "\n".join([*lines[:5], *inner, *inner[:7], *lines[-3:]])
    assert read_baseline(again, "f").text() == text


@given(fingerprints, fingerprints)
@settings(max_examples=30)
def test_the_union_of_two_baselines_has_the_lines_of_both(one: frozenset[str], other: frozenset[str]) -> None:
    def lines(ids: frozenset[str]) -> set[str]:
        return set(baseline(ids).text().split("\n"))

    assert lines(one | other) == lines(one) | lines(other)


def test_it_holds_a_key_by_its_fingerprint_under_its_own_key() -> None:
    known = baseline(frozenset({secret().fingerprint(KEY)}))
    assert known.holds(secret())
    assert not known.holds(secret(1))
    assert not Baseline(KEY[::-1], Covers.FILES, known.fingerprints).holds(secret())


TEXT = baseline(frozenset({f"{7:032x}"})).text()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "cut off"),
        (TEXT[:5000], 695, "cut off"),
        (TEXT[:-4], 4103, "cut off"),
        (TEXT.replace('"end"]', '"fff"]'), 5, "does not close"),
        (TEXT.replace("baseline/1", "baseline/2"), 2, "version"),
        (TEXT.replace("0000000007", "000000000X"), 7, "32 hexadecimal"),
        (TEXT.replace("0000000007", "07"), 7, "32 hex"),
        (TEXT.replace('"key"', '"kez"'), 3, "unknown key"),
        (re.sub('"key".*\n', "", TEXT), 1, "'key' is missing"),
        (TEXT.replace('"covers"', '"key"'), 3, "twice"),
        (TEXT.replace("0001", "<<<<<<<", 1), 3, "64 hex"),
        ("<<<<<<< HEAD\n" + TEXT, 1, "merge conflict"),
        (TEXT.replace('"001",', "=======", 1), 8, "merge conflict"),
        (TEXT.replace('"files"', '"all"'), 4, "covers is none of"),
        ("[]", 1, "no baseline"),
        ("[" * 100_000, None, "nested"),
        ('{"schema": ' + "1" * 5000 + "}", None, "digits"),
        (baseline().text().replace('"files"', "[]"), 4, "covers is none of"),
    ],
)
def test_a_damaged_baseline_is_told_with_its_line(text: str, line: int | None, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_baseline(text, "b.json")
    assert reason in caught.value.reason
    assert caught.value.line == line


def merged(folder: Path, base: Baseline, ours: set[str], theirs: set[str], *, union: bool) -> str | None:
    """What real git makes of two branches that add to a baseline; None for a conflict."""
    files = {}
    for name, ids in (("ours", ours), ("base", set()), ("theirs", theirs)):
        files[name] = folder / name
        files[name].write_text(base.with_ids(base.fingerprints | ids).text())
    command = ["git", "merge-file", "-p", *(["--union"] if union else []), *map(str, files.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize(("known", "added"), [(0, 1), (100, 3), (1000, 10)])
def test_random_additions_merge_to_what_an_update_writes(tmp_path: Path, known: int, added: int) -> None:
    chance = random.Random(known)

    def draw(count: int) -> set[str]:
        return {f"{chance.getrandbits(128):032x}" for _ in range(count)}

    clean = same = 0
    pairs = 40
    for _ in range(pairs):
        base, ours, theirs = baseline(frozenset(draw(known))), draw(added), draw(added)
        expected = base.with_ids(base.fingerprints | ours | theirs)
        without = merged(tmp_path, base, ours, theirs, union=False)
        clean += without is not None
        assert without is None or without == expected.text()
        text = merged(tmp_path, base, ours, theirs, union=True)
        assert text is not None
        assert read_baseline(text, "f") == expected
        same += text == expected.text()
    # Without the attribute, pairs collide where both add below the same line: about added**2 / 4096.
    assert clean >= pairs * 0.9
    assert same >= pairs * 0.9

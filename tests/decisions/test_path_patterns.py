"""Patterns of paths: what git makes of them, and where people mean something else."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyleak.decisions.path_patterns import PathPattern, problem_of
from repositories import new_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("tests/", ["tests/a.env", "x/tests/a.env", "tests/b/c"], ["tests", "test/a"]),
        ("tests", ["tests", "tests/a.env", "x/tests/a.env"], ["tests.py", "mytests/a"]),
        ("./tests/*", ["tests/a.env", "tests/b/c.env"], ["x/tests/a.env"]),
        ("/tests/*", ["tests/a.env", "tests/b/c.env", "/tests/a"], ["x/tests/a.env"]),
        ("/tests", ["tests/a"], ["x/tests/a"]),
        ("./a.env", ["a.env"], ["x/a.env"]),
        ("tests/*", ["tests/a.env", "tests/b/c.env"], ["x/tests/a.env", "tests"]),
        ("*.env", ["a.env", "x/y/a.env", "a.env/b"], ["a.envs"]),
        ("docs/*.md", ["docs/a.md"], ["docs/x/a.md", "a.md"]),
        ("docs/**/*.md", ["docs/a.md", "docs/x/y/a.md"], ["a.md"]),
        ("**/fixtures/**", ["fixtures/a", "x/fixtures/y/a"], ["fixtures"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("a?c", ["abc", "x/abc"], ["ac", "a/c"]),
        ("app/[id]/*", ["app/[id]/page.tsx", "app/i/page.tsx"], ["app/x/page.tsx"]),
        (r"app/\[id\]/*", ["app/[id]/page.tsx"], ["app/i/page.tsx"]),
        ("app/[...slug]/*", ["app/[...slug]/page.tsx"], ["app/slug/page.tsx"]),
        ("app/[[...slug]]/*", ["app/[[...slug]]/page.tsx"], []),
        ("[a-c]*.env", ["b.env", "x/c1.env", "[a-c]x.env"], ["d.env"]),
        ("[!a-c].env", ["d.env"], ["a.env"]),
        ("[[:digit:]]x", ["1x"], ["ax"]),
        ("a[b", ["a[b"], ["ab"]),
        ("[]a]", ["]", "a", "[]a]"], ["b"]),
        (r"\*.env", ["*.env"], ["a.env"]),
        (r"a\\b/c", ["a\\b/c"], ["ab/c"]),
        ("*", ["a", "a/b", ""], []),
        ("**", ["a", "a/b", ""], []),
        ("a.env", ["a.env", "../x/a.env", "/x/a.env"], ["", "b"]),
    ],
)  # fmt: skip
def test_what_a_pattern_fits(pattern: str, fits: list[str], does_not: list[str]) -> None:
    made = PathPattern(pattern)
    assert problem_of(pattern) is None
    assert [path for path in fits if not made.fits(path)] == []
    assert [path for path in does_not if made.fits(path)] == []


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("!tests/a", "begins with '!'"),
        ("~/x", "begins with '~'"),
        ("tests\\a.env", "'/' parts folders"),
        ("*.{env,txt}", "braces are no alternatives"),
        ("/", "names no file"),
        ("./", "names no file"),
        ("a/../b", "leads upwards"),
        ("../b", "leads upwards"),
        ("a//b", "two slashes"),
        ("a/b\\", "ends with a backslash"),
        ("C:\\keys", "'/' parts folders"),
    ],
)
def test_a_pattern_that_can_never_fit_says_why(pattern: str, why: str) -> None:
    assert why in (problem_of(pattern) or "")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ignores")
    new_repository(folder)
    return folder


names = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name not in {".", ".."})
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
parts = st.text("ab.*?", min_size=1, max_size=4).filter(lambda part: part not in {".", ".."}) | st.just("**")
patterns = st.builds(
    lambda first, middle, last: first + "/".join(middle) + last,
    st.sampled_from(["", "/"]),
    st.lists(parts, min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns, st.lists(paths, min_size=1, max_size=30, unique=True))
def test_git_ignores_what_a_pattern_fits(repository: Path, pattern: str, tried: list[str]) -> None:
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "exclude").write_text(pattern + "\n")
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=repository,
        input="".join(f"{path}\0" for path in tried).encode(),
        capture_output=True,
        check=False,
    )
    ignored = {path.decode() for path in done.stdout.split(b"\0") if path}
    assert {path for path in tried if PathPattern(pattern).fits(path)} == ignored


def test_the_work_of_a_hostile_pattern_goes_with_both_lengths() -> None:
    def steps(length: int) -> int:
        counted = 0

        def count(_frame: object, _event: str, _argument: Any) -> Any:
            nonlocal counted
            counted += 1
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            assert not PathPattern("*a" * length + "b").fits("a" * length)
            assert not PathPattern("/**/a" * length + "/b").fits("a/" * length + "a")
        finally:
            sys.settrace(before)
        return counted

    assert steps(80) <= 4.5 * steps(40)

"""Links to lines on known hosts; for every other address, and for what no host has, none."""

from __future__ import annotations

import pytest

from keyleak.findings import LocationKind
from keyleak.records import replace
from keyleak.reports.links import link
from reports.saved import finding

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BLOB = replace(
    finding().locations[0], kind=LocationKind.BLOB, path="src/a.py", line=7, commit=COMMIT, container=()
)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://github.com/o/n.git", f"https://github.com/o/n/blob/{COMMIT}/src/a.py#L7"),
        ("https://github.com/o/n/", f"https://github.com/o/n/blob/{COMMIT}/src/a.py#L7"),
        ("git@github.com:o/n.git", f"https://github.com/o/n/blob/{COMMIT}/src/a.py#L7"),
        ("ssh://git@ssh.github.com:443/o/n.git", f"https://github.com/o/n/blob/{COMMIT}/src/a.py#L7"),
        ("https://gitlab.com/a/b/c.git", f"https://gitlab.com/a/b/c/-/blob/{COMMIT}/src/a.py#L7"),
        ("https://bitbucket.org/o/n", f"https://bitbucket.org/o/n/src/{COMMIT}/src/a.py#lines-7"),
        ("https://codeberg.org/o/n", f"https://codeberg.org/o/n/src/commit/{COMMIT}/src/a.py#L7"),
        ("https://gitea.com/o/n", f"https://gitea.com/o/n/src/commit/{COMMIT}/src/a.py#L7"),
        ("https://git.example.org/o/n", None),
        ("https://github.com.evil.example/o/n", None),
        ("https://evil.example/github.com/o/n", None),
        ("https://github.com@evil.example/o/n", None),
        ("https://github.com/n", None),
        ("https://github.com/o/n\nx", None),
        ("https://github.com/o/<n>", None),
        ("javascript:alert(1)//github.com/o/n", None),
        ("file:///srv/github.com/o/n", None),
        ("/srv/o/n", None),
        ("", None),
        (None, None),
    ],
)
def test_a_line_on_a_known_host(address: str | None, expected: str | None) -> None:
    assert link(address, replace(finding(), exposure=()), BLOB) == expected


def test_a_path_is_escaped() -> None:
    odd = replace(BLOB, path="a b/#?%\udcff.py")
    assert link("https://github.com/o/n", replace(finding(), exposure=()), odd) == (
        f"https://github.com/o/n/blob/{COMMIT}/a%20b/%23%3F%25%FF.py#L7"
    )


def test_a_line_in_an_archive_is_none_of_the_file() -> None:
    found = link("https://github.com/o/n", replace(finding(), exposure=()), replace(BLOB, container=("x",)))
    assert found == f"https://github.com/o/n/blob/{COMMIT}/src/a.py"


def test_a_message_is_that_of_its_commit() -> None:
    message = replace(BLOB, kind=LocationKind.COMMIT_MESSAGE, path=None)
    found = link("https://gitlab.com/o/n", replace(finding(), exposure=()), message)
    assert found == f"https://gitlab.com/o/n/-/commit/{COMMIT}"


@pytest.mark.parametrize("word", ["unpushed", "stash-only", "staged-only", "unreachable"])
def test_what_no_host_has_is_not_linked(word: str) -> None:
    assert link("https://github.com/o/n", replace(finding(), exposure=(word,)), BLOB) is None
    assert link("https://github.com/o/n", replace(finding(), exposure=("pushed",)), BLOB)


@pytest.mark.parametrize("commit", [None, "../..", "<script>"])
def test_a_commit_that_is_none_is_not_linked(commit: str | None) -> None:
    assert (
        link("https://github.com/o/n", replace(finding(), exposure=()), replace(BLOB, commit=commit)) is None
    )

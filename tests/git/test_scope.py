"""Which objects a part of a history is made of, and what of it is not there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from keyleak.git.scope import Scope, objects_in
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.inspector import Inspector
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

    from keyleak.sources.files import Reading

INSPECTOR = Inspector(load_rulebook())
KEY = expand("sk_live_51${base62:97}", 1).encode()
EVERY_SCOPE = [
    Scope(("HEAD~2..HEAD",)),
    Scope(("HEAD", "^HEAD~2")),
    Scope(since="2001-01-01"),
    Scope(refs=("refs/heads/*",)),
    Scope(("HEAD", "--not", "--remotes=origin")),
]


def read(repository: Path, scope: Scope) -> Reading:
    return read_history(HistoryRequest(os.fspath(repository), scope), INSPECTOR)


def lose(repository: Path, revision: str) -> str:
    """Removes a loose object and returns its id."""
    oid = git(repository, "rev-parse", revision).decode().strip()
    (repository / ".git/objects" / oid[:2] / oid[2:]).unlink()
    return oid


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "r")
    commit(repository, {"deep/er": b"1"})
    commit(repository, {"deep/er": b"2"})
    commit(repository, {"deep/er": b"3", "key": KEY})
    commit(repository, {"deep/er": b"4"})
    return repository


@pytest.mark.parametrize("scope", EVERY_SCOPE)
@pytest.mark.parametrize("lost", ["HEAD~1:deep/er", "HEAD:deep", "HEAD~1^{tree}", "HEAD^{tree}"])
def test_what_a_scope_brought_and_is_not_there_is_a_gap(repository: Path, lost: str, scope: Scope) -> None:
    oid = lose(repository, lost)
    gaps = {gap.what: gap.reason for gap in read(repository, scope).coverage.gaps}
    assert "does not have it" in gaps[f"object {oid}"]


def test_what_is_found_is_reported_where_something_else_is_lost(repository: Path) -> None:
    lose(repository, "HEAD:deep")
    reading = read(repository, Scope(("HEAD~2..HEAD",)))
    assert {each.secret.reveal() for each in reading.sightings} == {KEY}
    assert not reading.coverage.complete


def test_what_is_lost_outside_of_a_scope_is_none_of_its_gaps(repository: Path) -> None:
    lose(repository, "HEAD~3:deep/er")
    assert read(repository, Scope(("HEAD~2..HEAD",))).coverage.complete


@pytest.mark.parametrize(
    "scope", [Scope(("HEAD~2..HEAD",)), Scope(since="2001-01-01"), Scope(refs=("heads/*",))]
)
def test_a_partial_clone_is_no_whole_view_of_any_scope(
    repository: Path, tmp_path: Path, scope: Scope
) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", repository.as_uri(), "partial")
    (gap,) = read(tmp_path / "partial", scope).coverage.gaps
    assert gap.what == "partial clone"
    assert "--fetch-missing" in gap.reason
    assert gap.count == len(objects_in(tmp_path / "partial", scope).missing) > 1


def test_many_lost_objects_are_counted(repository: Path) -> None:
    commit(repository, {f"f{number}": b"%d" % number for number in range(30)})
    for number in range(30):
        if number not in {1, 2, 3, 4}:  # whose content is that of other files
            lose(repository, f"HEAD:f{number}")
    gaps = read(repository, Scope(("HEAD~1..HEAD",))).coverage.gaps
    assert len(gaps) == 21
    assert sum(gap.count for gap in gaps) == 26

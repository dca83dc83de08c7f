"""Which objects a part of a history is made of, and what of it is not there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from keyleak.errors import UsageError
from keyleak.git.scope import Scope
from keyleak.git.scoped_objects import objects_in
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
    assert gap.count == len(objects_in(os.fspath(tmp_path / "partial"), scope).missing) > 1


def test_many_lost_objects_are_counted(repository: Path) -> None:
    commit(repository, {f"f{number}": b"%d" % number for number in range(30)})
    for number in range(30):
        if number not in {1, 2, 3, 4}:  # whose content is that of other files
            lose(repository, f"HEAD:f{number}")
    gaps = read(repository, Scope(("HEAD~1..HEAD",))).coverage.gaps
    assert len(gaps) == 21
    assert sum(gap.count for gap in gaps) == 26


NAMES = [
    *("main", "heads/main", "refs/heads/main", "HEAD", "v1", "tags/v1", "refs/tags/v1", "far", "far/main"),
    *("remotes/far/main", "refs/heads/*", "heads/*", "heads", "refs/tags/v?", "tags/v[0-9]", "tags/v[^2]"),
    *("refs/heads/m*n", "refs/*ain", "*/main", "m*n", "v?", "far/m*"),
]


@pytest.fixture
def named(repository: Path) -> Path:
    """A tag, and a remote with a default branch, at the newest commit."""
    git(repository, "tag", "-a", "-m", f"tagged {expand('sk_live_51${base62:97}', 9)}", "v1")
    git(repository, "update-ref", "refs/remotes/far/main", "HEAD")
    git(repository, "symbolic-ref", "refs/remotes/far/HEAD", "refs/remotes/far/main")
    return repository


@pytest.mark.parametrize("name", NAMES)
def test_a_ref_is_named_as_git_names_it(named: Path, name: str) -> None:
    assert len(objects_in(os.fspath(named), Scope(refs=(name,))).commits) == 4


def test_a_name_of_several_refs_means_all_of_them(named: Path) -> None:
    git(named, "checkout", "-q", "--orphan", "other")
    commit(named, {"other": b"1"})
    git(named, "branch", "v1")
    assert len(objects_in(os.fspath(named), Scope(refs=("v1",))).commits) == 5


def test_the_message_of_a_tag_belongs_to_its_ref(named: Path) -> None:
    found = {each.secret.reveal() for each in read(named, Scope(refs=("refs/tags/*",))).sightings}
    assert expand("sk_live_51${base62:97}", 9).encode() in found


def test_an_old_tag_is_none_of_what_came_since(named: Path) -> None:
    assert len(read(named, Scope(since="2001-01-01")).sightings) == 2
    git(named, "commit", "-q", "--allow-empty", "-m", "now")  # the fixed date of the tests is of 2023
    assert read(named, Scope(since="2024-01-01")).sightings == ()


@pytest.mark.parametrize(
    "scope",
    [
        Scope(refs=("refs/heads/mian",)),
        Scope(refs=("mian",)),
        Scope(refs=("main", "refs/heads/x*")),
        Scope(refs=("",)),
        Scope(refs=("main~1",)),
        Scope(refs=("--all",)),
        Scope(refs=("refs/heads/main/",)),
        Scope(("nothing..HEAD",)),
        Scope(("HEAD", "^nothing")),
        Scope(("HEAD", "nothing")),
        Scope(("^HEAD",)),
        Scope(("1" * 40,)),
        Scope(("HEAD", "--reflog")),
        Scope(since="foo"),
        Scope(since="2026-31-01"),
    ],
)
def test_a_scope_that_names_nothing_is_a_mistake(named: Path, scope: Scope) -> None:
    with pytest.raises(UsageError):
        objects_in(os.fspath(named), scope)


def test_what_is_not_here_leaves_nothing_out(named: Path) -> None:
    assert len(objects_in(os.fspath(named), Scope(("HEAD", f"^{'1' * 40}"))).commits) == 4


def test_refs_may_be_more_than_a_command_line_holds(named: Path) -> None:
    head = git(named, "rev-parse", "HEAD").decode().strip()
    lost = "".join(f"{number:040x} refs/tags/t{number:06}\n" for number in range(1, 60_000))
    (named / ".git/packed-refs").write_text(f"# pack-refs with: sorted\n{lost}{head} refs/tags/z\n")
    found = objects_in(os.fspath(named), Scope(refs=("tags/*",)))
    assert (len(found.commits), len(found.missing)) == (4, 59_999)


def test_what_a_tag_leads_to_and_is_not_there_is_a_gap(repository: Path) -> None:
    (repository / "alone").write_bytes(b"of no commit")
    oid = git(repository, "hash-object", "-w", "alone").decode().strip()
    git(repository, "tag", "-a", "-m", "a blob", "v1", oid)
    assert read(repository, Scope(("v1",))).coverage.complete
    lose(repository, oid)
    assert f"object {oid}" in {gap.what for gap in read(repository, Scope(("v1",))).coverage.gaps}

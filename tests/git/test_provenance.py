"""Where objects come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyleak.git.provenance import Provenance, provenance
from repositories import commit, git, new_repository, object_name, repack

if TYPE_CHECKING:
    from pathlib import Path

    from keyleak.coverage import Gap


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "r")


def unnoted(gap: Gap) -> None:
    pytest.fail(f"{gap.what}: {gap.reason}")


def of_blob(repository: Path, content: bytes) -> Provenance:
    oid = object_name("blob", content)
    return provenance(repository, {oid: "blob"}, unnoted)[oid]


def test_the_first_commit_of_several_and_every_path(repository: Path) -> None:
    first = commit(repository, {"a": b"leak"})
    commit(repository, {"b/c": b"leak", "a": b"clean"})
    found = of_blob(repository, b"leak")
    assert found.first_commit == first
    assert found.first_date == "2023-11-14T22:13:20+00:00"
    assert found.paths == ("a", "b/c")
    assert found.refs == ("refs/heads/main",)
    assert found.at_head


def test_a_path_that_is_not_text(repository: Path) -> None:
    commit(repository, {"new\nline \udcff": b"leak"})
    assert of_blob(repository, b"leak").paths == ("new\nline \udcff",)


def test_a_file_deleted_on_another_branch(repository: Path) -> None:
    commit(repository, {"a": b"clean"})
    git(repository, "checkout", "-q", "-b", "side")
    first = commit(repository, {"b": b"leak"})
    (repository / "b").unlink()
    commit(repository, {})
    git(repository, "checkout", "-q", "main")
    found = of_blob(repository, b"leak")
    assert (found.first_commit, found.refs, found.at_head) == (first, ("refs/heads/side",), False)


def test_content_that_only_a_merge_has(repository: Path) -> None:
    commit(repository, {"a": b"1"})
    git(repository, "checkout", "-q", "-b", "side")
    commit(repository, {"b": b"2"})
    git(repository, "checkout", "-q", "main")
    commit(repository, {"c": b"3"})
    git(repository, "merge", "-q", "--no-commit", "--no-ff", "side")
    merge = commit(repository, {"d": b"leak"}, "merge")
    found = of_blob(repository, b"leak")
    assert (found.first_commit, found.paths) == (merge, ("d",))


def test_an_amended_commit_is_unreachable(repository: Path) -> None:
    first = commit(repository, {"a": b"leak"})
    (repository / "a").write_bytes(b"clean")
    git(repository, "commit", "-q", "-a", "--amend", "-m", "amended")
    repack(repository)
    found = of_blob(repository, b"leak")
    assert found.unreachable
    assert (found.first_commit, found.paths, found.at_head) == (first, ("a",), False)
    oid = bytes.fromhex(first)
    itself = provenance(repository, {oid: "commit"}, unnoted)[oid]
    assert (itself.first_commit, itself.refs, itself.at_head) == (first, (), False)


def test_a_commit_that_even_the_reflog_forgot(repository: Path) -> None:
    commit(repository, {"a": b"clean"})
    first = commit(repository, {"dir/b": b"leak"})
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    git(repository, "reflog", "expire", "--expire=all", "--all")
    found = of_blob(repository, b"leak")
    assert (found.first_commit, found.paths, found.refs) == (first, ("dir/b",), ())


def test_every_entry_of_the_stash_list(repository: Path) -> None:
    commit(repository, {"a": b"clean"})
    for content in (b"older leak", b"newer leak"):
        (repository / "a").write_bytes(content)
        git(repository, "stash", "-q")
    assert of_blob(repository, b"newer leak").refs == ("refs/stash",)
    assert of_blob(repository, b"older leak").refs == ("stash@{1}",)


@pytest.mark.parametrize("folder", ["", "deep/er/"])
def test_a_tree_that_holds_a_name(repository: Path, folder: str) -> None:
    commit(repository, {"a": b"clean"})
    first = commit(repository, {f"{folder}named": b"x"})
    tree = git(repository, "rev-parse", f"HEAD:{folder.rstrip('/')}").decode().strip()
    oid = bytes.fromhex(tree)
    found = provenance(repository, {oid: "tree"}, unnoted)[oid]
    assert (found.first_commit, found.refs, found.at_head) == (first, ("refs/heads/main",), True)
    assert found.paths == ((folder.rstrip("/"),) if folder else ())


def test_a_detached_head(repository: Path) -> None:
    commit(repository, {"a": b"clean"})
    git(repository, "checkout", "-q", "--detach")
    commit(repository, {"a": b"leak"})
    found = of_blob(repository, b"leak")
    assert (found.refs, found.at_head) == (("HEAD",), True)


def test_commits_and_tags(repository: Path) -> None:
    one = bytes.fromhex(commit(repository, {"a": b"1"}))
    git(repository, "tag", "-a", "-m", "a tag", "v1")
    tag = bytes.fromhex(git(repository, "rev-parse", "v1").decode().strip())
    found = provenance(repository, {one: "commit", tag: "tag"}, unnoted)
    assert found[one].refs == ("refs/heads/main", "refs/tags/v1")
    assert found[one].at_head
    assert found[tag].refs == ("refs/tags/v1",)
    assert (found[tag].first_commit, found[tag].first_date) == (one.hex(), "2023-11-14T22:13:20+00:00")


def test_a_repository_without_commits(repository: Path) -> None:
    git(repository, "hash-object", "-w", "--stdin", stdin=b"leak")
    assert of_blob(repository, b"leak") == Provenance(None, None, (), (), at_head=False)

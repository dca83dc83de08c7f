"""Trees of a hundred million paths, in work that grows with the number of trees."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from keyleak.errors import GitError
from keyleak.git import trace, tree_walk
from keyleak.git.provenance import provenance
from keyleak.git.single_objects import SingleObjects, single_objects
from keyleak.git.tree_walk import SUBMODULE, TooManyTreesError, TreeWalk
from keyleak.git.views import submodules
from keyleak.grouping import group_by_secret
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.inspector import Inspector
from repositories import commit, git, new_repository, object_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LEVELS = 9


def wide(repository: Path, content: bytes, *, mode: str = "100644 blob") -> str:
    """A tree in which each of so many levels holds the next one ten times; returns its id."""
    oid = git(repository, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
    entry = f"{mode} {oid if 'blob' in mode else '1' * 40}"
    for level in range(LEVELS):
        listing = "".join(f"{entry}\t{'df'[not level]}{n}\n" for n in range(10))
        entry = (
            f"040000 tree {git(repository, 'mktree', '--missing', stdin=listing.encode()).decode().strip()}"
        )
    return entry.split()[-1]


def committed(repository: Path, tree: str, *parents: str) -> str:
    made = git(
        repository, "commit-tree", tree, *(part for each in parents for part in ("-p", each)), stdin=b"x"
    )
    git(repository, "update-ref", "refs/heads/main", made.decode().strip())
    return made.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "r")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The objects that are asked for one by one."""
    asked: list[str] = []
    read = SingleObjects.read

    def counted(objects: SingleObjects, name: str, most: int | None = None) -> tuple[str, bytes]:
        asked.append(name)
        return read(objects, name, most)

    monkeypatch.setattr(SingleObjects, "read", counted)
    return asked


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[object]]:
    """What git is asked for when commits are looked for."""
    asked: list[Sequence[object]] = []
    run = trace.run

    def noted(args: Sequence[str], *rest: object, **options: object) -> bytes:
        asked.append(args)
        return run(args, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(trace, "run", noted)
    return asked


def test_each_tree_is_read_once(repository: Path, reads: list[str]) -> None:
    top = wide(repository, b"found")
    blob = object_name("blob", b"found").hex()
    with single_objects(os.fspath(repository)) as objects:
        trees = TreeWalk(objects, {blob})
        assert trees.held(top) == {blob: 10**LEVELS}
        assert trees.total(top) == sum(10**n for n in range(1, LEVELS + 1))
        assert next(trees.paths(top, blob, 3)) == "/".join([*["d0"] * (LEVELS - 1), "f0"])
        assert len(list(trees.paths(top, blob, 25))) == 25
    assert len(reads) == LEVELS


def test_no_more_trees_are_read_than_were_to_be(repository: Path, reads: list[str]) -> None:
    top = wide(repository, b"found")
    with single_objects(os.fspath(repository)) as objects, pytest.raises(TooManyTreesError):
        TreeWalk(objects, (), LEVELS - 1).total(top)
    assert len(reads) == LEVELS - 1


def test_a_key_at_a_thousand_million_paths_is_one_finding(
    repository: Path, reads: list[str], commands: list[Sequence[object]]
) -> None:
    key = expand("sk_live_51${base62:97}", 1)
    first = committed(repository, wide(repository, b"k = " + key.encode()))
    (found,) = group_by_secret(
        read_history(HistoryRequest(os.fspath(repository)), Inspector(load_rulebook())).sightings
    )
    assert len(found.locations) == trace.MOST_PATHS + 1
    assert [each.more_paths for each in found.locations if each.more_paths] == [10**LEVELS - trace.MOST_PATHS]
    assert found.locations[-1].more_paths
    assert found.at_head is True
    assert found.first_seen is not None
    assert (found.first_seen.commit, found.first_seen.path) == (first, found.locations[0].path)
    assert not any("--raw" in command for command in commands)
    assert len(set(reads) - {first}) == LEVELS
    assert len(reads) <= 5 * LEVELS


def test_commits_are_traced_by_tree_as_by_path(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository, {"a": b"clean"})
    commit(repository, {"b/c": b"leak", "d": b"leak"})
    commit(repository, {"a": b"more"})
    git(repository, "checkout", "-q", "-b", "side", "HEAD~2")
    commit(repository, {"e": b"leak", "f": b"other"})
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "-m", "merge", "side")
    git(repository, "rm", "-q", "d")
    commit(repository, {})
    objects = {object_name("blob", content): "blob" for content in (b"leak", b"other", b"clean")}
    by_path = provenance(os.fspath(repository), objects, pytest.fail)  # type: ignore[arg-type]
    monkeypatch.setattr(trace, "_is_wide", lambda *_: True)
    assert provenance(os.fspath(repository), objects, pytest.fail) == by_path  # type: ignore[arg-type]


def test_a_large_flat_folder_is_left_to_git(
    repository: Path, monkeypatch: pytest.MonkeyPatch, commands: list[Sequence[object]]
) -> None:
    monkeypatch.setattr(trace, "_WIDE", 10)
    commit(repository, {f"f{n}": b"leak" for n in range(50)})
    oid = object_name("blob", b"leak")
    assert len(provenance(os.fspath(repository), {oid: "blob"}, pytest.fail)[oid].paths) == 50
    assert any("--raw" in command for command in commands)


def test_more_paths_than_are_listed_are_counted(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MOST_PATHS", 10)
    commit(repository, {f"f{n}": b"leak" for n in range(50)})
    oid = object_name("blob", b"leak")
    found = provenance(os.fspath(repository), {oid: "blob"}, pytest.fail)[oid]
    assert (len(found.paths), found.further_paths) == (10, 40)


def test_submodules_at_more_paths_than_anybody_has(repository: Path) -> None:
    committed(repository, wide(repository, b"", mode="160000 commit"))
    with pytest.raises(GitError, match="1,000,000,000 paths"):
        submodules(os.fspath(repository))


def test_a_mode_as_old_versions_wrote_it(repository: Path) -> None:
    assert tree_walk.TreeEntry(b"040000", "d", "1" * 40).is_folder
    assert SUBMODULE == "160000"

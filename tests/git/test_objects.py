"""Every object once, and the fast path sees exactly what git shows."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyleak.coverage import ObjectCounts
from keyleak.errors import GitError
from keyleak.git.objects import read_objects, read_objects_plainly
from keyleak.git.pack_index import read_index
from keyleak.git.visitor import ReadOptions
from repositories import (
    Entry,
    Recorder,
    appending_delta,
    commit,
    git,
    grown,
    index_of,
    lines,
    new_repository,
    object_name,
    options,
    repack,
    seen,
    write_pack,
)

if TYPE_CHECKING:
    from keyleak.git.visitor import ObjectsRead
    from repositories import Seen


def assert_same(repository: Path, how: ReadOptions | None = None) -> ObjectsRead[Seen]:
    """The fast path saw each object once, as git shows it; returns what it saw."""
    fast = read_objects(repository, Recorder, how or options())
    plain = read_objects_plainly(repository, Recorder, options())
    assert plain.gaps == ()
    assert fast.gaps == ()
    assert seen(fast) == seen(plain)
    assert len({oid for oid, *_ in fast.results}) == len(fast.results)
    assert (fast.counts, fast.content_bytes) == (plain.counts, plain.content_bytes)
    return fast


@pytest.mark.parametrize("sha256", [False, True])
@pytest.mark.parametrize("named_bases", [False, True])
def test_a_packed_repository(tmp_path: Path, sha256: bool, named_bases: bool) -> None:
    repository = grown(tmp_path / "r", sha256=sha256)
    repack(repository, extra=["-c", f"repack.useDeltaBaseOffset={str(not named_bases).lower()}"])
    read = assert_same(repository)
    assert read.counts.commit == 33
    assert read.counts.tag == 1


def test_loose_objects_only(tmp_path: Path) -> None:
    assert_same(grown(tmp_path / "r", versions=3))


def test_an_empty_repository(tmp_path: Path) -> None:
    assert assert_same(new_repository(tmp_path / "r")).results == ()


def test_several_packs_and_loose_objects_that_repeat_each_other(tmp_path: Path) -> None:
    repository = grown(tmp_path / "r")
    git(repository, "repack", "-q")
    ids = git(repository, "rev-list", "--objects", "--no-object-names", "HEAD~3")
    git(repository, "pack-objects", "-q", ".git/objects/pack/pack", stdin=ids)
    commit(repository, {"new": b"loose"})
    assert len(list(repository.glob(".git/objects/pack/*.pack"))) == 2
    assert len(list(repository.glob(".git/objects/??/*"))) > 100
    assert_same(repository)


def test_unreachable_objects(tmp_path: Path) -> None:
    repository = grown(tmp_path / "r", versions=3)
    git(repository, "hash-object", "-w", "--stdin", stdin=b"dangling")
    repack(repository)
    assert object_name("blob", b"dangling") in {oid for oid, *_ in assert_same(repository).results}


def test_alternates_are_followed_once(tmp_path: Path) -> None:
    origin = grown(tmp_path / "origin", versions=4)
    borrower = tmp_path / "borrower"
    git(tmp_path, "clone", "-q", "--shared", os.fspath(origin), os.fspath(borrower))
    commit(borrower, {"own": b"own"})
    alternates = origin / ".git/objects/info/alternates"
    alternates.write_text(f"../../../borrower/.git/objects\n# a comment\n{origin}/.git/objects\n")
    fast = read_objects(borrower, Recorder, options())
    alternates.unlink()
    assert seen(fast) == seen(read_objects_plainly(borrower, Recorder, options()))


def test_bare_repositories_linked_worktrees_and_folders_inside(tmp_path: Path) -> None:
    origin = grown(tmp_path / "origin", versions=4)
    git(tmp_path, "clone", "-q", "--bare", os.fspath(origin), "bare")
    git(origin, "worktree", "add", "-q", os.fspath(tmp_path / "linked"), "side")
    bare = seen(assert_same(tmp_path / "bare"))
    assert seen(assert_same(tmp_path / "linked")) == bare
    (origin / "folder").mkdir()
    assert seen(assert_same(origin / "folder")) == bare


def test_workers_see_what_one_process_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyleak.git.inventory._PART_BYTES", 512)
    monkeypatch.setattr("keyleak.git.store_reading._WORTH_WORKERS", 0)
    repository = grown(tmp_path / "r")
    repack(repository)
    assert_same(repository, options(jobs=2))


@pytest.mark.parametrize(
    ("whole", "held"), [(100, 1 << 20), (2000, 1 << 20), (1 << 20, 100), (1 << 20, 9000)]
)
def test_little_memory_changes_nothing(tmp_path: Path, whole: int, held: int) -> None:
    repository = grown(tmp_path / "r")
    repack(repository)
    assert_same(repository, options(whole=whole, held=held, window=64))


def test_offsets_of_64_bits(tmp_path: Path) -> None:
    repository = grown(tmp_path / "r", versions=3)
    index_path = repack(repository).with_suffix(".idx")
    index = read_index(os.fspath(index_path), 20)
    rows = zip((row.tobytes() for row in index.ids), index.offsets.tolist(), strict=True)
    index_path.chmod(0o644)
    index_path.write_bytes(index_of(rows, index.pack_checksum, long=True))
    assert_same(repository)


def test_an_index_of_version_1_is_left_to_git(tmp_path: Path) -> None:
    repository = grown(tmp_path / "r", versions=3)
    pack = repack(repository)
    index = pack.with_suffix(".idx")
    index.unlink()
    git(repository, "index-pack", "--index-version=1", os.fspath(pack))
    assert_same(repository)


def test_kinds_that_are_not_wanted_are_not_visited(tmp_path: Path) -> None:
    repository = grown(tmp_path / "r", versions=3)
    for _ in range(2):
        read = read_objects(repository, Recorder, ReadOptions(kinds=frozenset({"commit", "blob", "tag"})))
        assert {kind for _, kind, *_ in read.results} == {"commit", "blob", "tag"}
        assert read.counts.tree == 0
        repack(repository)


def test_progress_adds_up(tmp_path: Path) -> None:
    repository = grown(tmp_path / "r", versions=3)
    repack(repository)
    commit(repository, {"loose": b"loose"})
    steps: list[tuple[ObjectCounts, int]] = []
    read = read_objects(repository, Recorder, ReadOptions(progress=lambda *step: steps.append(step)))
    assert sum((counts for counts, _ in steps), ObjectCounts()) == read.counts
    assert sum(length for _, length in steps) == read.content_bytes


def test_a_folder_without_a_repository_is_a_git_error(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        read_objects(tmp_path, Recorder, options())


def test_a_delta_chain_4000_deep(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "r")
    content = lines(20)
    entries = [Entry("blob", content)]
    for number in range(4000):
        grown_content = content + b"%d\n" % number
        delta = appending_delta(content, b"%d\n" % number)
        entries.append(Entry("blob", grown_content, base=number, delta=delta))
        content = grown_content
    write_pack(repository, entries)
    read = read_objects(repository, Recorder, options())
    assert read.gaps == ()
    assert {oid for oid, *_ in read.results} == {object_name("blob", entry.content) for entry in entries}


_steps = st.lists(
    st.tuples(
        st.sampled_from(["write", "branch", "switch", "merge", "rename", "tag", "amend", "pack"]),
        st.integers(0, 5),
        st.integers(0, 300),
    ),
    min_size=1,
    max_size=10,
)


def _live(repository: Path, steps: list[tuple[str, int, int]]) -> None:
    """Does to a repository what its users do."""
    commit(repository, {"f0": lines(100)}, "first")
    for place, (step, which, much) in enumerate(steps):
        if step == "write":
            commit(repository, {f"f{which}": lines(much, seed=which)}, f"write {place}")
        elif step == "branch":
            git(repository, "checkout", "-q", "-B", f"b{which}")
        elif step == "switch" and git(repository, "branch", "--list", f"b{which}"):
            git(repository, "checkout", "-q", f"b{which}")
        elif step == "merge" and git(repository, "branch", "--list", f"b{which}"):
            git(repository, "merge", "-q", "--no-ff", "-X", "ours", "-m", f"merge {place}", f"b{which}")
        elif step == "rename" and (repository / f"f{which}").exists():
            (repository / f"f{which}").rename(repository / f"r{place}")
            commit(repository, {}, f"rename {place}")
        elif step == "tag":
            git(repository, "tag", "-f", "-a", "-m", f"tag {place}", f"t{which}")
        elif step == "amend":
            git(repository, "commit", "-q", "--amend", "--allow-empty", "-m", f"amended {place}")
        elif step == "pack":
            git(repository, "repack", "-q")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=_steps,
    depth=st.integers(0, 60),
    window=st.integers(0, 30),
    near=st.booleans(),
    again=st.booleans(),
    sha256=st.booleans(),
)
def test_random_repositories_look_the_same_on_both_paths(
    steps: list[tuple[str, int, int]], depth: int, window: int, near: bool, again: bool, sha256: bool
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        repository = new_repository(folder / "r", sha256=sha256)
        _live(repository, steps)
        if again:
            offsets = ["-c", f"repack.useDeltaBaseOffset={str(near).lower()}"]
            repack(repository, depth=depth, window=window, extra=offsets)
        assert_same(repository, options(held=20_000, whole=6_000, window=512))
    finally:
        shutil.rmtree(folder)


def test_a_cruft_pack(tmp_path: Path) -> None:
    """What nothing reaches, packed by itself with the times it was last used."""
    repository = grown(tmp_path / "r", versions=4)
    oid = git(repository, "hash-object", "-w", "--stdin", stdin=b"dangling").decode().strip()
    git(repository, "repack", "-q", "--cruft", "-d")
    assert list(repository.glob(".git/objects/pack/*.mtimes"))
    assert bytes.fromhex(oid) in {oid for oid, *_ in assert_same(repository).results}


def test_a_promisor_pack(tmp_path: Path) -> None:
    origin = grown(tmp_path / "origin", versions=4)
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", origin.as_uri(), "partial")
    partial = tmp_path / "partial"
    assert list(partial.glob("objects/pack/*.promisor"))
    assert assert_same(partial).counts.blob == 0

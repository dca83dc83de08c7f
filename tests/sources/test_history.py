"""A key in every place that a repository has is found there, with the right kind, commit and refs."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from keyleak.errors import GitError
from keyleak.findings import LocationKind
from keyleak.git.missing import fetch_missing
from keyleak.git.scope import Scope
from keyleak.git.views import missing_objects
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.inspector import Inspector
from repositories import commit, git, new_repository, repack

if TYPE_CHECKING:
    from pathlib import Path

    from keyleak.findings import Sighting
    from keyleak.sources.files import Reading

INSPECTOR = Inspector(load_rulebook())


def key(seed: int) -> str:
    return expand("sk_live_51${base62:97}", seed)


def read(repository: Path, **how: object) -> Reading:
    return read_history(HistoryRequest(os.fspath(repository), **how), INSPECTOR)  # type: ignore[arg-type]


def places(reading: Reading, seed: int) -> list[Sighting]:
    """Where a key was seen, and nothing else of it."""
    wanted = key(seed).encode()
    return [sighting for sighting in reading.sightings if sighting.secret.reveal() == wanted]


def only(reading: Reading, seed: int, kind: LocationKind) -> Sighting:
    """The one place of that kind."""
    (found,) = [each for each in places(reading, seed) if each.location.kind is kind]
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "r")
    commit(repository, {"readme": b"clean"})
    return repository


def test_a_file_of_several_paths_and_a_deleted_one(repository: Path) -> None:
    first = commit(repository, {"src/a.py": f"k = '{key(1)}'".encode()})
    commit(repository, {"copy": f"k = '{key(1)}'".encode()})
    (repository / "src/a.py").unlink()
    (repository / "copy").unlink()
    commit(repository, {})
    found = places(read(repository), 1)
    assert [each.location.path for each in found] == ["src/a.py", "copy"]
    for each in found:
        assert each.location.kind is LocationKind.BLOB
        assert (each.location.commit, each.location.refs) == (first, ("refs/heads/main",))
        assert (each.location.line, each.location.column, each.at_head) == (1, 6, False)
        assert each.first_seen is not None
        assert (each.first_seen.commit, each.first_seen.date) == (first, "2023-11-14T22:13:20+00:00")


def test_messages_identities_tags_and_notes(repository: Path) -> None:
    message = commit(repository, {"a": b"1"}, f"deploy with {key(1)}")
    git(repository, "tag", "-a", "-m", f"release {key(2)}", "v1")
    git(
        repository,
        "-c",
        f"user.name={key(3)}",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
        "--author",
        f"{key(3)} <a@b>",
    )
    named = git(repository, "rev-parse", "HEAD").decode().strip()
    git(repository, "notes", "add", "-m", f"note {key(4)}", "HEAD")
    reading = read(repository)
    found = only(reading, 1, LocationKind.COMMIT_MESSAGE)
    assert (found.location.commit, found.location.line) == (message, 6)
    assert only(reading, 2, LocationKind.TAG_MESSAGE).location.refs == ("refs/tags/v1",)
    assert only(reading, 2, LocationKind.TAG_MESSAGE).location.commit == message
    assert only(reading, 3, LocationKind.IDENTITY).location.commit == named
    note = only(reading, 4, LocationKind.NOTE)
    assert note.location.refs == ("refs/notes/commits",)
    assert note.location.path == named
    assert reading.coverage.gaps == ()


def test_the_whole_stash_list(repository: Path) -> None:
    for seed in (1, 2):
        (repository / "readme").write_text(f"work {key(seed)}")
        git(repository, "stash", "push", "-q", "-m", f"parked {key(seed + 2)}")
    reading = read(repository)
    newer, older = only(reading, 2, LocationKind.STASH), only(reading, 1, LocationKind.STASH)
    assert (newer.location.path, newer.location.refs) == ("readme", ("refs/stash",))
    assert (older.location.path, older.location.refs) == ("readme", ("stash@{1}",))
    assert {each.location.kind for each in places(reading, 3)} == {LocationKind.STASH, LocationKind.REFLOG}


def test_what_only_the_reflog_keeps(repository: Path) -> None:
    first = commit(repository, {"a": key(1).encode()}, f"with {key(2)}")
    (repository / "a").write_bytes(b"clean")
    git(repository, "commit", "-q", "-a", "--amend", "-m", "amended")
    reading = read(repository)
    blob = only(reading, 1, LocationKind.BLOB)
    assert (blob.location.path, blob.location.commit, blob.location.refs) == ("a", first, ())
    assert only(reading, 2, LocationKind.COMMIT_MESSAGE).location.refs == ()
    assert {each.location.path for each in places(reading, 2)} == {None, "logs/HEAD", "logs/refs/heads/main"}


def test_dangling_staged_and_linked(repository: Path, tmp_path: Path) -> None:
    git(repository, "hash-object", "-w", "--stdin", stdin=key(1).encode())
    (repository / "new file").write_text(key(2))
    git(repository, "add", "new file")
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", os.fspath(linked), "-b", "side")
    (linked / "other").write_text(key(3))
    git(linked, "add", "other")
    (repository / ".git/worktrees/linked/COMMIT_EDITMSG").write_text(f"about to say {key(4)}")
    for reading in (read(repository), read(linked)):
        dangling = only(reading, 1, LocationKind.BLOB)
        assert (dangling.location.path, dangling.location.commit, dangling.location.refs) == (None, None, ())
        assert only(reading, 2, LocationKind.INDEX).location.path == "new file"
        assert only(reading, 3, LocationKind.INDEX).location.path == "other"
        assert only(reading, 4, LocationKind.FILE).location.path == "worktrees/linked/COMMIT_EDITMSG"


def test_names_of_refs_files_and_folders(repository: Path) -> None:
    git(repository, "branch", f"fix-{key(1)}")
    first = commit(repository, {f"dir/{key(2)}.txt": b"x", f"{key(3)}/deep/file": b"y"})
    reading = read(repository)
    assert only(reading, 1, LocationKind.REF_NAME).location.path == f"refs/heads/fix-{key(1)}"
    file, folder = only(reading, 2, LocationKind.PATH_NAME), only(reading, 3, LocationKind.PATH_NAME)
    assert (file.location.path, file.location.commit) == (f"dir/{key(2)}.txt", first)
    assert (folder.location.path, folder.location.refs) == (key(3), ("refs/heads/main",))
    assert folder.at_head


def test_configuration_and_packed_refs(repository: Path) -> None:
    git(repository, "config", "remote.origin.url", f"https://x:{key(1)}@example.com/r.git")
    git(repository, "branch", f"b-{key(2)}")
    git(repository, "pack-refs", "--all")
    reading = read(repository)
    assert only(reading, 1, LocationKind.GIT_CONFIG).location.path == "config"
    assert only(reading, 2, LocationKind.GIT_CONFIG).location.path == "packed-refs"
    assert only(reading, 2, LocationKind.REF_NAME)


def test_merge_only_binary_utf16_and_undiffable_content(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "side")
    commit(repository, {"b": b"2"})
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-commit", "--no-ff", "side")
    merge = commit(repository, {"merged": key(1).encode()}, "merge")
    commit(
        repository,
        {
            ".gitattributes": b"*.secret -diff\n",
            "x.secret": key(2).encode(),
            "blob.png": b"\x89PNG\0\0" + key(3).encode() + b"\0\xff",
            "windows.txt": key(4).encode("utf-16"),
        },
    )
    git(repository, "update-ref", "refs/pull/7/head", commit(repository, {"pr": key(5).encode()}))
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    reading = read(repository)
    assert only(reading, 1, LocationKind.BLOB).location.commit == merge
    for seed, path in ((2, "x.secret"), (3, "blob.png"), (4, "windows.txt")):
        assert only(reading, seed, LocationKind.BLOB).location.path == path
    assert only(reading, 5, LocationKind.BLOB).location.refs == ("refs/pull/7/head",)


def test_a_range_brings_what_its_commits_brought(repository: Path) -> None:
    commit(repository, {"old": key(1).encode()})
    start = git(repository, "rev-parse", "HEAD").decode().strip()
    commit(repository, {"new": key(2).encode()}, f"message {key(3)}")
    git(repository, "tag", "-a", "-m", f"tag {key(4)}", "v1")
    reading = read(repository, scope=Scope((f"{start}..v1",)))
    assert {seed for seed in range(1, 5) if places(reading, seed)} == {2, 3, 4}
    assert reading.coverage.complete
    assert places(read(repository, scope=Scope((f"{start}..{start}",))), 2) == []
    assert places(read(repository, scope=Scope(refs=("refs/tags/*",))), 1)


def test_since_leaves_out_what_older_commits_had(repository: Path) -> None:
    commit(repository, {"old": key(1).encode()})
    (repository / "new").write_text(key(2))
    git(repository, "add", "new")
    tree = git(repository, "write-tree").decode().strip()
    head = git(repository, "rev-parse", "HEAD").decode().strip()
    who = "a <a> 1750000000 +0000"
    made = f"tree {tree}\nparent {head}\nauthor {who}\ncommitter {who}\n\nnew\n"
    oid = (
        git(repository, "hash-object", "-w", "-t", "commit", "--stdin", stdin=made.encode()).decode().strip()
    )
    git(repository, "update-ref", "refs/heads/main", oid)
    reading = read(repository, scope=Scope(since="2025-01-01"))
    assert [seed for seed in (1, 2) if places(reading, seed)] == [2]


def test_refs_may_look_like_a_large_scope(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast path reads a scope as the plain one does."""
    commit(repository, {"old": key(1).encode()})
    git(repository, "checkout", "-q", "-b", "other")
    commit(repository, {"other": key(2).encode()})
    repack(repository)
    commit(repository, {"loose": key(3).encode()})
    scope = Scope(("main..other",))
    plainly = read(repository, scope=scope)
    monkeypatch.setattr("keyleak.git.objects._FEW", 0)
    fast = read(repository, scope=scope)
    assert set(fast.sightings) == set(plainly.sightings)
    assert fast.coverage == plainly.coverage
    assert [seed for seed in (1, 2, 3) if places(fast, seed)] == [2, 3]


def reasons(reading: Reading) -> dict[str, str]:
    return {gap.what: gap.reason for gap in reading.coverage.gaps}


def test_incomplete_views_are_gaps(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"a": b"1", "big": b"x" * 5000})
    commit(repository, {"a": b"2"})
    git(repository, "config", "uploadpack.allowFilter", "true")
    url = repository.as_uri()
    git(tmp_path, "clone", "-q", "--depth=1", url, "shallow")
    git(tmp_path, "clone", "-q", "--filter=blob:limit=1k", "--no-checkout", url, "partial")
    assert "fetch-depth" in reasons(read(tmp_path / "shallow"))["shallow clone"]
    assert reasons(read(tmp_path / "shallow", scope=Scope(("HEAD..HEAD",)))) == {}
    assert "shallow clone" in reasons(read(tmp_path / "shallow", scope=Scope(("HEAD",))))
    assert "partial clone" in reasons(read(tmp_path / "partial"))
    assert "objects" in reasons(read(new_repository(tmp_path / "empty")))


def test_lfs_pointers(repository: Path) -> None:
    oid = "ab" * 32
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5\n"
    commit(repository, {"big.bin": pointer.encode()})
    assert "git lfs fetch" in reasons(read(repository))["Git LFS"]
    stored = repository / ".git/lfs/objects/ab/ab" / oid
    stored.parent.mkdir(parents=True)
    stored.write_text(key(1))
    reading = read(repository)
    assert reading.coverage.complete
    assert only(reading, 1, LocationKind.FILE).location.path == f"lfs/objects/ab/ab/{oid}"


def test_submodules(repository: Path, tmp_path: Path) -> None:
    inner = new_repository(tmp_path / "inner")
    commit(inner, {"deep": key(1).encode()})
    git(
        repository,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        os.fspath(inner),
        "libs/in ner",
    )
    commit(repository, {})
    assert "--submodules" in reasons(read(repository))["libs/in ner"]
    for _ in range(2):
        reading = read(repository, submodules=True)
        assert reading.coverage.complete
        assert only(reading, 1, LocationKind.BLOB).location.path == "libs/in ner/deep"
        # Without its work tree it is still among the modules.
        shutil.rmtree(repository / "libs/in ner")
        (repository / "libs/in ner").mkdir()
    shutil.rmtree(repository / ".git/modules")
    assert "git submodule update" in reasons(read(repository, submodules=True))["libs/in ner"]


def test_a_submodule_name_that_leads_out_of_the_repository_is_not_followed(
    repository: Path, tmp_path: Path
) -> None:
    outside = new_repository(tmp_path / "outside")
    first = commit(outside, {"a": key(1).encode()})
    (repository / ".gitmodules").write_text('[submodule "../../../outside"]\n\tpath = lib\n\turl = x\n')
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{first},lib")
    git(repository, "add", ".gitmodules")
    git(repository, "commit", "-q", "-m", "link")
    reading = read(repository, submodules=True)
    assert places(reading, 1) == []
    assert "lib" in reasons(reading)


def test_missing_objects_are_asked_for_only_on_request(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"big": f"{'x' * 5000} {key(1)}".encode()})
    commit(repository, {"big": b"clean"})
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:limit=1k", repository.as_uri(), "partial")
    partial = tmp_path / "partial"
    told: list[str] = []
    assert places(read(partial), 1) == []
    marker = tmp_path / "ran"
    for setting in (
        "core.sshCommand",
        "core.alternateRefsCommand",
        "remote.origin.uploadpack",
        "credential.helper",
    ):
        git(partial, "config", setting, f"!touch {marker};" if "helper" in setting else f"touch {marker}")
    fetch_missing(os.fspath(partial), missing_objects(os.fspath(partial)), told.append)
    assert places(read(partial), 1)
    assert read(partial).coverage.complete
    assert told == [f"asking {repository.as_uri()} for 1 missing objects"]
    assert not marker.exists()


def test_a_remote_that_is_a_program_is_refused(repository: Path) -> None:
    git(repository, "remote", "add", "evil", "ext::sh -c 'touch ran'")
    git(repository, "config", "remote.evil.promisor", "true")
    with pytest.raises(GitError, match="refused"):
        fetch_missing(os.fspath(repository), b"0" * 40 + b"\n", print)


@pytest.mark.parametrize("sha256", [False, True])
def test_mirrors_bare_repositories_and_folders_in_a_work_tree(tmp_path: Path, sha256: bool) -> None:
    origin = new_repository(tmp_path / "o", sha256=sha256)
    first = commit(origin, {"deep/er/a": key(1).encode()}, f"said {key(2)}")
    git(tmp_path, "clone", "-q", "--mirror", origin.as_uri(), "mirror")
    git(tmp_path, "clone", "-q", "--bare", os.fspath(origin), "bare")
    for repository in (origin, tmp_path / "mirror", tmp_path / "bare", origin / "deep/er", origin / ".git"):
        reading = read(repository)
        blob = only(reading, 1, LocationKind.BLOB)
        assert (blob.location.path, blob.location.commit) == ("deep/er/a", first)
        assert len(blob.location.blob or "") == (64 if sha256 else 40)
        assert only(reading, 2, LocationKind.COMMIT_MESSAGE).at_head
        assert reading.coverage.complete


def test_objects_of_an_alternate_are_read_once(tmp_path: Path) -> None:
    origin = new_repository(tmp_path / "o")
    commit(origin, {"a": key(1).encode()})
    git(tmp_path, "clone", "-q", "--shared", os.fspath(origin), "borrower")
    borrower = tmp_path / "borrower"
    commit(borrower, {"b": key(2).encode()})
    reading = read(borrower)
    assert only(reading, 1, LocationKind.BLOB)
    assert only(reading, 2, LocationKind.BLOB)
    assert reading.coverage.objects.blob == 2

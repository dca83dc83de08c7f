"""Damage and ill will in a repository: a gap that names it, and every key that was read is reported."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from keyleak.findings import LocationKind
from keyleak.git.references import MOST_WITH_TREES
from keyleak.git.scope import Scope
from keyleak.grouping import group_by_secret
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.history_cache import HistoryCache
from keyleak.sources.inspector import Inspector
from repositories import Entry, commit, git, new_repository, object_name, only_pack, repack, write_pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keyleak.findings import Finding
    from keyleak.sources.files import Reading

INSPECTOR = Inspector(load_rulebook())


def key(seed: int) -> str:
    return expand("sk_live_51${base62:97}", seed)


def read(repository: Path, **how: object) -> Reading:
    return read_history(HistoryRequest(os.fspath(repository), **how), INSPECTOR)  # type: ignore[arg-type]


def finding(reading: Reading, seed: int = 1) -> Finding:
    """The finding of one key, made as reports are made of it."""
    (found,) = [
        each for each in group_by_secret(reading.sightings) if each.secret.reveal() == key(seed).encode()
    ]
    return found


def gaps(reading: Reading) -> str:
    return "\n".join(f"{gap.what}: {gap.reason}" for gap in reading.coverage.gaps)


def remove(repository: Path, name: str) -> str:
    """Removes a loose object; returns its id."""
    oid = git(repository, "rev-parse", name).decode().strip()
    (repository / ".git/objects" / oid[:2] / oid[2:]).unlink()
    return oid


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits; the key is in `leak` in both, `d/f` changes."""
    repository = new_repository(tmp_path / "r")
    commit(repository, {"leak": key(1).encode(), "d/f": b"1"})
    commit(repository, {"d/f": b"2"})
    git(repository, "tag", "-a", "-m", "tag", "v1")
    return repository


FILES = {
    "packed-refs": (b"garbage\n", "packed-refs"),
    "shallow": (b"garbage\n", "shallow"),
    "config": (b"[garbage\n", "bad config line"),
    "HEAD": (b"garbage\n", "not a git repository"),
    "index": (b"garbage\n", "index: what is staged is not known"),
    "logs/HEAD": (b"garbage\n", "logs/HEAD: damaged"),
    "refs/heads/desktop.ini": (b"[.ShellClassInfo]\r\n", "refs/heads/desktop.ini: no ref, but a file"),
    "refs/heads/empty": (b"", "refs/heads/empty: a broken ref"),
    "refs/heads/gone": (b"1" * 40 + b"\n", "refs/heads/gone: a broken ref: object 1111"),
    "objects/pack/garbage.pack": (b"", "has no index"),
    "objects/info/alternates": (b"/nowhere/at/all\n", "/nowhere/at/all"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_a_gap_and_costs_no_finding(repository: Path, name: str) -> None:
    content, reason = FILES[name]
    (repository / ".git" / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / ".git" / name).write_bytes(content)
    reading = read(repository)
    assert reason in gaps(reading)
    assert "grafts" not in gaps(reading)
    # Never said to be gone while that is not known.
    assert finding(reading).at_head is not False


def test_a_ref_to_a_branch_that_is_gone_is_no_damage(repository: Path) -> None:
    (repository / ".git/refs/heads/link").write_text("ref: refs/heads/gone\n")
    assert read(repository).coverage.complete


def test_a_file_among_the_refs_is_read(repository: Path) -> None:
    (repository / ".git/refs/heads/notes.txt").write_text(key(2))
    assert finding(read(repository), 2).locations[0].path == "refs/heads/notes.txt"


LOST = (
    "HEAD:leak",
    "HEAD:d/f",
    "HEAD~1:d/f",
    "HEAD:d",
    "HEAD^{tree}",
    "HEAD~1^{tree}",
    "HEAD~1",
    "HEAD",
    "v1",
)


@pytest.mark.parametrize("name", LOST)
def test_what_history_needs_and_nobody_has_is_a_gap(repository: Path, name: str) -> None:
    (repository / "keeps").write_text(key(2))
    git(repository, "hash-object", "-w", "keeps")
    lost = remove(repository, name)
    reading = read(repository)
    assert lost in gaps(reading)
    assert finding(reading, 2)
    if name != "HEAD:leak":
        assert finding(reading).at_head is not False


def test_an_object_that_a_pack_lacks_is_a_gap(repository: Path) -> None:
    lost = git(repository, "rev-parse", "HEAD~1:d/f").decode().strip()
    pack = git(repository, "rev-list", "--objects", "--all", "--no-object-names")
    ids = b"".join(line + b"\n" for line in pack.split() if line.decode() != lost)
    git(repository, "pack-objects", "-q", ".git/objects/pack/pack", stdin=ids)
    git(repository, "prune-packed")
    remove(repository, lost)
    assert f"object {lost}: history needs it" in gaps(read(repository))
    # Also where it is the second reading of the same.


def test_what_no_ref_needs_may_be_gone(repository: Path) -> None:
    made = b"tree %s\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n" % (b"1" * 40)
    git(repository, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=made)
    assert read(repository).coverage.complete


def test_commits_of_submodules_are_elsewhere(repository: Path) -> None:
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git(repository, "commit", "-q", "-m", "a submodule")
    for _ in range(2):
        assert [gap.what for gap in read(repository).coverage.gaps] == ["lib"]
        repack(repository)


SPECIAL = (
    "packed-refs",
    "config",
    "index",
    "shallow",
    "HEAD",
    "logs/HEAD",
    "refs/heads/pipe",
    "objects/info/alternates",
    f"objects/pack/pack-{'1' * 40}.pack",
    f"objects/pack/pack-{'1' * 40}.idx",
    f"objects/11/{'1' * 38}",
)


def pipe(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(sys.platform == "win32", reason="there are none")
@pytest.mark.parametrize("make", [pipe, endless])
@pytest.mark.parametrize("name", SPECIAL)
def test_pipes_and_devices_are_never_opened(
    repository: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(repository / ".git" / name)
    reading = read(repository)
    assert f"{name}: is a" in gaps(reading)
    assert finding(reading).at_head is None


@pytest.mark.skipif(sys.platform == "win32", reason="there are none")
def test_pipes_that_git_is_led_to_are_never_opened(repository: Path, tmp_path: Path) -> None:
    pipe(tmp_path / "pipe")
    git(repository, "config", "include.path", os.fspath(tmp_path / "pipe"))
    assert "pipe: is a pipe" in gaps(read(repository))
    (repository / ".git/config").write_text("[core]\n\texcludesFile = ../pipe\n")
    (repository / "pipe").unlink(missing_ok=True)
    pipe(repository / "pipe")
    assert finding(read(repository)).at_head is None
    (repository / ".git/config").write_text("[core]\n\texcludesFile = /dev/null\n")
    (repository / "pipe").unlink()
    assert read(repository).coverage.complete
    other = new_repository(tmp_path / "other")
    pipe(other / f".git/objects/pack/pack-{'2' * 40}.idx")
    (repository / ".git/objects/info/alternates").write_text(f"{other}/.git/objects\n")
    assert "is a pipe" in gaps(read(repository))
    assert finding(read(repository))


@pytest.mark.skipif(not hasattr(os.stat_result, "st_blocks"), reason="nobody says what is a hole")
@pytest.mark.parametrize("name", ["packed-refs", "config", "index", "logs/HEAD", "pack", "idx", "loose"])
def test_files_of_holes_are_not_read(repository: Path, name: str) -> None:
    if name in {"pack", "idx"}:
        path = write_pack(repository, [Entry("blob", b"x")]).with_suffix(f".{name}")
    else:
        path = repository / ".git" / (name if name != "loose" else f"objects/11/{'1' * 38}")
        path.parent.mkdir(exist_ok=True)
        path.touch()
    path.chmod(0o644)
    os.truncate(path, 1 << 40)
    reading = read(repository)
    assert "is a file of holes" in gaps(reading)
    assert finding(reading).at_head is (True if name in {"pack", "idx", "loose"} else None)


def test_files_that_are_no_objects_are_read_in_the_object_folder(repository: Path) -> None:
    pack = repack(repository)
    names = [pack.with_suffix(".keep"), pack.with_suffix(".promisor"), pack.parent.parent / "info/packs"]
    for seed, path in enumerate(names, 2):
        path.parent.mkdir(exist_ok=True)
        path.write_text(key(seed))
    (pack.parent / "tmp_pack_1").write_bytes(b"PACK")
    reading = read(repository)
    for seed, path in enumerate(names, 2):
        assert finding(reading, seed).locations[0].path == os.fspath(path.relative_to(repository / ".git"))
    assert "objects/pack/tmp_pack_1: a pack that git did not finish" in gaps(reading)


def test_alternates_in_a_circle_are_read_once_and_no_end_of_them_is_not_followed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_repository(tmp_path / "other")
    commit(other, {"leak": key(2).encode()})
    for one, another in ((repository, other), (other, repository)):
        (one / ".git/objects/info/alternates").write_text(f"{another}/.git/objects\n")
    reading = read(repository)
    assert finding(reading, 2)
    assert reading.coverage.complete
    many = "".join(f"/nowhere/{n}\n" for n in range(1100))
    (repository / ".git/objects/info/alternates").write_text(many)
    reading = read(repository)
    assert "more alternates than anybody has" in gaps(reading)
    assert finding(reading)
    # A link that leads to the whole machine, here to all of one folder.
    (repository / ".git/objects/info/alternates").unlink()
    (repository / ".git/refs/heads/all").symlink_to(tmp_path)
    monkeypatch.setattr("keyleak.git.special._MOST_LINKED", 20)
    assert "lead to more than belongs to a repository" in gaps(read(repository))


def test_a_part_of_a_history_that_git_does_not_read_is_an_error(repository: Path) -> None:
    (repository / ".git/config").write_text("[garbage")
    from keyleak.errors import GitError

    with pytest.raises(GitError, match="bad config"):
        read(repository, scope=Scope(("HEAD",)))


DATES = {
    "1313584730 +051800": "2011-08-17T12:38:50",
    "1700000000 +2400": "2023-11-14T22:13:20+00:00",
    "1700000000 -40643156": "2023-11-14T22:13:20+00:00",
    "4294967296000 +0000": None,
    "18446744073709551616 +0000": None,
    "-5000 +0000": None,
    "1700000000": "2023-11-14T22:13:20+00:00",
    "": None,
    "tomorrow": None,
    "253402300799 +1200": "9999-12-31",
}


@pytest.mark.parametrize("when", DATES)
def test_a_date_of_any_kind_costs_no_finding(tmp_path: Path, when: str) -> None:
    repository = new_repository(tmp_path / "r")
    (repository / "leak").write_text(key(1))
    git(repository, "add", "leak")
    tree = git(repository, "write-tree").decode().strip()
    made = f"tree {tree}\nauthor A <a@e> {when}\ncommitter A <a@e> {when}\n\nwith {key(2)}\n"
    oid = git(repository, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=made.encode())
    git(repository, "update-ref", "refs/heads/main", oid.decode().strip())
    made_by = oid.decode().strip()
    tag = f"object {oid.decode().strip()}\ntype commit\ntag t\ntagger A <a@e> {when}\n\nand {key(3)}\n"
    oid = git(repository, "hash-object", "-t", "tag", "-w", "--stdin", "--literally", stdin=tag.encode())
    git(repository, "update-ref", "refs/tags/t", oid.decode().strip())
    reading = read(repository)
    for seed in (1, 2, 3):
        first = finding(reading, seed).first_seen
        assert first is not None
        assert first.commit == made_by
        # What git itself cannot read of a date is unknown, too.
        assert first.date is None or first.date.startswith(DATES[when] or "no date")
    assert finding(reading, 1).at_head is True
    assert finding(reading, 2).at_head is True


@pytest.mark.parametrize(
    "header", ["", "author nobody\n", "committer A <a@e> 1700000000 +0000\n", "author \n\n"]
)
def test_a_commit_without_an_author_or_committer_costs_no_finding(tmp_path: Path, header: str) -> None:
    repository = new_repository(tmp_path / "r")
    (repository / "leak").write_text(key(1))
    git(repository, "add", "leak")
    tree = git(repository, "write-tree").decode().strip()
    made = f"tree {tree}\n{header}\n{key(2)}\n".encode()
    oid = git(repository, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=made)
    git(repository, "update-ref", "refs/heads/main", oid.decode().strip())
    reading = read(repository)
    assert finding(reading, 1)
    assert finding(reading, 2)


def test_a_name_that_is_only_staged(repository: Path) -> None:
    (repository / f"{key(2)}.txt").write_text("x")
    git(repository, "add", "-A")
    (location,) = finding(read(repository), 2).locations
    assert (location.kind, location.path) == (LocationKind.PATH_NAME, f"{key(2)}.txt")
    commit(repository, {})
    (location,) = finding(read(repository), 2).locations
    assert location.commit


def test_a_submodule_that_leads_back_is_read_once(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD").decode().strip()
    (repository / "lib").mkdir()
    (repository / "lib/.git").write_text("gitdir: ../.git\n")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{first},lib")
    git(repository, "commit", "-q", "-m", "itself")
    reading = read(repository, submodules=True)
    assert "leads back to the repository" in gaps(reading)
    assert finding(reading)


def test_one_id_of_two_contents_is_read_in_both(repository: Path) -> None:
    oid = object_name("blob", b"nothing")
    write_pack(repository, [Entry("blob", b"nothing"), Entry("blob", b"other")])
    write_pack(repository, [Entry("blob", key(2).encode(), oid=oid)])
    for order in ((1, 2), (2, 1)):
        for place, pack in zip(order, sorted(repository.glob(".git/objects/pack/*.pack")), strict=True):
            os.utime(pack, (place * 1000, place * 1000))
        reading = read(repository)
        assert finding(reading, 2)
        assert f"object {oid.hex()}: its content does not have this id" in gaps(reading)


def test_a_loose_object_that_a_pack_has_as_another_content_is_read(repository: Path) -> None:
    oid = object_name("blob", b"nothing")
    loose = git(repository, "hash-object", "-w", "--stdin", stdin=key(2).encode()).decode().strip()
    place = repository / ".git/objects" / oid.hex()[:2]
    place.mkdir(exist_ok=True)
    (repository / ".git/objects" / loose[:2] / loose[2:]).rename(place / oid.hex()[2:])
    write_pack(repository, [Entry("blob", b"nothing")])
    reading = read(repository)
    assert finding(reading, 2)
    assert f"object {oid.hex()}: its content does not have this id" in gaps(reading)
    (place / oid.hex()[2:]).unlink()
    git(repository, "hash-object", "-w", "--stdin", stdin=b"nothing")
    for pack in repository.glob(".git/objects/pack/*"):
        pack.unlink()
    write_pack(repository, [Entry("blob", key(2).encode(), oid=oid)])
    reading = read(repository)
    assert finding(reading, 2)
    assert f"object {oid.hex()}: its content does not have this id" in gaps(reading)


def test_the_report_of_a_damaged_repository_holds_the_finding(repository: Path, tmp_path: Path) -> None:
    (repository / ".git/packed-refs").write_text("garbage\n")
    command = [sys.executable, "-m", "keyleak", "history", "--no-cache", "-q", os.fspath(repository)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "HOME": os.fspath(tmp_path)}
    )
    assert done.returncode == 2
    assert "sk_live_51" in done.stdout
    assert "unexpected line in .git/packed-refs" in done.stdout


@pytest.mark.slow
def test_an_object_that_only_a_tree_of_a_large_pack_names_is_missed(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "large")
    count = MOST_WITH_TREES + 100
    blobs = b"".join(b"blob\nmark :%d\ndata %d\n%d\n" % (n, len(str(n)), n) for n in range(1, count))
    files = b"".join(b"M 100644 :%d %d/%d\n" % (n, n % 997, n) for n in range(1, count))
    head = b"commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nm\n"
    git(repository, "fast-import", "--quiet", stdin=blobs + head + files)
    lost = git(repository, "rev-parse", "main:7/7").decode().strip()
    ids = git(repository, "rev-list", "--objects", "--no-object-names", "--all").split()
    pack = only_pack(repository)
    rest = b"".join(oid + b"\n" for oid in ids if oid.decode() != lost)
    git(repository, "pack-objects", "-q", str(repository / ".git/objects/pack/pack"), stdin=rest)
    for file in pack.parent.glob(f"{pack.stem}.*"):
        file.unlink()
    cache = HistoryCache(str(tmp_path / "cache"), "rules", lambda text: None)
    for memory in (None, cache, cache):
        assert [gap.what for gap in read(repository, memory=memory).coverage.gaps] == [f"7/7 (object {lost})"]
    (repository / "seven").write_text("7")
    git(repository, "hash-object", "-w", "seven")
    for _ in range(2):
        assert not read(repository, memory=cache).coverage.gaps
    (kept,) = (tmp_path / "cache").glob("*/whole-*")
    assert kept.is_file(), "where nothing is missing git is asked once for these objects and refs"

"""What the cache of history keeps: nothing that tells a key, and nothing that hides one."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import pytest

from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.history_cache import HistoryCache
from keyleak.sources.inspector import Inspector
from keyleak.sources.object_visitor import ObjectVisitor
from repositories import (
    Entry,
    commit,
    git,
    grown,
    index_of,
    new_repository,
    object_name,
    repack,
    write_pack,
)

if TYPE_CHECKING:
    from pathlib import Path

    from keyleak.sources.files import Reading

INSPECTOR = Inspector(load_rulebook())


def key(seed: int) -> str:
    return expand("sk_live_51${base62:97}", seed)


class Visits:
    """How many objects were looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        visit, together = ObjectVisitor.visit, ObjectVisitor.worth_visiting

        def counted(visitor: ObjectVisitor, oid: bytes, kind: object, data: bytes) -> object:
            self.count += 1
            return visit(visitor, oid, kind, data)  # type: ignore[arg-type]

        def counted_together(visitor: ObjectVisitor, contents: list[bytes]) -> object:
            self.count += len(contents)
            return together(visitor, contents)

        monkeypatch.setattr(ObjectVisitor, "visit", counted)
        monkeypatch.setattr(ObjectVisitor, "worth_visiting", counted_together)


class Cached:
    """A repository that is read with a cache."""

    def __init__(self, repository: Path, folder: Path) -> None:
        self.repository = repository
        self.folder = folder
        self.notes: list[str] = []

    def read(self, rules: str = "rules") -> Reading:
        memory = HistoryCache(os.fspath(self.folder), rules, self.notes.append)
        return read_history(HistoryRequest(os.fspath(self.repository), memory=memory), INSPECTOR)

    def read_anew(self) -> Reading:
        return read_history(HistoryRequest(os.fspath(self.repository)), INSPECTOR)

    def entries(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
def cached(tmp_path: Path) -> Cached:
    repository = grown(tmp_path / "r", versions=6)
    commit(repository, {"leak": f"k={key(1)}".encode()}, f"with {key(2)}")
    repack(repository)
    return Cached(repository, tmp_path / "cache")


def test_the_second_reading_says_the_same_and_visits_only_what_holds_something(
    cached: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = cached.read_anew()
    assert cached.read() == expected
    visits = Visits(monkeypatch)
    assert cached.read() == expected
    assert visits.count == 2


def test_new_objects_are_read_and_old_packs_are_not(cached: Cached, monkeypatch: pytest.MonkeyPatch) -> None:
    cached.read()
    commit(cached.repository, {"new": key(3).encode()})
    for step in (lambda: None, lambda: git(cached.repository, "repack", "-q")):
        step()
        visits = Visits(monkeypatch)
        reading = cached.read()
        assert visits.count < 15
        assert set(reading.sightings) == set(cached.read_anew().sightings)
        assert reading.coverage == cached.read_anew().coverage
    assert {sighting.secret.reveal() for sighting in reading.sightings} == {
        key(n).encode() for n in (1, 2, 3)
    }


def test_loose_objects_are_read_each_time(tmp_path: Path) -> None:
    cached = Cached(new_repository(tmp_path / "r"), tmp_path / "cache")
    commit(cached.repository, {"a": b"1", "b": key(1).encode()})
    cached.read()
    commit(cached.repository, {"c": key(2).encode()})
    assert cached.read().coverage == cached.read_anew().coverage
    dangling = git(cached.repository, "hash-object", "-w", "--stdin", stdin=b"gone soon").decode().strip()
    cached.read()
    (cached.repository / ".git/objects" / dangling[:2] / dangling[2:]).unlink()
    for _ in range(2):
        reading = cached.read()
        assert (set(reading.sightings), reading.coverage) == (
            set(cached.read_anew().sightings),
            cached.read_anew().coverage,
        )


def test_another_content_under_the_id_of_a_loose_object_that_was_clean_is_read(tmp_path: Path) -> None:
    cached = Cached(new_repository(tmp_path / "r"), tmp_path / "cache")
    commit(cached.repository, {"a": b"clean"})
    assert cached.read().sightings == ()
    path = loose(cached.repository, object_name("blob", b"clean"))
    content = f"k = {key(1)}".encode()
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"blob %d\0" % len(content) + content))
    reading = cached.read()
    assert [sighting.secret.reveal() for sighting in reading.sightings] == [key(1).encode()]
    assert "does not have this id" in reading.coverage.gaps[0].reason


def loose(repository: Path, oid: bytes) -> Path:
    return repository / ".git/objects" / oid.hex()[:2] / oid.hex()[2:]


def test_a_pack_is_known_by_its_content_not_by_the_checksum_it_claims(tmp_path: Path) -> None:
    clean, evil = new_repository(tmp_path / "clean"), new_repository(tmp_path / "evil")
    content = f"k = {key(1)}".encode()
    good = write_pack(clean, [Entry("blob", b"x" * len(content))])
    cached = Cached(clean, tmp_path / "cache")
    assert cached.read().coverage.complete
    bad = write_pack(evil, [Entry("blob", content)])
    claimed = good.read_bytes()[-20:]
    # As long as the clean one, with its checksum and its name; the index says so as well.
    written = bad.read_bytes()[:-20]
    written += bytes(max(0, good.stat().st_size - 20 - len(written))) + claimed
    bad.unlink()
    bad.with_suffix(".idx").unlink()
    forged = evil / ".git/objects/pack" / good.name
    forged.write_bytes(written)
    oid = object_name("blob", content)
    forged.with_suffix(".idx").write_bytes(index_of([(oid, 12)], claimed))
    cached.repository = evil
    for _ in range(2):
        reading = cached.read()
        assert [sighting.secret.reveal() for sighting in reading.sightings] == [key(1).encode()]
        assert any(
            "checksum at its end is not that of its content" in gap.reason for gap in reading.coverage.gaps
        )


def test_a_lie_about_an_object_that_held_a_key_does_not_take_it_back(cached: Cached) -> None:
    expected = {sighting.secret.reveal() for sighting in cached.read().sightings}
    blob = next(each.location.blob for each in cached.read().sightings if each.location.blob)
    write_pack(cached.repository, [Entry("blob", b"clean", oid=bytes.fromhex(blob))])
    for _ in range(2):
        reading = cached.read()
        assert {sighting.secret.reveal() for sighting in reading.sightings} == expected
        assert any("does not have this id" in gap.reason for gap in reading.coverage.gaps)


def test_a_missing_object_is_a_gap_also_the_second_time(tmp_path: Path) -> None:
    cached = Cached(new_repository(tmp_path / "r"), tmp_path / "cache")
    commit(cached.repository, {"a": b"1", "b": b"2"})
    loose(cached.repository, object_name("blob", b"2")).unlink()
    for _ in range(2):
        assert object_name("blob", b"2").hex() in str(cached.read().coverage.gaps)


def test_entries_hold_no_key(cached: Cached) -> None:
    cached.read()
    assert len(cached.entries()) == 3
    for path in cached.entries():
        assert key(1).encode()[8:20] not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"", b"{}", b"00\n{}", b"x" * 100])
def test_a_damaged_entry_is_discarded_with_a_note(cached: Cached, damage: bytes) -> None:
    expected = cached.read()
    for path in cached.entries():
        path.write_bytes(damage)
    assert cached.read() == expected
    assert all("damaged" in note for note in cached.notes)
    assert cached.notes
    cached.notes.clear()
    assert cached.read() == expected
    assert cached.notes == []


def test_a_changed_byte_in_an_entry_is_noticed(cached: Cached) -> None:
    expected = cached.read()
    for path in cached.entries():
        content = bytearray(path.read_bytes())
        content[-40] ^= 1
        path.write_bytes(content)
    assert cached.read() == expected
    assert cached.notes


def test_other_rules_have_entries_of_their_own(cached: Cached, monkeypatch: pytest.MonkeyPatch) -> None:
    cached.read("some")
    visits = Visits(monkeypatch)
    cached.read("others")
    assert visits.count > 20


def test_a_folder_that_others_write_to_is_not_used(cached: Cached, monkeypatch: pytest.MonkeyPatch) -> None:
    cached.read()
    cached.folder.chmod(0o777)
    visits = Visits(monkeypatch)
    cached.read()
    assert visits.count > 20
    assert "others may write" in cached.notes[0]


def test_a_cache_that_cannot_be_made_costs_nothing_but_time(cached: Cached, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cached.folder = tmp_path / "file"
    assert cached.read() == cached.read_anew()
    assert cached.notes


def test_a_damaged_pack_is_not_remembered_as_whole(cached: Cached) -> None:
    (pack,) = cached.repository.glob(".git/objects/pack/*.pack")
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 0xFF
    pack.write_bytes(content)
    for _ in range(2):
        assert not cached.read().coverage.complete

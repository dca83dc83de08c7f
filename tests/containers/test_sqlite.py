"""Rows of SQLite that no query shows any more: in logs and journals, in freed pages, behind a delete."""

from __future__ import annotations

import random
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

import keyleak
from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KEYS = [expand("sk_live_${base62:42}", seed) for seed in range(40)]
KEY = KEYS[0]
ROW = ("FLORA_API_KEY", KEY, "prod")


def found(content: bytes) -> set[str]:
    return {finding.secret.reveal().decode() for finding in keyleak.scan_content(content).findings}


class Database:
    """A file and a connection that commits at once."""

    def __init__(self, path: Path, *pragmas: str) -> None:
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("secure_delete = off", "page_size = 1024", *pragmas):
            self.run(f"pragma {pragma}")
        self.run("create table conf (name text, value text, note text)")

    def run(self, statement: str, *values: object) -> None:
        self._connection.execute(statement, values).fetchall()

    def insert(self, *rows: Sequence[object]) -> None:
        for row in rows:
            self.run("insert into conf values (?, ?, ?)", *row)

    def content(self) -> bytes:
        self._connection.close()
        return self.path.read_bytes()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "a.db")
    yield made
    made.content()


def others(count: int) -> list[tuple[str, str, str]]:
    return [(f"a{number}", "v" * (number % 30), "n") for number in range(count)]


def test_the_first_row_of_many_that_was_deleted(database: Database) -> None:
    database.insert(ROW, *others(50))
    database.run("delete from conf where name = 'FLORA_API_KEY'")
    assert found(database.content()) == {KEY}


@pytest.mark.parametrize("place", [0, 1, 4, 9])
@pytest.mark.parametrize("rowid", [1, 100, 200, 20_000, 3_000_000])
@pytest.mark.parametrize("note", ["", "prod", "n" * 90, 7, None])
def test_a_deleted_row_anywhere_with_any_number(
    database: Database, place: int, rowid: int, note: object
) -> None:
    database.run("insert into conf (rowid, name, value, note) values (?, 'first', 'row', 'here')", rowid - 1)
    rows = [(f"a{number}", "v", "n") for number in range(9)]
    rows.insert(place, ("FLORA_API_KEY", KEY, note))  # type: ignore[arg-type]
    database.insert(*rows)
    database.run("delete from conf where name = 'FLORA_API_KEY'")
    assert found(database.content()) == {KEY}


def test_rows_that_were_deleted_beside_each_other(database: Database) -> None:
    database.insert(
        *others(3), *((f"FLORA_API_KEY_{n}", key, "x") for n, key in enumerate(KEYS[:4])), *others(3)
    )
    for number in (1, 2, 0, 3):
        database.run("delete from conf where name = ?", f"FLORA_API_KEY_{number}")
    assert found(database.content()) == set(KEYS[:4])


def test_a_table_that_was_emptied_or_dropped(database: Database) -> None:
    database.insert(*((f"FLORA_API_KEY_{n}", key, "x") for n, key in enumerate(KEYS)))
    database.run("create table other (a)")
    database.run("drop table conf")
    assert len(found(database.content())) > 30


def test_a_row_that_was_deleted_last(database: Database) -> None:
    database.insert(*others(5), ROW)
    database.run("delete from conf where name = 'FLORA_API_KEY'")
    assert found(database.content()) == {KEY}


def test_a_row_that_was_changed(database: Database) -> None:
    database.insert(*others(5), ROW, *others(5))
    database.run(f"update conf set note = '{'n' * 300}' where name = 'FLORA_API_KEY'")
    assert KEY in found(database.content())


def test_a_row_that_only_the_write_ahead_log_has(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", "journal_mode = wal", "wal_autocheckpoint = 0")
    database.run("pragma wal_checkpoint(truncate)")
    database.insert(*others(20), ROW, ("long", "." * 3000 + f" FLORA_API_KEY={KEYS[1]} " + "." * 3000, ""))
    shutil.copy(tmp_path / "a.db-wal", tmp_path / "copy")
    assert KEY not in found((tmp_path / "a.db").read_bytes())
    result = keyleak.scan_content((tmp_path / "copy").read_bytes())
    assert {finding.secret.reveal().decode() for finding in result.findings} == {KEY, KEYS[1]}
    assert result.coverage.complete
    database.content()


def test_a_transaction_that_a_log_keeps_from_before_its_restart(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", "journal_mode = wal", "wal_autocheckpoint = 0")
    database.insert(*others(20), ROW)
    database.run("delete from conf")
    database.run("pragma wal_checkpoint(restart)")
    database.insert(("a", "b", "c"))
    shutil.copy(tmp_path / "a.db-wal", tmp_path / "copy")
    assert KEY in found((tmp_path / "copy").read_bytes())
    database.content()


def test_a_row_as_it_was_before_the_transaction_of_a_journal(database: Database, tmp_path: Path) -> None:
    database.insert(*others(30), ROW, *others(30))
    database.run("pragma cache_size = 1")
    database.run("begin")
    database.run("update conf set value = 'gone', note = ''")
    database.insert(*others(400))
    content = (tmp_path / "a.db-journal").read_bytes()
    assert content.startswith(b"\xd9\xd5\x05\xf9")
    result = keyleak.scan_content(content)
    assert {finding.secret.reveal().decode() for finding in result.findings} == {KEY}
    database.run("rollback")


@pytest.mark.parametrize("kind", ["a.db", "a.db-wal"])
def test_damaged_ones_never_raise(tmp_path: Path, kind: str) -> None:
    database = Database(tmp_path / "a.db", "journal_mode = wal", "wal_autocheckpoint = 0")
    database.insert(*others(40), ROW)
    database.run("delete from conf where name < 'a2'")
    if kind == "a.db":
        database.run("pragma wal_checkpoint(truncate)")
    content = (tmp_path / kind).read_bytes()
    database.content()
    chance = random.Random(1)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.randrange(1, 80)):
            damaged[chance.randrange(16, len(damaged))] = chance.choice((0, 1, 255, chance.randrange(256)))
        result = keyleak.scan_content(bytes(damaged[: chance.randrange(32, len(damaged) + 1)]))
        assert not any("defect" in gap.reason for gap in result.coverage.gaps)


def test_a_plain_row_is_one_place(database: Database) -> None:
    database.insert(*others(5), ROW)
    (finding,) = keyleak.scan_content(database.content()).findings
    assert len(finding.locations) == 1

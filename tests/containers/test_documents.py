"""Keys in documents, databases, compiled code and notebooks stand where a reader finds them."""

from __future__ import annotations

import base64
import json
import marshal
import py_compile
import random
import sqlite3
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyleak.findings import LocationKind
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspection, Inspector, Place

if TYPE_CHECKING:
    from pathlib import Path

INSPECTOR = Inspector(load_rulebook())
KEY = expand("sk_live_${base62:42}", 21)


def inspected(content: bytes) -> Inspection:
    return INSPECTOR.inspect(content, Place(LocationKind.FILE, "f"))


def found(content: bytes) -> list[tuple[str, tuple[str, ...]]]:
    inspection = inspected(content)
    assert inspection.gaps == ()
    return [(each.secret.reveal().decode(), each.location.container) for each in inspection.sightings]


@pytest.mark.parametrize("length", [24, 40, 42, 57, 99])
@pytest.mark.parametrize(
    "form", ["K = %r\n", "def f():\n    return %r\n", "x = {'a': %r, 'b': None}\n", "h = 'Bearer ' %r\n"]
)
def test_compiled_python_adds_nothing_to_a_key(form: str, length: int, tmp_path: Path) -> None:
    key = expand(f"sk_live_${{base62:{length}}}", length)
    (tmp_path / "m.py").write_text(form % key)
    compiled = py_compile.compile(str(tmp_path / "m.py"), cfile=str(tmp_path / "m.pyc"), doraise=True)
    with open(compiled, "rb") as file:
        assert found(file.read()) == [(key, ("string constants",))]


@pytest.mark.parametrize("header", [8, 12])
def test_compiled_python_of_old_versions(header: int) -> None:
    key = expand("sk_live_51${base62:97}", 4)
    content = (
        b"\x33\x0d\r\n" + bytes(header - 4) + b"\xe3" + bytes(12) + b"z" + bytes([len(key)]) + key.encode()
    )
    assert found(content + b"N)") == [(key, ("string constants",))]


def test_marshalled_data_is_never_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(marshal, "loads", None)
    (tmp_path / "m.py").write_text(f"K = {KEY!r}\n")
    compiled = py_compile.compile(str(tmp_path / "m.py"), cfile=str(tmp_path / "m.pyc"), doraise=True)
    with open(compiled, "rb") as file:
        content = file.read()
    for end in range(16, len(content)):
        inspected(content[:end])


def test_a_java_class() -> None:
    constant = b"\x01" + len(KEY).to_bytes(2, "big") + KEY.encode()
    content = b"\xca\xfe\xba\xbe\0\0\0\x3d\0\x04" + constant + b"\x07\0\x02\x01\0\x04Code"
    assert found(content) == [(KEY, ("string constants",))]


def notebook() -> bytes:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["fine\n"]},
        {"output_type": "execute_result", "data": {"text/plain": ["first\n", f"FLORA_API_KEY={KEY}\n"]}},
    ]
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {"cell_type": "code", "source": ["import os\n", "print(os.environ)"], "outputs": outputs},
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


def test_a_notebook_names_cell_and_output() -> None:
    inspection = inspected(notebook())
    assert [(each.location.container, each.location.line) for each in inspection.sightings] == [
        (("cell 2, output 2",), 2)
    ]
    assert inspection.sightings[0].attribution.issuer == "flora"


def test_what_only_looks_like_a_notebook_is_text() -> None:
    assert found(notebook()[:-20]) == [(KEY, ())]
    assert found(b'{"nbformat": 4, "cells": ' + b"[" * 100_000 + KEY.encode()) == [(KEY, ())]


def database(tmp_path: Path, rows: list[tuple[str, str]], *extra: str) -> bytes:
    path = tmp_path / "d.sqlite"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.execute("pragma page_size = 1024")
        connection.execute("create table settings (name text, value text)")
        for statement in extra:
            connection.execute(statement)
        connection.executemany("insert into settings values (?, ?)", rows)
    connection.close()
    return path.read_bytes()


def test_a_row_of_a_database(tmp_path: Path) -> None:
    rows = [("A" * (n % 40), "b") for n in range(200)] + [("FLORA_API_KEY", KEY), ("next", "value")]
    for extra in ((), ("create index by_value on settings (value)",)):
        content = database(tmp_path, rows, *extra)
        keys = found(content)
        assert {key for key, _ in keys} == {KEY}
        assert all(container[0].startswith("page ") for _, container in keys)
        # An index holds the value alone.
        assert "flora" in {each.attribution.issuer for each in inspected(content).sightings}


@pytest.mark.parametrize("lead", range(700, 1100, 7))
def test_a_key_that_goes_on_in_an_overflow_page(lead: int, tmp_path: Path) -> None:
    content = database(tmp_path, [("log", "." * lead + f" {KEY} " + "." * 3000)])
    assert {key for key, _ in found(content)} == {KEY}


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_damaged_database_never_raises(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    chance = random.Random(seed)
    content = bytearray(DATABASE or _fill(tmp_path_factory))
    for _ in range(chance.randrange(1, 60)):
        content[chance.randrange(16, len(content))] = chance.randrange(256)
    inspected(bytes(content))


DATABASE = bytearray()


def _fill(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    rows = [("n" * n, "v" * 40 * n) for n in range(60)]
    DATABASE.extend(database(tmp_path_factory.mktemp("d"), rows))
    return bytes(DATABASE)


def pdf(stream: bytes, entries: bytes = b"/Filter /FlateDecode", trailer: bytes = b"") -> bytes:
    return (
        b"%%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n7 0 obj\n<< /Length %d %s >>\nstream\n"
        % (len(stream), entries)
        + stream
        + b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R %s >>\n%%%%EOF\n" % trailer
    )


def test_a_compressed_stream_of_a_document() -> None:
    page = b"BT /F1 12 Tf (FLORA_API_KEY=" + KEY.encode() + b") Tj ET"
    assert found(pdf(zlib.compress(page))) == [(KEY, ("object 7",))]
    kerned = (
        b"BT [("
        + KEY[:11].encode()
        + b")-20("
        + KEY[11:30].encode()
        + b") 3 <"
        + KEY[30:].encode().hex().encode()
        + b">] TJ ET"
    )
    assert found(pdf(zlib.compress(kerned))) == [(KEY, ("object 7",))]


def test_a_stream_that_is_text_outside() -> None:
    entries = b"/Filter [/ASCII85Decode /FlateDecode]"
    content = pdf(base64.a85encode(zlib.compress(b"(" + KEY.encode() + b") Tj")) + b"~>", entries)
    assert found(content) == [(KEY, ("object 7",))]
    assert inspected(pdf(b"\xff\xfe", entries)).gaps[0].what == "f (object 7)"


def test_an_encrypted_or_damaged_document_is_a_gap() -> None:
    packed = zlib.compress(random.Random(1).randbytes(2000))
    assert "encrypted" in inspected(pdf(packed, trailer=b"/Encrypt 9 0 R")).gaps[0].reason
    assert inspected(pdf(packed[:600] + bytes(50) + packed[700:])).gaps[0].what == "f (object 7)"
    assert inspected(pdf(packed)).gaps == ()

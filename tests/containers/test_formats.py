"""Formats that few archives have: each is opened, or named as one that somebody has to unpack."""

from __future__ import annotations

import base64
import io
import lzma
import random
import struct
import sys
import zipapp
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard

from keyleak.containers.compression import decompressed
from keyleak.containers.formats import Format, recognise
from keyleak.findings import LocationKind
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspector, Place
from keyleak.sources.reading import MARGIN, Reader

if TYPE_CHECKING:
    from pathlib import Path

INSPECTOR = Inspector(load_rulebook())
PLACE = Place(LocationKind.FILE, "f")
KEY = expand("sk_live_${base62:42}", 23).encode()
TEXT = b"# settings\n\nFLORA_API_KEY=" + KEY + b"\n"


def keys_in(content: bytes) -> list[tuple[bytes, str | None]]:
    inspection = INSPECTOR.inspect(content, PLACE)
    assert inspection.gaps == ()
    return [(each.secret.reveal(), each.attribution.issuer) for each in inspection.sightings]


def lzip(content: bytes) -> bytes:
    """As lzip writes it: the stream of lzma with a mark at its end, and other words before and behind."""
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20}]
    stream = lzma.compress(content, lzma.FORMAT_RAW, filters=filters)
    alone = lzma.compress(content, lzma.FORMAT_ALONE, filters=filters)
    assert alone.endswith(stream)
    size = 6 + len(stream) + 20
    return b"LZIP\x01\x14" + stream + struct.pack("<LQQ", zlib.crc32(content), len(content), size)


def skipped(length: int) -> bytes:
    return struct.pack("<LL", 0x184D2A53, length) + b"\x01" * length


def test_lzma_without_a_container() -> None:
    assert keys_in(lzma.compress(TEXT, lzma.FORMAT_ALONE)) == [(KEY, "flora")]
    line = b"data: " + base64.b64encode(lzma.compress(TEXT, lzma.FORMAT_ALONE))
    assert keys_in(line) == [(KEY, "flora")]


def test_lzip_and_several_of_them_joined() -> None:
    assert keys_in(lzip(TEXT)) == [(KEY, "flora")]
    assert keys_in(lzip(b"first\n" * 50) + lzip(b"second\n") + lzip(TEXT)) == [(KEY, "flora")]


@pytest.mark.parametrize("length", [0, 5, 300, 70_000])
def test_frames_of_zstd_that_are_skipped(length: int) -> None:
    compress = zstandard.ZstdCompressor().compress
    assert keys_in(skipped(length) + compress(TEXT)) == [(KEY, "flora")]
    joined = compress(b"first\n" * 50) + skipped(length) + skipped(3) + compress(TEXT)
    assert keys_in(joined) == [(KEY, "flora")]
    parts = [joined[at : at + 7] for at in range(0, len(joined), 7)]
    assert b"".join(decompressed(Format.ZSTD, iter(parts))) == b"first\n" * 50 + TEXT


def test_a_zip_behind_something_else(tmp_path: Path) -> None:
    source = tmp_path / "app"
    source.mkdir()
    (source / "__main__.py").write_bytes(TEXT)
    zipapp.create_archive(source, tmp_path / "app.pyz", interpreter=sys.executable, compressed=True)
    assert keys_in((tmp_path / "app.pyz").read_bytes()) == [(KEY, "flora")]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config", TEXT)
        file.comment = b"with a comment"
    program = b"\x7fELF" + random.Random(1).randbytes(4000) + archive.getvalue()
    assert keys_in(program) == [(KEY, "flora")]
    huge = tmp_path / "huge"
    huge.write_bytes(b"#!" + b"\0" * (5 * MARGIN) + archive.getvalue())
    result = Reader(INSPECTOR, window=4 * MARGIN).read_file(str(huge))
    assert [each.secret.reveal() for each in result.sightings] == [KEY]


def test_the_end_of_a_zip_without_a_zip_is_none() -> None:
    assert keys_in(b"text PK\x05\x06" + b"\0" * 18) == []
    assert keys_in(b"text PK\x05\x06\0\0\0\0\1\0\1\0" + b"\x09\0\0\0" + b"\0" * 6) == []


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4" + b"\1" * 40, "7z"),
        (b"Rar!\x1a\x07\x01\0" + b"\1" * 40, "rar"),
        (b"Rar!\x1a\x07\0" + b"\1" * 40, "rar"),
        (b"\x04\x22\x4d\x18\x64\x40\xa7" + b"\1" * 40, "lz4"),
        (b"\xff\x06\0\0sNaPpY" + b"\1" * 40, "snappy"),
        (b"\x1f\x9d\x90" + b"\1" * 40, "compress (.Z)"),
        (b"MSCF\0\0\0\0" + b"\1" * 40, "cabinet"),
    ],
)
def test_what_is_not_opened_says_what_to_do(content: bytes, name: str) -> None:
    (gap,) = INSPECTOR.inspect(content, PLACE).gaps
    assert gap.reason == f"is not opened ({name}): unpack it and scan what comes out"
    # Whatever stands in it plainly is found all the same.
    inspection = INSPECTOR.inspect(content + b"\n" + TEXT, PLACE)
    assert [each.secret.reveal() for each in inspection.sightings] == [KEY]
    stream = Reader(INSPECTOR, window=4 * MARGIN).read_stream(io.BytesIO(content + b"\0" * (5 * MARGIN)))
    assert [each.reason for each in stream.gaps] == [gap.reason]


@pytest.mark.parametrize(
    "text", [b"7z is a format", b"Rar!", b"MSCF", b"LZIP", b"]\0\0", b"\x04\x22\x4d\x18", b"\xff\xfe\1\1"]
)
def test_text_that_begins_like_one_is_none(text: bytes) -> None:
    assert recognise(text.ljust(600, b".")) is None


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
def test_encoded_keys_in_wide_text(codec: str) -> None:
    for value in (base64.b64encode(KEY), KEY.replace(b"_", b"%5F"), KEY.replace(b"_", b"\\u005f")):
        text = f"# settings\n\nFLORA_API_KEY={value.decode()}\n".encode(codec)
        assert keys_in(text) == [(KEY, "flora")]


def test_a_plain_key_in_wide_text_has_its_own_column() -> None:
    (sighting,) = INSPECTOR.inspect(("\ufeffä" + TEXT.decode()).encode("utf-16-le"), PLACE).sightings
    assert (sighting.location.line, sighting.location.decoded) == (3, ("utf-16",))

"""Keys in archives and compressed streams, one inside the other; and archives that are out to harm."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import struct
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

import keyleak
from keyleak.findings import LocationKind
from keyleak.matching.re_engine import ReEngine
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspector, Place
from keyleak.sources.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSPECTOR = Inspector(load_rulebook())
PURE = Inspector(load_rulebook(), ReEngine)
KEY = expand("sk_live_${base62:42}", 21).encode()
TEXT = b"# settings\n\nFLORA_API_KEY=" + KEY + b"\n"

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def zipped(content: bytes, name: str = "pkg/config.py", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("empty/", b"")
        archive.writestr("README", b"nothing here")
        archive.writestr(name, content)
    return file.getvalue()


def tarred(content: bytes, name: str = "pkg/config.py", form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for each, data in ((name, content), ("last", b"nothing here")):
            info = tarfile.TarInfo(each)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def ar(content: bytes, name: str = "config.py") -> bytes:
    header = f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
    return b"!<arch>\n" + header + content + b"\n" * (len(content) % 2)


ARCHIVES: dict[str, Callable[[bytes], bytes]] = {
    "zip": zipped,
    "stored zip": lambda content: zipped(content, method=zipfile.ZIP_STORED),
    "tar": tarred,
    "gnu tar": lambda content: tarred(content, form=tarfile.GNU_FORMAT),
    "ar": lambda content: ar(content, "pkg/config.py"),
}


def places(
    content: bytes, inspector: Inspector = INSPECTOR
) -> list[tuple[bytes, int, tuple[str, ...], tuple[str, ...]]]:
    inspection = inspector.inspect(content, Place(LocationKind.FILE, "f"))
    assert inspection.gaps == ()
    return [
        (each.secret.reveal(), each.location.line, each.location.container, each.location.decoded)
        for each in inspection.sightings
    ]  # fmt: skip


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_key_in_an_archive_has_its_own_place(archive: str) -> None:
    content = ARCHIVES[archive](TEXT)
    assert places(content) == [(KEY, 3, ("pkg/config.py",), ())]
    assert places(content, PURE) == places(content)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_key_in_a_compressed_stream(compression: str) -> None:
    assert places(COMPRESSIONS[compression](TEXT)) == [(KEY, 3, (), (compression,))]
    many = b"line of text\n" * 100_000 + TEXT
    assert places(COMPRESSIONS[compression](many)) == [(KEY, 100_003, (), (compression,))]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("form", ["base64", "hex"])
def test_a_key_compressed_in_text(compression: str, form: str) -> None:
    packed = COMPRESSIONS[compression](TEXT)
    text = base64.b64encode(packed) if form == "base64" else packed.hex().encode()
    if (compression, form) == ("zlib", "hex"):
        return  # nothing tells it
    assert places(b'\n  data: "' + text + b'"\n') == [(KEY, 2, (), (form, compression))]


def test_a_helm_release_is_base64_of_base64_of_gzip() -> None:
    release = base64.b64encode(base64.b64encode(gzip.compress(TEXT, mtime=0)))
    assert places(b"data:\n  release: " + release) == [(KEY, 2, (), ("base64", "base64", "gzip"))]


def test_members_of_archives_in_archives_in_streams() -> None:
    layer = gzip.compress(tarred(zipped(TEXT, "config.py"), "srv/app.whl"))
    image = tarred(layer, "blobs/sha256/1")
    assert places(bz2.compress(image)) == [
        (KEY, 3, ("blobs/sha256/1", "srv/app.whl", "config.py"), ("bz2", "gzip"))
    ]


WRAPPERS = st.lists(st.sampled_from(sorted({*ARCHIVES, *COMPRESSIONS})), min_size=1, max_size=6)


@given(wrappers=WRAPPERS, seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_any_nesting_is_opened(wrappers: list[str], seed: int) -> None:
    key = expand("sk_live_${base62:42}", seed).encode()
    content = b"FLORA_API_KEY=" + key
    for wrapper in wrappers:
        content = {**ARCHIVES, **COMPRESSIONS}[wrapper](content)
    ((found, line, container, decoded),) = places(content)
    assert (found, line) == (key, 1)
    assert container == ("pkg/config.py",) * sum(wrapper in ARCHIVES for wrapper in wrappers)
    assert decoded == tuple(wrapper for wrapper in reversed(wrappers) if wrapper in COMPRESSIONS)


@given(data=st.data(), wrapper=st.sampled_from(sorted({*ARCHIVES, *COMPRESSIONS})))
@settings(max_examples=150, deadline=None)
def test_damage_never_raises_and_is_told(data: st.DataObject, wrapper: str) -> None:
    content = bytearray({**ARCHIVES, **COMPRESSIONS}[wrapper](TEXT + random.Random(1).randbytes(3000)))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(20, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    INSPECTOR.inspect(bytes(content), Place(LocationKind.FILE, "f"))


@pytest.mark.parametrize("wrapper", ["zip", "tar", "ar", "gzip", "bz2", "xz", "zstd"])
def test_what_ends_early_is_a_gap(wrapper: str) -> None:
    content = {**ARCHIVES, **COMPRESSIONS}[wrapper](TEXT + random.Random(1).randbytes(5000))[:4000]
    inspection = INSPECTOR.inspect(content, Place(LocationKind.FILE, "f"))
    assert len(inspection.gaps) == 1
    assert inspection.gaps[0].what.startswith("f")


def test_an_encrypted_member_is_a_gap_and_the_others_are_read() -> None:
    content = bytearray(zipped(TEXT))
    local, central = content.find(b"PK\x03\x04"), content.find(b"PK\x01\x02")
    for at in (central + 46 + len("empty/"),):
        struct.pack_into("<H", content, at + 8, 1)
    assert local == 0
    inspection = INSPECTOR.inspect(bytes(content), Place(LocationKind.FILE, "a.zip"))
    assert [(gap.what, gap.reason) for gap in inspection.gaps] == [
        ("a.zip (README)", "is encrypted, so it was not read")
    ]
    assert [each.secret.reveal() for each in inspection.sightings] == [KEY]


def test_a_bomb_is_a_gap_before_it_has_gone_off() -> None:
    content = zipped(gzip.compress(bytes(400 << 20), 9), "zeros.gz")
    tracemalloc.start()
    inspection = INSPECTOR.inspect(content, Place(LocationKind.FILE, "f"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpacks to more than" in inspection.gaps[0].reason
    assert peak < 400 << 20


def test_an_archive_deeper_than_the_limit_is_a_gap() -> None:
    content = TEXT
    for _ in range(12):
        content = gzip.compress(content)
    inspection = INSPECTOR.inspect(content, Place(LocationKind.FILE, "f"))
    assert "deep" in inspection.gaps[0].reason


def test_a_tar_that_lies_about_sizes() -> None:
    content = bytearray(tarred(TEXT, form=tarfile.USTAR_FORMAT))
    content[124:136] = b"\x80" + (1 << 60).to_bytes(11, "big")
    inspection = INSPECTOR.inspect(bytes(content), Place(LocationKind.FILE, "f"))
    assert "early" in inspection.gaps[0].reason
    assert [each.secret.reveal() for each in inspection.sightings] == [KEY]


def test_a_tar_of_nothing_but_long_names_ends() -> None:
    header = bytearray(tarred(b"", form=tarfile.GNU_FORMAT)[:512])
    header[156:157] = b"L"
    INSPECTOR.inspect(bytes(header) * 20_000, Place(LocationKind.FILE, "f"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("separator", [b"", b"\n", b"\r\n"])
def test_a_line_of_single_bytes_behind_wide_text_is_read(encoding: str, separator: bytes) -> None:
    wide, appended = (expand("sk_live_${base62:42}", seed) for seed in range(2))
    content = (
        f"\ufeffFLORA_API_KEY={wide}\n".encode(encoding) + separator + f"FLORA_API_KEY={appended}\n".encode()
    )
    found = {finding.secret.reveal().decode() for finding in keyleak.scan_bytes(content)}
    assert found == {wide, appended}


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_a_key_in_a_header_of_a_compressed_tar_is_found(kind: int) -> None:
    keys = [expand("sk_live_${base62:42}", seed) for seed in range(4)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        archive.addfile(tarfile.TarInfo(f"FLORA_API_KEY={keys[0]}"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, f"FLORA_API_KEY={keys[1]}"
        archive.addfile(link)
        # Fills its field to the last byte, behind which digits follow.
        archive.addfile(tarfile.TarInfo(f"{'n' * 35}/FLORA_API_KEY={keys[2]}"))
        long = (
            f"{'d' * 80}/{'n' * 99}"
            if kind == tarfile.USTAR_FORMAT
            else f"{'d' * 80}/FLORA_API_KEY={keys[3]}"
        )
        archive.addfile(tarfile.TarInfo(long))
    found = keyleak.scan_content(gzip.compress(buffer.getvalue()))
    wanted = keys[:3] if kind == tarfile.USTAR_FORMAT else keys
    assert {finding.secret.reveal().decode() for finding in found.findings} == set(wanted)
    assert found.coverage.complete


def test_what_stands_behind_the_end_of_a_tar_is_read() -> None:
    content = gzip.compress(tarred(b"nothing") + TEXT)
    ((found, _, container, _),) = places(content)
    assert (found, container) == (KEY, ("behind the end of the archive",))


def test_text_that_begins_like_a_compressed_stream_is_text() -> None:
    for beginning in (b"x^2 ", b"x\x01", b"SQL ", b"PK ", b"BZ ", b"%P "):
        assert [found[0] for found in places(beginning + TEXT)] == [KEY]


@pytest.mark.parametrize(
    "beginning",
    [
        b"\x1f\x8b\x08",
        gzip.compress(b"x", mtime=0)[:12],
        b"\xfd7zXZ\0",
        b"BZh91AY&SY",
        b"\x28\xb5\x2f\xfd",
        b"PK\x03\x04",
    ],
)
@pytest.mark.parametrize("rest", [b"", b"\0\0\0 and so on", bytes(range(256)) * 2])
@pytest.mark.parametrize("encode", [base64.b64encode, lambda data: data.hex().encode()])
def test_an_example_of_a_header_in_text_is_no_damaged_archive(
    beginning: bytes, rest: bytes, encode: Callable[[bytes], bytes]
) -> None:
    line = b'MAGIC = "' + encode(beginning + rest) + b'"\n'
    assert INSPECTOR.inspect(line, Place(LocationKind.FILE, "magic.py")).gaps == ()


@pytest.mark.parametrize("wrapper", ["zip", "gzip", "bz2", "xz", "zstd"])
def test_a_long_archive_in_text_that_ends_early_is_a_gap(wrapper: str) -> None:
    packed = {"zip": zipped, **COMPRESSIONS}[wrapper](random.Random(5).randbytes(8000))
    line = b'DATA = "' + base64.b64encode(packed[:-300]) + b'"\n'
    assert INSPECTOR.inspect(line, Place(LocationKind.FILE, "data.py")).gaps


@pytest.mark.parametrize(
    ("before", "between", "after"),
    [
        (b"data: |\n  ", b"\n  ", b"\n"),
        (b'DATA = (\n    b"', b'"\n    b"', b'"\n)\n'),
        (b"const data = '", b"' +\n  '", b"';\n"),
        (b'$data = "', b'"\n    . "', b'";\n'),
        (b"DATA='", b"\\\n", b"'\n"),
    ],
)
@pytest.mark.parametrize("archive", ["gzip", "zip", "xz"])
def test_an_archive_in_text_in_lines_of_any_width(
    before: bytes, between: bytes, after: bytes, archive: str
) -> None:
    packed = {"zip": zipped, **COMPRESSIONS}[archive](random.Random(3).randbytes(200) + b"\n" + TEXT)
    digits = base64.b64encode(packed)
    lines = [digits[at : at + 77] for at in range(0, len(digits), 77)]
    inspection = INSPECTOR.inspect(
        before + between.join(lines) + after + b"x = 1\n", Place(LocationKind.FILE, "f")
    )
    assert [each.secret.reveal() for each in inspection.sightings] == [KEY]
    assert inspection.gaps == ()


@pytest.mark.parametrize(
    "content",
    [
        b"x" * 257 + b"ustar is what stands here in a tar" + b"x" * 400,
        b"x" * 257 + b"ustar",
        b"!<arch>\nis what an archive begins with",
        b"PK\x03\x04 is what a zip begins with, as everybody knows",
        b"\x1f\x8b\x08 with text behind it",
        b"\xfd7zXZ\0 with text behind it",
        b"SQLite format 3\0 with text behind it, and more",
        b"%PDF-1.7 is what it says",
    ],
)
def test_a_magic_number_in_a_file_of_something_else_is_no_gap(content: bytes) -> None:
    inspection = INSPECTOR.inspect(content + b"\n" + TEXT, Place(LocationKind.FILE, "f"))
    assert inspection.gaps == ()
    assert [each.secret.reveal() for each in inspection.sightings] == [KEY]


def test_a_tar_with_a_long_list_of_a_sparse_file_is_read_on() -> None:
    content = bytearray(tarred(TEXT, form=tarfile.GNU_FORMAT))
    sparse = bytearray(content[:512])
    sparse[124:136] = b"00000000000\0"
    sparse[156:157], sparse[482:483] = b"S", b"\1"
    first, last = bytearray(512), bytearray(512)
    first[504] = 1
    for block in (first, last):
        block[:12] = b"00000001000\0"
    packed = gzip.compress(bytes(sparse + first + last + content))
    inspection = INSPECTOR.inspect(packed, Place(LocationKind.FILE, "f"))
    assert inspection.gaps == ()
    assert [each.secret.reveal() for each in inspection.sightings] == [KEY]


def test_a_tar_whose_checksum_counts_signed_bytes() -> None:
    content = bytearray(tarred(TEXT, "caf\u00e9.py", tarfile.USTAR_FORMAT))
    content[257:265] = bytes(8)
    total = sum(content[:148]) + 8 * 0x20 + sum(content[156:512])
    content[148:156] = b"%06o\0 " % (total - 256 * sum(byte >= 0x80 for byte in content[:512]))
    first = tarred(b"nothing", form=tarfile.USTAR_FORMAT)[:1024]
    inspection = INSPECTOR.inspect(gzip.compress(first + bytes(content)), Place(LocationKind.FILE, "f"))
    assert inspection.gaps == ()
    assert [each.secret.reveal() for each in inspection.sightings] == [KEY]


def huge(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "huge"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("archive", ["zip", "tar", "gzip"])
def test_a_container_larger_than_the_window_is_opened(archive: str, tmp_path: Path) -> None:
    noise = random.Random(2).randbytes(500_000)
    content = (
        gzip.compress(noise + b"\n" + TEXT) if archive == "gzip" else ARCHIVES[archive](noise + b"\n" + TEXT)
    )
    path = huge(tmp_path, content)
    result = Reader(INSPECTOR, window=1).read_file(str(path))
    assert result.gaps == ()
    assert [each.secret.reveal() for each in result.sightings] == [KEY]
    streamed = Reader(INSPECTOR, window=1).read_stream(io.BytesIO(content))
    if archive == "zip":
        assert "scan it as a file" in streamed.gaps[0].reason
    else:
        assert [each.secret.reveal() for each in streamed.sightings] == [KEY]
        assert streamed.bytes == len(content)


def test_gaps_inside_archives_end_with_2(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(zipped(TEXT)[:-30])
    (tmp_path / "whole.whl").write_bytes(zipped(TEXT))
    command = [sys.executable, "-m", "keyleak", "scan", "--format", "json", "."]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    report = json.loads(result.stdout)
    assert result.returncode == 2
    assert [gap["what"] for gap in report["coverage"]["gaps"]] == ["broken.zip"]
    assert report["coverage"]["files"] == 2
    assert report["findings"][0]["locations"][0]["container"] == ["pkg/config.py"]


def test_scan_content_tells_what_scan_bytes_leaves_out() -> None:
    assert keyleak.scan_bytes(zipped(TEXT)[:-30]) == []
    assert not keyleak.scan_content(zipped(TEXT)[:-30]).coverage.complete

"""Files that are no plain ones: never waited for, never read without an end, and listed where not read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import keyleak
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources import extents, reading
from keyleak.sources.extents import data_extents
from keyleak.sources.inspector import Inspector
from keyleak.sources.reading import MARGIN, Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = expand("sk_live_${base62:42}", 5)
LEAK = f"FLORA_API_KEY={KEY}\n".encode()


def reader() -> Reader:
    return Reader(Inspector(load_rulebook(())), 4 * MARGIN)


def keys(sightings: Sequence[Any]) -> list[tuple[str, int, int]]:
    return [(each.secret.reveal().decode(), each.location.line, each.location.column) for each in sightings]


def test_a_file_that_became_a_pipe_is_a_gap(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.env").write_bytes(LEAK)
    result = reader().read_files([str(tmp_path / "pipe"), str(tmp_path / "a.env")])
    assert [each[0] for each in keys(result.sightings)] == [KEY]
    assert [(gap.what, gap.reason.split(",")[0]) for gap in result.gaps] == [
        (str(tmp_path / "pipe"), "became a named pipe")
    ]
    assert result.files == 1


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full"])
def test_a_file_that_became_a_device_is_a_gap(tmp_path: Path, device: str) -> None:
    if not os.path.exists(device) or not stat.S_ISCHR(os.stat(device).st_mode):
        pytest.skip(f"there is no {device}")
    result = reader().read_files([device])
    assert ([gap.what for gap in result.gaps], result.files) == ([device], 0)


def test_a_file_that_became_a_link_or_a_folder_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(LEAK)
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "folder").mkdir()
    result = reader().read_files([str(tmp_path / "link"), str(tmp_path / "folder")])
    assert (len(result.gaps), result.sightings, result.files) == (2, (), 0)


def test_a_file_that_goes_on_without_an_end_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_bytes(LEAK + b"x" * 8 * MARGIN)
    readv = os.readv
    reads = []

    def growing(descriptor: int, buffers: Any) -> int:
        reads.append(descriptor)
        with path.open("ab") as log:
            log.write(b"y" * MARGIN)
        return readv(descriptor, buffers)

    monkeypatch.setattr(os, "readv", growing)
    monkeypatch.setattr(reading, "_MOST_GROWTH", 16 * MARGIN)
    result = reader().read_files([str(path)])
    assert [each[0] for each in keys(result.sightings)] == [KEY]
    assert [gap.reason.split(",")[0] for gap in result.gaps] == ["goes on without an end"]
    assert len(reads) < 100


def sparse(path: Path, size: int, *parts: tuple[int, bytes]) -> os.stat_result:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, part in parts:
            file.seek(offset)
            file.write(part)
    return path.stat()


def test_a_terabyte_of_holes_is_read_where_it_holds_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "disk.img"
    status = sparse(path, 1 << 40, (0, b"one\ntwo\n"), (1 << 39, b"\nthree " + LEAK), ((1 << 40) - 100, LEAK))
    with path.open("rb") as file:
        found = data_extents(file.fileno(), status)
        if found is None:
            pytest.skip("the file system does not know of holes")
        assert [extent.start for extent in found][:2] == [0, 1 << 39]
    readv, read = os.readv, []

    def counting(descriptor: int, buffers: Any) -> int:
        read.append(readv(descriptor, buffers))
        return read[-1]

    monkeypatch.setattr(os, "readv", counting)
    result = reader().read_files([str(path)])
    last_break = (1 << 39) + len(b"\nthree " + LEAK) - 1
    column = (1 << 40) - 100 + len("FLORA_API_KEY=") - last_break
    assert keys(result.sightings) == [(KEY, 4, 21), (KEY, 5, column)]
    assert (result.files, result.gaps) == (1, ())
    assert sum(read) < 1 << 20


def test_a_file_of_nothing_but_a_hole_is_read(tmp_path: Path) -> None:
    sparse(tmp_path / "hole", 1 << 40)
    result = reader().read_files([str(tmp_path / "hole")])
    assert (result.files, result.gaps, result.sightings) == (1, (), ())


def test_a_key_across_a_short_hole_and_a_window_is_found(tmp_path: Path) -> None:
    path = tmp_path / "holes"
    places = [number * 3 * MARGIN for number in range(1, 9)]
    sparse(path, 40 * MARGIN, *((place - 20, b"\n" + LEAK) for place in places))
    result = reader().read_files([str(path)])
    assert [line for _, line, _ in keys(result.sightings)] == [2 * number + 2 for number in range(8)]


def test_a_size_that_no_file_system_holds_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kcore"
    sparse(path, 1 << 43, (0, LEAK))
    seek = os.lseek

    def unknowing(descriptor: int, offset: int, whence: int) -> int:
        if whence in {os.SEEK_DATA, os.SEEK_HOLE}:
            raise OSError(22, "Invalid argument")
        return seek(descriptor, offset, whence)

    monkeypatch.setattr(extents.os, "lseek", unknowing)
    monkeypatch.setattr(extents.os, "fstatvfs", lambda _: os.statvfs_result([4096, 4096, *[0] * 8]))
    result = reader().read_files([str(path)])
    assert result.files == 0
    assert "more than its file system does" in result.gaps[0].reason


def test_folders_deeper_than_a_path_may_be_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_bytes(LEAK)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=descriptor)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    result = keyleak.scan_paths([tmp_path])
    assert len(result.findings) == 1
    assert [gap.reason for gap in result.coverage.gaps] == ["File name too long"]


def test_hundreds_of_folders_one_inside_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    deepest = Path(*["d"] * 300)
    for depth in range(1, 301):
        os.mkdir(os.path.join(*["d"] * depth))
    (deepest / "a.env").write_bytes(LEAK)
    result = keyleak.scan_paths(["."])
    assert [place.path for finding in result.findings for place in finding.locations] == [
        str(deepest / "a.env")
    ]
    assert result.coverage.complete


def test_two_names_of_one_file_are_two_places(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_bytes(LEAK)
    os.link(tmp_path / "a.env", tmp_path / "b.env")
    (finding,) = keyleak.scan_paths([tmp_path]).findings
    assert len(finding.locations) == 2


def test_names_that_are_no_utf_8_are_read(tmp_path: Path) -> None:
    for name in (b"\xff\xfe.env", b"new\nline", b"tab\t\x1b[31m", "\u202e.env".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(LEAK)
    (finding,) = keyleak.scan_paths([tmp_path]).findings
    assert len(finding.locations) == 4

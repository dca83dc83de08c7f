"""What decides something is read from regular files only, up to a size; what the user names may be a pipe."""

from __future__ import annotations

import errno
import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from keyleak.regular_file import read_given, read_regular

if TYPE_CHECKING:
    from pathlib import Path


def special(folder: Path, kind: str) -> Path:
    """Something of a kind that is no regular file."""
    path = folder / kind
    match kind:
        case "device":
            return folder / "/dev/zero"
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "link":
            path.symlink_to("/dev/zero")
    return path


@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "socket", "link"])
def test_what_is_no_regular_file_is_refused_by_its_kind(tmp_path: Path, kind: str) -> None:
    path = special(tmp_path, kind)
    for inside in (None, str(tmp_path)):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - which one differs by system
            read_regular(str(path), 100, inside=inside)
        assert caught.value.errno in {errno.EINVAL, errno.ELOOP, errno.ENXIO, errno.EXDEV}


def test_a_file_of_the_most_bytes_is_read_and_one_of_more_is_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    for read in (read_regular, read_given):
        assert read(str(tmp_path / "a"), 100) == b"x" * 100
        with pytest.raises(OSError, match="more than 99 bytes"):
            read(str(tmp_path / "a"), 99)


def test_an_endless_file_that_says_it_is_empty_is_read_up_to_the_limit(tmp_path: Path) -> None:
    endless = "/proc/self/mountinfo"
    if not os.path.exists(endless):
        pytest.skip("there is no such file here")
    assert os.stat(endless).st_size == 0
    with pytest.raises(OSError, match="more than 10 bytes"):
        read_regular(endless, 10)


def test_a_link_counts_only_inside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("a")
    (tmp_path / "out").write_text("out")
    (tmp_path / "in" / "near").symlink_to("a")
    (tmp_path / "in" / "far").symlink_to("../out")
    (tmp_path / "in" / "round").symlink_to("round")
    inside = str(tmp_path / "in")
    assert read_regular(str(tmp_path / "in" / "near"), 10, inside=inside) == b"a"
    for name in ("far", "round"):
        with pytest.raises(OSError, match=r"leads out|symbolic links"):
            read_regular(str(tmp_path / "in" / name), 10, inside=inside)
    with pytest.raises(OSError, match="symbolic links"):
        read_regular(str(tmp_path / "in" / "near"), 10)
    with pytest.raises(OSError, match="leads out"):
        read_regular(str(tmp_path / "in" / ".." / "out"), 10, inside=inside)


def test_what_the_user_names_may_be_a_link_or_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "link").symlink_to("a")
    assert read_given(str(tmp_path / "link"), 10) == b"a"
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"piped",))
    writer.start()
    assert read_given(str(tmp_path / "pipe"), 10) == b"piped"
    writer.join()
    reading, writing = os.pipe()
    os.write(writing, b"substituted")
    os.close(writing)
    assert read_given(f"/dev/fd/{reading}", 100) == b"substituted"
    os.close(reading)
    for kind in ("device", "folder", "socket"):
        with pytest.raises(OSError):  # noqa: PT011 - which one differs by system
            read_given(str(special(tmp_path, kind)), 10)


def test_what_others_may_write_to_is_not_owned(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("a")
    file.chmod(0o644)
    assert read_regular(str(file), 10, owned=True) == b"a"
    for mode in (0o666, 0o664):
        file.chmod(mode)
        with pytest.raises(OSError, match="others may write"):
            read_regular(str(file), 10, owned=True)

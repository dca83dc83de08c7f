"""The private folder of a rewrite: nobody else can put anything into it, or in its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from keyleak.errors import UsageError
from keyleak.remediation.workspace import open_workspace

if TYPE_CHECKING:
    from pathlib import Path


def opened(folder: Path) -> int:
    path = open_workspace(os.fspath(folder), "/nowhere").folder
    return os.stat(path).st_mode & 0o777


def test_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert opened(tmp_path / "a" / "b") == 0o700


def test_a_folder_of_our_own_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)
    assert opened(tmp_path / "a") == 0o700


@pytest.mark.parametrize("inner", ["", "new", "new/er"])
def test_a_folder_that_others_write_to_is_refused(tmp_path: Path, inner: str) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(UsageError, match="written to by other users"):
        opened(folder / inner)
    assert not (folder / "new").exists()


def test_a_folder_in_one_where_only_owners_move_things_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    folder.chmod(0o1777)
    assert opened(folder / "new") == 0o700
    with pytest.raises(UsageError, match="written to by other users"):
        opened(folder)


@pytest.mark.parametrize("inner", ["", "new"])
def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UsageError, match="belongs to another user"):
        opened(folder / inner)


def test_a_link_to_a_folder_that_others_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs").chmod(0o777)
    (tmp_path / "a").symlink_to(tmp_path / "theirs")
    with pytest.raises(UsageError, match="written to by other users"):
        opened(tmp_path / "a")

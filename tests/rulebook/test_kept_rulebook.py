"""The rulebook kept between runs: the same as from YAML, never stale, never somebody else's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keyleak.errors import RuleError
from keyleak.resources import data_folder
from keyleak.rulebook import kept_rulebook
from keyleak.rulebook.loader import load_rulebook


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "keyleak"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    text = Path(data_folder("rules"), "yoco.yaml").read_text(encoding="utf-8")
    (folder / "own.yaml").write_text(text.replace("yoco", "own").replace("Yoco", "Own"))
    return folder


def kept_file(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def test_what_was_kept_equals_what_the_files_say(cache: Path) -> None:
    first = load_rulebook()
    assert kept_file(cache).stat().st_mode & 0o777 == 0o600
    kept = load_rulebook()
    assert kept == first == load_rulebook(from_yaml=True)
    assert kept is not first


def test_a_start_with_kept_rules_imports_no_yaml(cache: Path) -> None:
    load_rulebook()
    code = (
        "import sys; from keyleak.rulebook.loader import load_rulebook as load; load(); print(*sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "keyleak.rulebook.compact" in result.stdout
    assert "yaml" not in result.stdout.split()


def test_a_changed_rule_file_is_read_anew(rules: Path) -> None:
    load_rulebook([str(rules)])
    file = rules / "own.yaml"
    before = file.stat()
    # The same length and the same times: only the content tells.
    file.write_text(file.read_text().replace("min_entropy: 2.8", "min_entropy: 2.9"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    own = load_rulebook([str(rules)]).issuer("own")
    assert own is not None
    assert own.keys[0].min_entropy == 2.9


def test_a_broken_rule_file_is_an_error_however_much_is_kept(rules: Path) -> None:
    load_rulebook([str(rules)])
    (rules / "own.yaml").write_text("issuer: own\n")
    with pytest.raises(RuleError, match=r"own\.yaml"):
        load_rulebook([str(rules)])


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "noise", "folder"])
def test_a_damaged_file_is_read_over(cache: Path, damage: str) -> None:
    expected = load_rulebook()
    file = kept_file(cache)
    data = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        changed = data[:40] + bytes([data[40] ^ 1]) + data[41:]
        file.write_bytes({"cut": data[:-5], "changed": changed, "empty": b"", "noise": b"\xff" * 99}[damage])
    assert load_rulebook() == expected


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_others_may_write_is_not_believed(
    cache: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rulebook()
    file = kept_file(cache)
    (file if what == "file" else cache).chmod(0o777)
    monkeypatch.setattr(kept_rulebook.compact, "unpacked", lambda *_: pytest.fail("it was believed"))
    load_rulebook()
    if what == "file":
        # It was replaced by one of our own.
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_is_not_followed(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_rulebook()
    file = kept_file(cache)
    shutil.move(file, tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(kept_rulebook.compact, "unpacked", lambda *_: pytest.fail("it was believed"))
    load_rulebook()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_nothing_of_roots_is_kept_in_another_users_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(home))
    load_rulebook()
    assert not list(home.iterdir())


def test_without_a_folder_to_keep_it_in_the_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_rulebook()
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nothing/here")
    assert load_rulebook() == expected

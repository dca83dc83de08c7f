"""Compiled anchors are kept between runs, believed only where they are those of this run."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from keyleak import cache_file
from keyleak.findings import LocationKind
from keyleak.matching.anchors import Anchor, AnchorKind
from keyleak.matching.engine import Hit
from keyleak.matching.hyperscan_engine import HyperscanEngine
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.inspector import Inspector, Place
from keyleak.sources.kept_engine import kept_engine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(importlib.util.find_spec("hyperscan") is None, reason="Hyperscan's cache")
TEXT = b"a flora sk_live_ of it"
ANCHORS = [Anchor(AnchorKind.STEM, wide=False, literal=literal) for literal in (b"flora", b"of")]
OTHERS = [Anchor(AnchorKind.STEM, wide=False, literal=literal) for literal in (b"live", b"flora", b"of")]
HITS = [Hit(7, 0), Hit(19, 1)]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "keyleak" / "anchors.hs"


def test_what_was_kept_finds_the_same(kept: Path) -> None:
    assert kept_engine(ANCHORS).hits(TEXT) == HITS
    made = kept.stat()
    assert kept_engine(ANCHORS).hits(TEXT) == HITS
    assert kept.stat().st_ino == made.st_ino
    assert made.st_mode & 0o777 == 0o600


def test_other_anchors_are_compiled_anew(kept: Path) -> None:
    kept_engine(ANCHORS)
    assert kept_engine(OTHERS).hits(TEXT) == [Hit(7, 1), Hit(15, 0), Hit(19, 2)]
    assert kept_engine(ANCHORS).hits(TEXT) == HITS


@pytest.mark.parametrize("at", [0, 40, 64, 200, -1])
def test_a_damaged_file_is_made_anew(kept: Path, at: int) -> None:
    kept_engine(ANCHORS)
    data = bytearray(kept.read_bytes())
    data[at] ^= 1
    kept.write_bytes(data)
    assert kept_engine(ANCHORS).hits(TEXT) == HITS
    assert kept.read_bytes() != bytes(data)
    kept.write_bytes(data[:100])
    assert kept_engine(ANCHORS).hits(TEXT) == HITS


def test_what_others_may_write_is_not_believed(kept: Path) -> None:
    kept_engine(ANCHORS)
    kept.chmod(0o666)
    assert cache_file.kept("anchors.hs") is None
    assert kept_engine(ANCHORS).hits(TEXT) == HITS


def test_no_database_of_this_machine_is_compiled_instead() -> None:
    assert HyperscanEngine(ANCHORS, b"no database").hits(TEXT) == HITS


def test_a_folder_that_cannot_be_made_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert kept_engine(ANCHORS).hits(TEXT) == HITS


def test_a_scan_of_the_cache_folder_is_no_gap(kept: Path) -> None:
    inspector, place = Inspector(load_rulebook()), Place(LocationKind.FILE, None)
    inspector.inspect(b"nothing here\n" * (1 << 13), place)
    assert kept.is_file()
    for file in kept.parent.iterdir():
        assert not inspector.inspect(file.read_bytes(), place).gaps, file.name

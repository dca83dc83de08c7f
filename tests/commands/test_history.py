"""`keyleak history` through the real program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.history import HistoryRequest, read_history
from keyleak.sources.inspector import Inspector
from repositories import Entry, appending_delta, commit, git, grown, new_repository, repack, write_pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyleak.coverage import Coverage

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))


def key(seed: int) -> str:
    return expand("sk_live_51${base62:97}", seed)


def history(*arguments: str | os.PathLike[str], cwd: Path) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON report and what was said on standard error."""
    command = [KEYLEAK, "history", "--format", "json", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "r")
    commit(repository, {"a": f"k = {key(1)}".encode()})
    commit(repository, {"a": b"clean"})
    git(repository, "update-ref", "refs/pull/3/head", commit(repository, {"b": key(2).encode()}))
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    return repository


def test_the_report_says_since_when_and_whether_head_still_has_it(repository: Path) -> None:
    code, report, _ = history(cwd=repository)
    assert code == 1
    assert report["scan"]["kind"] == "history"
    assert report["coverage"]["objects"]["commit"] == 4 - 1
    (first,) = [found for found in report["findings"] if found["first_seen"]["path"] == "a"]
    assert first["first_seen"]["line"] == 1
    assert first["first_seen"]["date"] == "2023-11-14T22:13:20+00:00"
    assert first["age_days"] > 900
    assert first["at_head"] is False
    assert first["locations"][0]["refs"] == ["refs/heads/main", "refs/pull/3/head"]


def test_a_url_is_cloned_with_all_its_refs_and_leaves_nothing(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    code, report, _ = history(repository.as_uri(), cwd=tmp_path)
    assert code == 1
    assert len(report["findings"]) == 2
    assert report["scan"]["target"] == f"file://{repository}"
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("file:///nowhere/at/all", "does not appear to be"),
        ("http://someone:hidden@127.0.0.1:9/r.git", "127.0.0.1"),
        ("ext::sh -c true", "no such folder"),
        ("nowhere", "no such folder"),
        (".", "not a git repository"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path, target: str, said: str) -> None:
    code, report, errors = history(target, cwd=tmp_path)
    assert (code, report) == (2, {})
    assert said in errors
    assert "hidden" not in errors
    assert "Traceback" not in errors
    assert errors.count("\n") == 1


def test_a_range_a_date_and_refs(repository: Path) -> None:
    assert history("--range", "HEAD~1..HEAD", cwd=repository)[0] == 0
    assert history("--range", "HEAD", cwd=repository)[0] == 1
    code, nothing, _ = history("--since", "2090-01-01", cwd=repository)
    assert code == 2
    assert "nothing was read" in nothing["coverage"]["gaps"][0]["reason"]
    code, report, _ = history("--refs", "refs/pull/*", "--range", "^main", cwd=repository)
    assert code == 1
    assert len(report["findings"]) == 1
    code, _, errors = history("--range", "nothing..HEAD", cwd=repository)
    assert code == 2
    assert "nothing" in errors
    code, _, errors = history("--range", "--upload-pack=x", cwd=repository)
    assert code == 2


def test_a_shallow_clone_is_no_whole_view(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "shallow")
    shallow = tmp_path / "shallow"
    code, report, errors = history(cwd=shallow)
    assert code == 2
    assert report["coverage"]["complete"] is False
    assert "--allow-incomplete" in errors
    code, report, _ = history("--allow-incomplete", cwd=shallow)
    assert code == 0
    assert report["coverage"]["gaps"][0]["what"] == "shallow clone"


def test_the_cache_is_used_and_can_be_left(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    history("--no-cache", cwd=repository)
    assert not list((tmp_path / "cache").rglob("store-*"))
    reports = [history(cwd=repository)[1] for _ in range(2)]
    assert list((tmp_path / "cache").rglob("store-*"))
    for report in reports:
        del report["scan"]
    assert reports[0] == reports[1]


def test_nothing_is_cached_in_a_home_that_others_write_to(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o777)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    code, report, errors = history(cwd=repository)
    assert (code, len(report["findings"])) == (1, 2)
    assert "history is not cached" in errors
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_reading_early_and_what_was_read_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, jobs: int
) -> None:
    monkeypatch.setattr("keyleak.git.inventory._PART_BYTES", 50_000)
    monkeypatch.setattr("keyleak.git.store_reading._WORTH_WORKERS", 0)
    repository = grown(tmp_path / "r", versions=3)
    commit(repository, {f"f{each}": os.urandom(20_000) for each in range(50)})
    repack(repository)
    request = HistoryRequest(str(repository), jobs=jobs)
    inspector = Inspector(load_rulebook())
    whole = read_history(request, inspector)
    told = 0

    def progress(_coverage: Coverage, _keys: int) -> None:
        nonlocal told
        told += 1
        if told == 1:
            os.kill(os.getpid(), number)

    reading = read_history(request, inspector, progress)
    assert reading.interrupted == number
    assert "interrupted" in {gap.reason.split(";")[0] for gap in reading.coverage.gaps}
    assert 0 < reading.coverage.bytes < whole.coverage.bytes


def truncated(pack: Path) -> None:
    pack.write_bytes(pack.read_bytes()[:-400])


def flipped(pack: Path) -> None:
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 0xFF
    pack.write_bytes(content)


def lying(pack: Path) -> None:
    """The index gives every offset three bytes too far."""
    index = pack.with_suffix(".idx")
    content = bytearray(index.read_bytes())
    count = int.from_bytes(content[8 + 255 * 4 : 8 + 256 * 4], "big")
    start = 8 + 1024 + count * 24
    for place in range(start, start + 4 * count, 4):
        content[place : place + 4] = (int.from_bytes(content[place : place + 4], "big") + 3).to_bytes(
            4, "big"
        )
    index.chmod(0o600)
    index.write_bytes(content)


@pytest.mark.parametrize("damage", [truncated, flipped, lying])
def test_a_damaged_pack_is_a_gap_and_what_is_whole_is_found(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    repository = grown(tmp_path / "r", versions=8)
    pack = repack(repository)
    pack.chmod(0o600)
    commit(repository, {"leak": key(1).encode()})
    damage(pack)
    code, report, errors = history(cwd=repository)
    assert code == 2
    assert not report["coverage"]["complete"]
    assert "Traceback" not in errors
    assert [place["line"] for found in report["findings"] for place in found["locations"]] == [1]


def test_a_delta_chain_four_thousand_deep_is_read_to_its_end(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "r")
    contents = [b"base\n" * 20]
    entries = [Entry("blob", contents[0])]
    for number in range(4000):
        added = b"\n%d " % number + (key(1).encode() if number == 3999 else b"")
        entries.append(
            Entry("blob", contents[-1] + added, base=number, delta=appending_delta(contents[-1], added))
        )
        contents.append(contents[-1] + added)
    write_pack(repository, entries)
    code, report, _ = history(cwd=repository)
    assert code == 1
    assert report["coverage"]["objects"]["blob"] == 4001
    assert len(report["findings"]) == 1


def test_an_object_that_claims_a_terabyte_is_a_gap(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "r")
    write_pack(repository, [Entry("blob", b"short", claimed=1 << 40), Entry("blob", key(1).encode())])
    code, report, _ = history(cwd=repository)
    assert code == 2
    assert len(report["findings"]) == 1
    assert report["coverage"]["gaps"]

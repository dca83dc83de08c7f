"""The glance says "clean" only where the whole command does, and in the same words."""

from __future__ import annotations

import base64
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyleak import cache_file
from keyleak.cli import main
from keyleak.commands import glance as at_first
from keyleak.commands.kept_words import Words
from keyleak.containers.formats import LEADS
from keyleak.errors import ExitCode
from keyleak.findings import LocationKind
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import NOTHING, Inspector, Place
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from collections.abc import Callable

INSPECTOR = Inspector(load_rulebook())
KEY = expand("sk_live_${base62:42}", 5)
LEAK = f"FLORA_API_KEY={KEY}\n"


def zipped(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("inner.env", data)
    return archive.getvalue()


ENCODINGS: list[Callable[[bytes], bytes]] = [
    lambda data: data,
    base64.b64encode,
    base64.urlsafe_b64encode,
    base64.b32encode,
    base64.b85encode,
    lambda data: data.hex().encode(),
    lambda data: data[::-1],
    lambda data: data.decode("latin-1").encode("utf-16"),
    lambda data: b"".join(b"%%%02X" % byte for byte in data),
    lambda data: b"".join(b"\\x%02x" % byte for byte in data),
    lambda data: b"".join(b"\\u%04x" % byte for byte in data),
    gzip.compress,
    zipped,
    lambda data: b"+".join(b'"%c"' % byte for byte in data),
]


@given(
    shape=st.sampled_from(
        [
            "sk_live_${base62:42}",
            "FLORA_API_KEY=sk_test_${base62:42}",
            "x_${base62:40}",
            "flora",
            "CKO_SECRET_KEY=sk_${uuid}",
        ]
    ),
    seed=st.integers(0, 500),
    steps=st.lists(st.sampled_from(ENCODINGS), max_size=3),
    around=st.binary(max_size=20),
)
@settings(max_examples=300, deadline=None)
@example(shape="sk_live_${base62:42}", seed=1, steps=[base64.b64encode], around=b" ")
def test_nothing_is_looked_at_that_the_glance_would_pass(
    shape: str, seed: int, steps: list[Callable[[bytes], bytes]], around: bytes
) -> None:
    content = expand(shape, seed).encode()
    for step in steps:
        content = step(content)
    content = around + content + around
    if INSPECTOR.inspect(content, Place(LocationKind.INDEX, "x")) is not NOTHING:
        assert at_first.has_any([content], Words(list(INSPECTOR.words), list(INSPECTOR.stems)))


def test_every_beginning_of_a_container_is_among_the_words() -> None:
    assert all(any(word.startswith(lead) for word in INSPECTOR.words) for lead in LEADS)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("GIT_", "KEYLEAK_"))]:
        monkeypatch.delenv(name)
    folder = new_repository(tmp_path / "repository")
    commit(folder, {"old.txt": b"old\n"})
    monkeypatch.chdir(folder)
    # The words are kept by a run of the command itself.
    main(["staged", "--quiet"])
    return folder


def glance(*arguments: str) -> str | None:
    said = at_first.glance(["staged", *arguments], os.environ).clean
    return said and re.sub(r"\d+\.\d s", "T s", said)


def stage(repository: Path, name: str, content: str | bytes) -> None:
    (repository / name).write_bytes(content.encode() if isinstance(content, str) else content)
    git(repository, "add", "-f", "--", name)


def test_a_clean_commit_gets_the_report_of_the_command(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for name in ("one.txt", "two.txt", "same.txt"):
        stage(repository, name, f"{name[:3]}\n" * 300)
    assert main(["staged"]) == ExitCode.CLEAN
    whole = re.sub(r"\d+\.\d s", "T s", capsys.readouterr().out)
    assert glance() == whole.removesuffix("\n") == "No key found. Read 3 files, 3.6 kB in T s."
    assert glance("one.txt", "old.txt") == "No key found. Read 2 files, 1.2 kB in T s."


def test_an_empty_commit_is_clean_at_a_glance(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["staged"]) == ExitCode.CLEAN
    whole = re.sub(r"\d+\.\d s", "T s", capsys.readouterr().out)
    assert glance() == whole.removesuffix("\n") == "Nothing staged. Read 0 files, 0 B in T s."


@pytest.mark.parametrize(
    "content",
    [
        LEAK,
        LEAK.encode("utf-16"),
        "flora",
        "sk_live_",
        b"\0binary",
        "long\n" * (8 << 20),
        "version https://git-lfs.github.com/spec/v1\noid sha256:" + "5" * 64 + "\nsize 1\n",
    ],
    ids=["key", "utf-16", "stem", "prefix", "binary", "large", "lfs"],
)
def test_whatever_may_be_more_is_left_to_the_command(repository: Path, content: str | bytes) -> None:
    stage(repository, "file", content)
    assert glance() is None


def test_a_word_in_a_name_is_left_to_the_command(repository: Path) -> None:
    stage(repository, f"{KEY}.txt", "x")
    assert glance() is None


def test_a_missing_object_is_left_to_the_command(repository: Path) -> None:
    stage(repository, "gone.txt", "gone\n")
    oid = git(repository, "rev-parse", ":gone.txt").decode().strip()
    (repository / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    assert glance() is None


def test_an_object_with_other_content_is_left_to_the_command(repository: Path) -> None:
    stage(repository, "one.txt", "one\n")
    stage(repository, "two.txt", "two\n")
    one, two = (
        repository / ".git" / "objects" / oid[:2] / oid[2:]
        for oid in (git(repository, "rev-parse", f":{name}.txt").decode().strip() for name in ("one", "two"))
    )
    one.unlink()
    shutil.copy(two, one)
    assert glance() is None


def test_options_and_a_wanted_skip_are_left_to_the_command(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert glance("--no-progress") is not None
    assert glance("--format", "json") is None
    assert glance("--help") is None
    monkeypatch.setenv("KEYLEAK_SKIP", "because")
    assert glance() is None


def test_an_untracked_file_is_left_to_the_command(repository: Path) -> None:
    (repository / "untracked").write_text("x")
    assert glance("untracked") is None


def test_words_of_other_rules_are_not_believed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (name,) = (Path(os.environ["XDG_CACHE_HOME"]) / "keyleak").glob("words-*")
    kept = cache_file.kept(name.name)
    assert kept is not None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert glance() is None
    cache_file.keep(name.name, kept)
    assert glance() is not None
    cache_file.keep(name.name, kept.replace(b"flora.yaml ", b"flora.yaml 1"))
    assert glance() is None
    cache_file.keep(name.name, kept[: len(kept) // 2])
    assert glance() is None
    cache_file.keep(name.name, kept)
    (tmp_path / "cache" / "keyleak").chmod(0o777)
    assert glance() is None


def test_a_glance_imports_neither_the_command_line_nor_what_reads_rules(repository: Path) -> None:
    stage(repository, "one.txt", "one\n")
    program = (
        "import os, sys\nfrom keyleak.commands.glance import glance\n"
        "assert glance(['staged'], os.environ).clean\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {
        "click",
        "yaml",
        "numpy",
        "dulwich",
        "git",
        "hyperscan",
        "rich",
        "dataclasses",
        "inspect",
        "tempfile",
        "shutil",
    }
    assert heavy.isdisjoint(done.stdout.split())

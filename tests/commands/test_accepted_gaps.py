"""One unreadable thing accepted by name: in files, index, history, hooks and reports, and nothing else."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest

from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))
SEVEN_ZIP = b"7z\xbc\xaf'\x1c\0\x04" + bytes(200)
WHAT = "tests/fixtures/a.7z"
KEY = expand("sk_live_${base62:42}", 31)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True,
        env={**environment, "GIT_CONFIG_GLOBAL": os.devnull},
    )  # fmt: skip
    return done.stdout.strip()


def keyleak(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KEYLEAK, *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=False
    )


def coverage(folder: Path, *arguments: str) -> dict[str, object]:
    done = keyleak(folder, *arguments, "--format", "json")
    report = json.loads(done.stdout)
    schema = keyleak(folder, "report", "--schema").stdout
    jsonschema.validate(report, json.loads(schema))
    return {**report["coverage"], "exit": done.returncode, "err": done.stderr}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "tests" / "fixtures").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / WHAT).write_bytes(SEVEN_ZIP)
    (folder / "a.txt").write_text("nothing\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def allow(folder: Path, *entries: str) -> None:
    lines = "".join(f"  - {{{entry}, reason: made to be broken}}\n" for entry in entries)
    (folder / ".keyleak.yaml").write_text(f"allow-gap:\n{lines}")


@pytest.mark.parametrize(
    "entry", [f"path: {WHAT}", "path: tests/fixtures/", "path: '*.7z'", "kind: 7z", "blob: BLOB"]
)
def test_one_file_is_accepted_by_path_kind_or_blob(repo: Path, entry: str) -> None:
    for command in (("scan",), ("history",), ("history", "--range", "HEAD"), ("staged", WHAT)):
        before = coverage(repo, *command)
        assert (before["exit"], before["complete"], before["accepted"]) == (ExitCode.INCOMPLETE, False, [])
    blob = git(repo, "rev-parse", f"HEAD:{WHAT}")
    allow(repo, entry.replace("BLOB", blob))
    for command in (("scan",), ("history",), ("history", "--range", "HEAD"), ("staged", WHAT)):
        after = coverage(repo, *command)
        if "blob" in entry and command == ("scan",):
            assert after["exit"] == ExitCode.INCOMPLETE  # a file has no id
            continue
        assert (after["exit"], after["complete"], after["gaps"]) == (ExitCode.CLEAN, True, []), command
        (accepted,) = after["accepted"]  # type: ignore[misc]
        assert WHAT in accepted["what"]
        assert accepted["reason"] == "is not opened (7z): unpack it and scan what comes out"
        assert accepted["by"] == ".keyleak.yaml:2: made to be broken"


@pytest.mark.parametrize(
    "entry", ["path: tests/", "path: tests/fixtures/a.7z, kind: 7z", f"path: {WHAT}, expires: 2999-01-01"]
)
def test_all_that_an_entry_names_must_fit(repo: Path, entry: str) -> None:
    allow(repo, entry)
    assert coverage(repo, "scan")["complete"] is True
    for wrong in (
        "path: other/",
        "kind: rar",
        "path: tests/, kind: encrypted",
        f"path: {WHAT}, blob: {'0' * 40}",
    ):
        allow(repo, wrong)
        assert coverage(repo, "scan")["exit"] == ExitCode.INCOMPLETE


def test_other_gaps_and_keys_stay_what_they_are(repo: Path) -> None:
    allow(repo, f"path: {WHAT}")
    (repo / "b.7z").write_bytes(SEVEN_ZIP)
    (repo / "k.env").write_text(f"FLORA_API_KEY={KEY}\n")
    found = coverage(repo, "scan")
    assert (found["exit"], [gap["what"] for gap in found["gaps"]]) == (2, ["b.7z"])  # type: ignore[attr-defined]
    (repo / "b.7z").unlink()
    assert coverage(repo, "scan")["exit"] == ExitCode.FINDINGS
    # A key in what is accepted is one all the same.
    (repo / WHAT).write_bytes(SEVEN_ZIP + f"FLORA_API_KEY={KEY}\n".encode())
    (repo / "k.env").unlink()
    assert coverage(repo, "scan")["exit"] == ExitCode.FINDINGS


def test_expired_and_stale_entries_are_told(repo: Path) -> None:
    allow(repo, f"path: {WHAT}, expires: 2020-01-01", "path: gone.7z")
    found = coverage(repo, "scan")
    assert found["exit"] == ExitCode.INCOMPLETE
    assert ".keyleak.yaml:2 expired on 2020-01-01: the allow-gap entry" in str(found["err"])
    assert ".keyleak.yaml:3 is stale, it accepts nothing any more: path: gone.7z" in str(found["err"])
    assert ".keyleak.yaml:2: expired on 2020-01-01" in keyleak(repo, "config", "check").stdout


def test_old_versions_are_accepted_by_the_path_they_had(repo: Path) -> None:
    (repo / WHAT).write_bytes(SEVEN_ZIP + b"again")
    git(repo, "commit", "-qam", "second")
    git(repo, "mv", WHAT, "tests/b.7z")
    git(repo, "commit", "-qm", "third")
    gaps = coverage(repo, "history")["gaps"]
    named = sorted(gap["what"].partition(" ")[0] for gap in gaps)  # type: ignore[attr-defined]
    assert named == ["blob", "tests/b.7z"]
    allow(repo, "path: tests/")
    assert coverage(repo, "history")["complete"] is True
    # Every path that it ever had must fit: the same content was elsewhere, too.
    (repo / "c.7z").write_bytes(SEVEN_ZIP)
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "fourth")
    assert coverage(repo, "history")["complete"] is False


def test_a_submodule_is_accepted_by_its_path_or_kind(repo: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "x").write_text("x\n")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "x")
    git(repo, "submodule", "add", "-q", str(inner), "vendor/inner")
    git(repo, "commit", "-qm", "submodule")
    assert len(coverage(repo, "history")["gaps"]) == 2  # type: ignore[arg-type]
    for entry in ("path: vendor/inner", "path: vendor/inner/", "path: /vendor", "kind: submodule"):
        allow(repo, "kind: 7z", entry)
        assert coverage(repo, "history")["complete"] is True, entry
    allow(repo, "kind: 7z", "path: inner/x")
    assert coverage(repo, "history")["complete"] is False


def test_what_is_wrong_with_a_scan_itself_is_accepted_by_nothing(repo: Path, tmp_path: Path) -> None:
    (repo / "b.txt").write_text("b\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "second")
    blob = git(repo, "rev-parse", "HEAD:b.txt")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    shallow = tmp_path / "shallow"
    allow(shallow, "path: '**'", *(f"kind: {kind}" for kind in ("limit", "damaged", "lfs", "7z")))
    assert [gap["what"] for gap in coverage(shallow, "history")["gaps"]] == ["shallow clone"]  # type: ignore[attr-defined]
    allow(repo, "path: '**'")
    assert coverage(repo, "scan", "nowhere")["exit"] == ExitCode.INCOMPLETE
    (repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    lost = coverage(repo, "history")
    assert [gap["what"] for gap in lost["gaps"]] == [f"b.txt (object {blob})"]  # type: ignore[attr-defined]
    # By its id, if somebody insists.
    allow(repo, "path: '**'", f"blob: {blob}")
    assert coverage(repo, "history")["complete"] is True


def test_hooks_and_the_baseline_accept_it_too(repo: Path) -> None:
    assert keyleak(repo, "baseline", "create").returncode == ExitCode.INCOMPLETE
    allow(repo, f"path: {WHAT}")
    assert keyleak(repo, "baseline", "create").returncode == ExitCode.CLEAN
    (repo / "tests" / "more.7z").write_bytes(SEVEN_ZIP + b"more")
    git(repo, "add", ".")
    assert keyleak(repo, "hook", "run", "pre-commit").returncode != ExitCode.CLEAN
    allow(repo, "path: tests/")
    assert keyleak(repo, "hook", "run", "pre-commit").returncode == ExitCode.CLEAN
    git(repo, "commit", "-qm", "more")
    head = git(repo, "rev-parse", "HEAD")
    pushed = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"
    assert keyleak(repo, "hook", "run", "pre-push", "origin", "/x", stdin=pushed).returncode == ExitCode.CLEAN


def test_members_and_locked_archives_are_accepted_with_their_file(repo: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/a.7z", SEVEN_ZIP)
    locked = bytearray(packed.getvalue())
    at = locked.index(b"PK\x01\x02")
    locked[6] |= 1
    locked[at + 8] |= 1
    (repo / "x.zip").write_bytes(packed.getvalue())
    (repo / "y.zip").write_bytes(bytes(locked))
    allow(repo, "kind: 7z", "path: y.zip, kind: encrypted")
    found = coverage(repo, "scan")
    assert found["complete"] is True, found["gaps"]
    assert len(found["accepted"]) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["text", "json", "sarif", "html", "markdown", "csv", "junit", "github"])
def test_every_report_lists_what_is_accepted(repo: Path, form: str) -> None:
    allow(repo, f"path: {WHAT}")
    done = keyleak(repo, "scan", "--format", form)
    assert done.returncode == ExitCode.CLEAN
    assert "a.7z" in done.stdout
    assert "made to be broken" in done.stdout.replace("\n    ", " ")
    assert "No key found." not in done.stdout
    saved = keyleak(repo, "scan", "--format", "json").stdout
    again = keyleak(repo, "report", "-", "--format", form, stdin=saved)
    assert again.returncode == ExitCode.CLEAN
    assert "made to be broken" in again.stdout.replace("\n    ", " ")


def test_what_cannot_be_read_where_every_key_is_allowed_is_accepted(repo: Path) -> None:
    def configure(entry: str) -> None:
        (repo / ".keyleak.yaml").write_text(f"allow:\n  - {{{entry}, reason: fixtures}}\n")

    configure("path: tests/fixtures/*")
    for command in (("scan",), ("history",), ("staged", WHAT)):
        found = coverage(repo, *command)
        assert (found["exit"], found["gaps"]) == (ExitCode.CLEAN, [])
        assert [each["by"] for each in found["accepted"]] == [".keyleak.yaml:2: fixtures"]
        assert "stale" not in str(found["err"])
    for narrower in (
        "path: tests/fixtures/*, issuer: flora",
        "path: tests/*.txt",
        "path: tests/fixtures/*, expires: 2020-01-01",
    ):
        configure(narrower)
        assert coverage(repo, "scan")["exit"] == ExitCode.INCOMPLETE, narrower

"""Devices, pipes and links in the place of files that keyleak reads or writes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand
from repositories import new_repository

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))
KEY = expand("sk_live_${base62:42}", 21)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    new_repository(folder)
    (folder / "a.env").write_text(f"FLORA_API_KEY={KEY}\n")
    return folder


def keyleak(
    folder: Path, *arguments: str, stdin: str = "", pass_fds: tuple[int, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KEYLEAK, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        pass_fds=pass_fds,
    )


def put(path: Path, kind: str) -> None:
    """Something that is no regular file, in the place of one."""
    match kind:
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "link out of the repository":
            (path.parent.parent / "outside").write_text("{}")
            path.symlink_to("../outside")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "huge file":
            with path.open("wb") as file:
                file.truncate(300 << 20)


KINDS = ["link to a device", "link out of the repository", "pipe", "folder", "huge file"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [".keyleak.yaml", "pyproject.toml", ".keyleak-baseline.json"])
def test_a_configuration_and_a_baseline_are_regular_files_of_the_repository(
    clone: Path, name: str, kind: str
) -> None:
    put(clone / name, kind)
    for command in (["scan"], ["staged"], ["history"], ["hook", "run", "pre-push"], ["baseline", "check"]):
        refused = keyleak(clone, *command)
        if refused.returncode == ExitCode.CLEAN and command[0] in {"hook", "staged"}:
            continue  # nothing was pushed; what is staged has no key that a baseline could allow
        assert refused.returncode == ExitCode.INCOMPLETE, (command, refused.stderr)
        assert f"{name}: cannot be read: " in refused.stderr
        assert "Traceback" not in refused.stderr
    # Left alone, it holds nothing up; one that is missing does not either.
    assert keyleak(clone, "scan", "--no-config").returncode in {ExitCode.FINDINGS, ExitCode.INCOMPLETE}


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_file_of_a_repository_is_a_regular_file_in_it(clone: Path, kind: str) -> None:
    (clone / "r").mkdir()
    put(clone / "r" / "acme.yaml", kind)
    (clone / ".keyleak.yaml").write_text("rules: [r]\n")
    refused = keyleak(clone, "scan")
    assert refused.returncode == ExitCode.INCOMPLETE
    assert "r/acme.yaml: cannot be read: " in refused.stderr


@pytest.mark.parametrize("name", ["../outside.json", "link"])
def test_a_configuration_names_no_baseline_outside_of_its_repository(clone: Path, name: str) -> None:
    outside = clone.parent / "outside.json"
    (clone / "link").symlink_to(outside)
    (clone / ".keyleak.yaml").write_text(f"baseline: {name}\n")
    for command in (["scan"], ["baseline", "create"], ["baseline", "update"]):
        refused = keyleak(clone, *command)
        assert refused.returncode == ExitCode.INCOMPLETE
        assert "leads out of" in refused.stderr
    assert not outside.exists()


def test_a_baseline_adds_to_no_attributes_outside_of_the_repository(clone: Path) -> None:
    outside = clone.parent / "profile"
    outside.write_text("mine\n")
    (clone / ".gitattributes").symlink_to(outside)
    refused = keyleak(clone, "baseline", "create")
    assert refused.returncode == ExitCode.INCOMPLETE
    assert ".gitattributes: cannot be read" in refused.stderr
    assert outside.read_text() == "mine\n"


def test_what_the_user_names_may_be_a_pipe(clone: Path) -> None:
    report = keyleak(clone, "scan", "--format", "json").stdout
    reading, writing = os.pipe()
    writer = threading.Thread(target=_write_all, args=(writing, report.encode()))
    writer.start()
    rendered = keyleak(clone, "report", f"/dev/fd/{reading}", "--format", "csv", pass_fds=(reading,))
    writer.join()
    os.close(reading)
    assert rendered.returncode == ExitCode.CLEAN
    assert rendered.stdout == keyleak(clone, "report", "-", "--format", "csv", stdin=report).stdout
    for bad in ("/dev/zero", ".", "socket"):
        with socket.socket(socket.AF_UNIX) as server:
            if bad == "socket":
                server.bind(str(clone / bad))
            for command in (["report", bad], ["verify", bad, "--yes"], ["fix", "--report", bad]):
                refused = keyleak(clone, *command)
                assert refused.returncode == ExitCode.INCOMPLETE
                assert bad in refused.stderr
                assert "Traceback" not in refused.stderr


def _write_all(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


@pytest.mark.parametrize("kind", ["device", "pipe", "socket", "folder", "link"])
def test_a_saved_place_that_is_no_file_is_refused_by_its_kind(clone: Path, kind: str) -> None:
    report = json.loads(keyleak(clone, "scan", "--format", "json").stdout)
    place = clone / "place"
    with socket.socket(socket.AF_UNIX) as server:
        match kind:
            case "pipe":
                os.mkfifo(place)
            case "socket":
                server.bind(str(place))
            case "folder":
                place.mkdir()
            case "link":
                place.symlink_to("/dev/zero")
        where = "/dev/zero" if kind == "device" else "place"
        report["findings"][0]["locations"][0]["path"] = where
        (clone / "report.json").write_text(json.dumps(report))
        checked = keyleak(clone, "verify", "report.json", "--yes", "--format", "json")
    if kind in {"folder", "link"}:
        # What was a file may have become one since.
        (finding,) = json.loads(checked.stdout)["findings"]
        assert finding["verification"]["verdict"] == "unknown"
        assert "place: is a" in finding["verification"]["detail"]
    else:
        assert (checked.returncode, checked.stdout) == (ExitCode.INCOMPLETE, "")
        assert f"{where}: the report names it as a place of a key, and it is a" in checked.stderr


def test_a_report_goes_through_a_pipe_that_stays_one(clone: Path) -> None:
    os.mkfifo(clone.parent / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((clone.parent / "pipe").read_bytes()))
    reader.start()
    done = keyleak(clone, "scan", "a.env", "--format", "json:../pipe")
    reader.join(30)
    assert done.returncode == ExitCode.FINDINGS, done.stderr
    assert (clone.parent / "pipe").is_fifo()
    assert json.loads(got[0])["schema"] == "keyleak/report/1"


def test_a_report_goes_to_a_descriptor_behind_what_is_there(clone: Path) -> None:
    with (clone.parent / "out").open("wb+") as out:
        out.write(b"before\n")
        out.flush()
        for name in ("/dev/fd", "/proc/self/fd"):
            where = f"json:{name}/{out.fileno()}"
            keyleak(clone, "scan", "a.env", "--format", where, pass_fds=(out.fileno(),))
        out.seek(0)
        before, *reports = out.read().split(b"\n", 1)
    assert before == b"before"
    assert reports[0].count(b"keyleak/report/1") == 2


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_systems_names_for_standard_output_are_standard_output(clone: Path, name: str) -> None:
    done = keyleak(clone, "scan", "a.env", "--format", f"json:{name}")
    assert (done.returncode, json.loads(done.stdout)["schema"]) == (1, "keyleak/report/1")
    both = keyleak(clone, "scan", "a.env", "--format", "text", "--format", f"json:{name}")
    assert both.returncode == ExitCode.INCOMPLETE
    assert "only one --format" in both.stderr


def test_a_device_stays_a_device_and_its_errors_are_told(clone: Path) -> None:
    assert keyleak(clone, "scan", "a.env", "--format", "json:/dev/null").returncode == ExitCode.FINDINGS
    assert Path("/dev/null").is_char_device()
    full = keyleak(clone, "scan", "a.env", "--format", "json:/dev/full")
    assert full.returncode == ExitCode.INCOMPLETE
    assert "/dev/full: No space left" in full.stderr
    closed = keyleak(clone, "scan", "a.env", "--format", "json:/dev/fd/97")
    assert closed.returncode == ExitCode.INCOMPLETE
    assert "/dev/fd/97: Bad file descriptor" in closed.stderr


def test_a_report_follows_no_link_of_the_repository_out_of_it(clone: Path) -> None:
    outside = clone.parent / "profile"
    outside.write_text("mine\n")
    (clone / "report.json").symlink_to(outside)
    (clone / "sub").symlink_to(clone.parent)
    for name in ("report.json", str(clone / "report.json"), "sub/profile"):
        refused = keyleak(clone, "scan", "a.env", "--format", f"json:{name}")
        assert refused.returncode == ExitCode.INCOMPLETE
        assert f"name {outside} itself" in refused.stderr
    audited = keyleak(clone, "scan", "a.env", "--verify", "--yes", "--audit", "report.json")
    assert audited.returncode == ExitCode.INCOMPLETE
    assert outside.read_text() == "mine\n"
    # A link that stays inside is the user's way of naming a file, and so is any outside of a repository.
    (clone / "near.json").symlink_to("real.json")
    assert keyleak(clone, "scan", "a.env", "--format", "json:near.json").returncode == ExitCode.FINDINGS
    assert (clone / "near.json").is_symlink()
    (clone.parent / "link.json").symlink_to("profile")
    assert keyleak(clone.parent, "scan", "clone/a.env", "--format", "json:link.json").returncode == 1
    assert json.loads(outside.read_text())["schema"] == "keyleak/report/1"

"""Whatever is wrong with what it is given: one line or a listed gap, the right exit code, no finding lost."""

from __future__ import annotations

import array
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
from pathlib import Path

import jsonschema
import pytest

from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand

KEYLEAK = str(Path(sys.executable).with_name("keyleak"))
KEY = expand("sk_live_${base62:42}", 11)


def scan(*arguments: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [KEYLEAK, "scan", *arguments], cwd=cwd, input=stdin, capture_output=True, check=False, timeout=60
    )


def report(*arguments: str, cwd: Path) -> dict[str, object]:
    result = scan("--format", "json", *arguments, cwd=cwd)
    loaded = json.loads(result.stdout)
    schema = subprocess.run([KEYLEAK, "report", "--schema"], capture_output=True, check=True).stdout
    jsonschema.validate(loaded, json.loads(schema))
    return {**loaded, "exit": result.returncode}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "leak.env").write_text(f"FLORA_API_KEY={KEY}\n")
    return tmp_path


def test_a_missing_path_is_a_gap_and_the_rest_is_scanned(folder: Path) -> None:
    found = report("nowhere", "leak.env", cwd=folder)
    assert found["exit"] == ExitCode.INCOMPLETE
    assert found["coverage"]["gaps"] == [{"what": "nowhere", "reason": "no such file or folder", "count": 1}]  # type: ignore[index]
    assert [each["issuer"] for each in found["findings"]] == ["flora"]  # type: ignore[attr-defined]


def test_allow_incomplete_accepts_a_gap_and_still_lists_it(folder: Path) -> None:
    found = report("--allow-incomplete", "nowhere", "leak.env", cwd=folder)
    assert found["exit"] == ExitCode.FINDINGS
    assert found["coverage"]["complete"] is False  # type: ignore[index]


def test_pipes_and_sockets_are_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        found = report(".", cwd=folder)
    assert found["exit"] == ExitCode.FINDINGS
    named = report("pipe", cwd=folder)
    assert named["exit"] == ExitCode.INCOMPLETE
    assert "named pipe" in str(named["coverage"])


def test_links_are_not_followed_but_their_target_text_is_scanned(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "leak").write_text(KEY)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "away").symlink_to(outside)
    assert report(".", cwd=tree)["findings"] == []
    (tree / "text").symlink_to(f"/nowhere/{KEY}")
    (finding,) = report(".", cwd=tree)["findings"]  # type: ignore[misc]
    assert finding["locations"][0]["path"] == "text"
    assert finding["locations"][0]["container"] == ["symbolic link target"]


def test_hostile_names_reach_neither_terminal_nor_json_raw(folder: Path) -> None:
    name = b"a\x1b[31mred\xff\n.env"
    (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_text(
        f"x = {expand('sk_live_${hex:40}')}", encoding="utf-8"
    )
    text = scan(".", cwd=folder).stdout
    assert b"\x1b" not in text
    assert b"\xff" not in text
    assert b"\\x1b[31mred\\xff\\n.env" in text
    paths = {place["path"] for each in report(".", cwd=folder)["findings"] for place in each["locations"]}  # type: ignore[attr-defined]
    assert "a\x1b[31mred\\xff\n.env" in paths


def test_escape_sequences_of_content_are_not_printed(folder: Path) -> None:
    (folder / "log").write_bytes(b"\x1b[2J\x1b]0;owned\x07" + expand("sk_live_${base62:30}").encode())
    assert b"\x1b" not in scan("log", cwd=folder).stdout


def test_a_key_in_a_name_is_found_and_masked_everywhere(tmp_path: Path) -> None:
    (tmp_path / f"backup-of {KEY}").mkdir()
    (tmp_path / f"backup-of {KEY}" / "file").write_text("nothing")
    for arguments in (["."], [f"backup-of {KEY}"], [f"missing {KEY}"]):
        for form in ("text", "json"):
            result = scan("--format", form, *arguments, cwd=tmp_path)
            assert KEY.encode() not in result.stdout + result.stderr
    (finding,) = report(".", cwd=tmp_path)["findings"]  # type: ignore[misc]
    assert finding["locations"][0]["kind"] == "path-name"


def test_tens_of_thousands_of_paths(folder: Path) -> None:
    names = [f"f{number:010}" for number in range(19_999)]
    result = scan("--quiet", "--format", "json", *names, "leak.env", cwd=folder)
    found = json.loads(result.stdout)
    assert result.returncode == ExitCode.INCOMPLETE
    assert sum(gap["count"] for gap in found["coverage"]["gaps"]) == 19_999
    assert len(found["findings"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allow: [{id: abc}]", "keyleak.yaml:1: key 'reason' is missing"),
        ("allow:\n  - id: abc\n    reason: x\n    colour: red", "keyleak.yaml:4: unknown key 'colour'"),
        ("allow: [", "keyleak.yaml:"),
        ("", "keyleak.yaml: the file is empty"),
        ("allow:\n- {path: a, reason: b, expires: soon}", "keyleak.yaml:2: 'soon' is no day"),
    ],
)
def test_a_broken_configuration_is_one_line(folder: Path, text: str, said: str) -> None:
    (folder / "keyleak.yaml").write_text(text)
    result = scan("--config", "keyleak.yaml", ".", cwd=folder)
    assert result.returncode == ExitCode.INCOMPLETE
    assert result.stdout == b""
    assert result.stderr.decode().startswith(f"keyleak: {said}")
    assert result.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: Stripe", "nome: Stripe", "unknown key 'nome'"),
        ("'51[A-Za-z0-9]{97}'", "'([a-z]{1,9}){2,99}'", "exponential time"),
        ("'51[A-Za-z0-9]{97}'", "'[a-z]+'", "a repeat without bound"),
        ("'51[A-Za-z0-9]{97}'", "'('", "does not compile"),
        ("method: GET", "method: POST", "only GET is allowed"),
    ],
)
def test_a_broken_rule_file_is_one_line_with_its_place(folder: Path, old: str, new: str, said: str) -> None:
    rules = Path(__file__).parent.parent / "rules" / "stripe.yaml"
    text = rules.read_text()
    assert old in text
    (folder / "rules").mkdir()
    (folder / "rules" / "mine.yaml").write_text(text.replace(old, new, 1).replace("stripe", "mine"))
    result = scan("--rules", "rules", ".", cwd=folder)
    assert result.returncode == ExitCode.INCOMPLETE
    assert said in result.stderr.decode()
    assert "rules/mine.yaml:" in result.stderr.decode()
    assert b"Traceback" not in result.stderr


def test_a_reader_that_goes_away_costs_nothing(folder: Path) -> None:
    command = f"'{KEYLEAK}' scan . | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(int(ExitCode.FINDINGS))
    assert result.stderr == ""


def test_a_full_disk_is_told(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [KEYLEAK, "scan", "."], cwd=folder, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert result.returncode == ExitCode.INCOMPLETE
    assert b"No space left on device" in result.stderr
    assert b"Traceback" not in result.stderr


def unread(pipe: int) -> int:
    """Bytes that were written to a pipe and not read yet."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_report_of_what_was_found(folder: Path, number: int) -> None:
    process = subprocess.Popen(
        [KEYLEAK, "scan", "--format", "json", "-"],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"x" * 100_000 + b" " + expand("sk_live_${hex:40}").encode() + b"\n")
    process.stdin.flush()
    # It has read all of it when nothing is left in the pipe, and waits for more.
    while unread(process.stdin.fileno()):
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    found = json.loads(out)
    assert found["coverage"]["complete"] is False
    assert [each["rule"] for each in found["findings"]] == ["sk-family-key"]


def test_no_key_reaches_any_output_unasked(folder: Path) -> None:
    for arguments in ([], ["--format", "json"], ["--format", "json:out.json", "--format", "text:out.txt"]):
        result = scan(*arguments, ".", cwd=folder)
        written = b"".join(path.read_bytes() for path in folder.glob("out.*"))
        assert KEY.encode() not in result.stdout + result.stderr + written
        assert KEY[:12].encode() not in (result.stdout + written).replace(KEY[:12].encode() + b"****", b"")
    refused = scan("--show-secrets", ".", cwd=folder)
    assert refused.returncode == ExitCode.INCOMPLETE
    assert KEY.encode() in scan("--show-secrets", "--yes-show-secrets", ".", cwd=folder).stdout


def test_ignored_files_are_notes_and_can_be_left_out(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / ".gitignore").write_text("*.env\n")
    found = report(".", cwd=folder)
    assert found["exit"] == ExitCode.CLEAN
    (finding,) = found["findings"]  # type: ignore[misc]
    assert finding["severity"] == "note"
    assert "git ignores this file" in finding["reason"]
    assert report("--no-ignored", ".", cwd=folder)["findings"] == []
    subprocess.run(["git", "add", "-f", "leak.env"], cwd=folder, check=True)
    assert report(".", cwd=folder)["exit"] == ExitCode.FINDINGS

"""Standard streams that are closed, from the start or later: the exit code is the same, no traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from keyleak.rulebook.template import expand
from verification.server import live, serving

if TYPE_CHECKING:
    from pathlib import Path

KEYLEAK = os.path.join(os.path.dirname(sys.executable), "keyleak")
KEY = expand("sk_live_${base62:42}", 12)
REPORTS = [
    ["report", "r.json", "--format", form] for form in ("text", "json", "sarif", "html", "csv", "junit")
]
COMMANDS = [
    *REPORTS,
    ["scan", "."],
    ["scan", ".", "--format", "json"],
    ["scan", "--explain", "."],
    ["verify", "r.json", "--yes"],
    ["rules", "list"],
    ["rules", "show", "flora"],
    ["config", "schema"],
    ["report", "--schema"],
    ["baseline", "create", "--baseline", "made.json"],
    ["--help"],
    ["scan", "--help"],
    ["--version"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    (folder / "a.env").write_text(f"FLORA_API_KEY={KEY}\n")
    made = subprocess.run(
        [KEYLEAK, "scan", "a.env", "--format", "json"], cwd=folder, capture_output=True, check=False
    )
    (folder / "r.json").write_bytes(made.stdout)
    return folder


def run(folder: Path, command: list[str], *closed: int, stdout: int = subprocess.PIPE) -> tuple[int, bytes]:
    """Exit code and standard error, with those streams closed."""
    with serving(live()) as server:
        if command[0] == "verify":
            command = [*command, "--endpoint", f"flora={server.url}"]
        if command[:2] == ["baseline", "create"]:
            (folder / "made.json").unlink(missing_ok=True)
        redirections = " ".join(f"{'<' if number == 0 else f'{number}>'}&-" for number in closed)
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" "$@" {redirections}', KEYLEAK, *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    # Without the port and the time of a request.
    return done.returncode, re.sub(rb"[0-9]", b"0", done.stderr)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_standard_output_that_is_closed_changes_no_exit_code(folder: Path, command: list[str]) -> None:
    code, said = run(folder, command)
    assert code in {0, 1}
    assert b"Traceback" not in said
    gone, end = os.pipe()
    os.close(gone)
    assert run(folder, command, stdout=end) == (code, said)
    os.close(end)
    assert run(folder, command, 1) == (code, said)


def test_words_for_standard_error_do_not_go_into_the_report_where_that_is_closed(folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" 2>&-', KEYLEAK, "scan", "nowhere", "a.env", "--format", "json"],
        cwd=folder, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(json.loads(done.stdout)["findings"]) == 1


def test_a_standard_input_that_is_closed_was_not_read(folder: Path) -> None:
    code, _ = run(folder, ["scan", "-"], 0)
    assert code == 2
    assert run(folder, ["scan", "a.env"], 0, 1, 2)[0] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_clone_is_removed_when_a_signal_ends_the_run(folder: Path, tmp_path: Path, number: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        process = subprocess.Popen(
            [KEYLEAK, "history", f"git://127.0.0.1:{port}/x.git"],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1000)  # git asks, and gets no answer
            assert list(tmp_path.iterdir())
            process.send_signal(number)
            _, said = process.communicate(timeout=120)
            while connection.recv(1000):  # git is gone as well, or this waits
                pass
    assert process.returncode == 128 + number
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []

"""The question before the first request, and a key typed at a keyboard, on a real pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

from keyleak.rulebook.template import expand
from verification.server import live, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from verification.server import Server

KEYLEAK = os.path.join(os.path.dirname(sys.executable), "keyleak")
KEY = expand("sk_live_${base62:42}", 71)


class Terminal:
    """One run of keyleak at a terminal; standard output goes to a file, as with `> report.json`."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.screen = b""
        self._report = folder.parent / "report.json"
        self._master, slave = pty.openpty()
        with self._report.open("wb") as report:
            self._process = subprocess.Popen(
                [KEYLEAK, *args, "--format", "json"],
                cwd=folder,
                stdin=slave,
                stderr=slave,
                stdout=report,
                start_new_session=True,
                # The terminal that Ctrl-C and hidden entry are about.
                preexec_fn=lambda: _control(slave),  # noqa: PLW1509 - no threads in this program
                env={**os.environ, "https_proxy": "http://127.0.0.1:9", "XDG_CACHE_HOME": str(folder.parent)},
            )
        os.close(slave)

    def wait_for(self, words: bytes) -> None:
        """Read the screen until the words stand there."""
        while words not in self.screen:
            assert self._read(0.2) or self._process.poll() is None, self.screen

    def wait_for_hidden_entry(self) -> None:
        """Wait until what is typed is not shown any more."""
        while termios.tcgetattr(self._master)[3] & termios.ECHO:
            assert self._process.poll() is None

    def type(self, text: bytes) -> None:
        os.write(self._master, text)

    def end(self, *, pressing: bytes = b"") -> int:
        """Wait for the end; keys are pressed once more if it does not come.

        A signal between Python's last look for one and its read of a line waits for the next key.
        """
        again = time.monotonic() + 3
        while self._read(0.1) or self._process.poll() is None:
            if pressing and time.monotonic() > again:
                self.type(pressing)
                again += 3
        os.close(self._master)
        return self._process.wait()

    def report(self) -> str:
        return self._report.read_text()

    def verdicts(self) -> list[str]:
        return [finding["verification"]["verdict"] for finding in json.loads(self.report())["findings"]]

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # Linux says so where nobody holds the other end any more.
            return False
        self.screen += data
        return bool(data)


def _control(slave: int) -> None:
    import fcntl

    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".env").write_text(f"FLORA_API_KEY={KEY}\n")
    return tmp_path / "work"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(live()) as server:
        yield server


def at(server: Server) -> list[str]:
    return ["--rate", "200", "--endpoint", f"flora={server.url}"]


@pytest.mark.parametrize(
    ("typed", "code", "verdict", "asked"),
    [
        (b"y\n", 1, "live", 1),
        (b"n\n", 1, "not-checked", 0),
        (b"\n", 1, "not-checked", 0),
        (b"maybe\nyes\n", 1, "live", 1),
        (b"\x03", 130, "not-checked", 0),
        (b"\x04", 130, "not-checked", 0),
    ],
    ids=["yes", "no", "empty", "neither", "Ctrl-C", "Ctrl-D"],
)
def test_only_a_yes_at_the_terminal_sends_anything(
    folder: Path, server: Server, typed: bytes, code: int, verdict: str, asked: int
) -> None:
    terminal = Terminal(folder, "verify", *at(server))
    terminal.wait_for(b"Send them? [y/N]:")
    assert server.connections == 0
    assert f"127.0.0.1:{server.port}: 1 FLORA key, each in one GET".encode() in terminal.screen
    terminal.type(typed)
    assert terminal.end(pressing=typed if code == 130 else b"") == code
    assert terminal.verdicts() == [verdict]
    assert len(server.requests) == asked
    assert (server.connections > 0) is (asked > 0)
    assert KEY.encode() not in terminal.screen + terminal.report().encode()


def test_a_key_typed_at_the_keyboard_is_never_shown(folder: Path, server: Server) -> None:
    terminal = Terminal(folder, "verify", "--stdin", "--issuer", "flora", "--yes", *at(server))
    terminal.wait_for(b"key (not shown): ")
    terminal.wait_for_hidden_entry()
    terminal.type(KEY.encode() + b"\n")
    assert terminal.end() == 1
    assert terminal.verdicts() == ["live"]
    assert server.requests[0].authorization == f"Bearer {KEY}"
    assert KEY[9:30].encode() not in terminal.screen
    assert KEY[9:30] not in terminal.report()


def test_a_typed_key_is_sent_after_consent_only(folder: Path, server: Server) -> None:
    terminal = Terminal(folder, "verify", "--stdin", "--issuer", "flora", *at(server))
    terminal.wait_for(b"key (not shown): ")
    terminal.wait_for_hidden_entry()
    terminal.type(KEY.encode() + b"\n")
    terminal.wait_for(b"Send them? [y/N]:")
    terminal.type(b"n\n")
    assert terminal.end() == 1
    assert server.connections == 0
    assert KEY[9:30].encode() not in terminal.screen


def test_ctrl_c_while_a_key_is_typed_ends_it(folder: Path, server: Server) -> None:
    terminal = Terminal(folder, "verify", "--stdin", "--issuer", "flora", "--yes", *at(server))
    terminal.wait_for(b"key (not shown): ")
    terminal.wait_for_hidden_entry()
    terminal.type(KEY[:30].encode() + b"\x03")
    assert terminal.end(pressing=b"\x03") == 130
    assert server.connections == 0
    assert KEY[9:25].encode() not in terminal.screen
    assert terminal.report() == ""

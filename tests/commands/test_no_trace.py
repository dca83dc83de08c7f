"""Whatever asking issuers leaves behind, searched for the keys in every form that a log or dump has."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from keyleak.rulebook.template import expand
from repositories import commit, new_repository
from verification.server import answer, error, live, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from verification.server import Seen, Server

KEYLEAK = os.path.join(os.path.dirname(sys.executable), "keyleak")
KEYS = [
    *(expand("sk_live_${base62:42}", seed) for seed in range(90, 93)),
    expand("ak_${base64:${base62:32}}", 93).rstrip("=") + "=",
    expand("${base62:40}", 94),
]
# The program as it is, but for one defect, whose traceback is rendered with all that its frames hold.
CRASH = """
import sys, traceback
from keyleak import error_handler
from keyleak.verification import verifier

def judge(call, answer):
    raise ZeroDivisionError("a defect")

def say_crash(error, said=error_handler._say_crash):
    rendered = traceback.TracebackException.from_exception(error, capture_locals=True)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.writelines(rendered.format())
    said(error)

verifier.judge = judge
error_handler._say_crash = say_crash
from keyleak.cli import main
sys.exit(main(sys.argv[2:]))
"""


def forms_of(key: str) -> Iterator[bytes]:
    """The key, its body and its middle, as they are, in base64 at each alignment, hexadecimal, and URLs."""
    plain = key.encode()
    body = plain.rpartition(b"_")[2]
    yield from (plain, body, body[4:24], quote(key, safe="").encode())
    yield "".join(f"%{byte:02X}" for byte in plain).encode().lower()
    yield plain.hex().encode()
    yield " ".join(f"{byte:02x}" for byte in body[:12]).encode()
    yield body.decode().encode("utf-16-le")
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + plain)[4:-4]
        yield from (encoded, encoded.translate(bytes.maketrans(b"+/", b"-_")))


def traces_in(content: bytes) -> list[int]:
    """Which keys some content holds, also where it is compressed."""
    views = [content]
    for start in (0, 32):
        with contextlib.suppress(zlib.error):
            views.append(zlib.decompressobj(47).decompress(content[start:]))
    found = []
    for index, key in enumerate(KEYS):
        for form in forms_of(key):
            if any(form in view or form.lower() in view.lower() for view in views):
                found.append(index)
                break
    return found


@dataclass
class Home:
    """A whole home of its own: everything that keyleak writes stays in it."""

    root: Path
    server: Server
    said: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def asking(self) -> list[str]:
        return ["--yes", "--rate", "500", "--endpoint", f"flora={self.server.url}"]

    @property
    def environ(self) -> dict[str, str]:
        own = {
            name: str(self.root / name.lower())
            for name in (
                "HOME",
                "TMPDIR",
                "XDG_CACHE_HOME",
                "XDG_CONFIG_HOME",
                "XDG_DATA_HOME",
                "XDG_STATE_HOME",
            )
        }
        for folder in own.values():
            Path(folder).mkdir(exist_ok=True)
        # The debug logs of libraries, where something turns them on.
        return {**os.environ, **own, "https_proxy": "http://127.0.0.1:9", "PYTHONASYNCIODEBUG": "1"}

    def run(self, *args: str, code: int = 1, stdin: str = "", crash: bool = False) -> None:
        command = [KEYLEAK, *args]
        if crash:
            rendered = str(self.root / f"traceback-{len(self.said)}")
            command = [sys.executable, "-c", CRASH, rendered, *args]
        done = subprocess.run(
            command, cwd=self.work, input=stdin.encode(), capture_output=True, check=False, env=self.environ
        )
        assert done.returncode == code, (args, done.stderr)
        self.said.append((" ".join(args), done.stdout + done.stderr))

    def interrupt(self, *args: str) -> None:
        asked = len(self.server.requests)
        with subprocess.Popen(
            [KEYLEAK, *args],
            cwd=self.work,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,  # noqa: PLW1509
        ) as process:
            while len(self.server.requests) <= asked:
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        assert process.returncode == 130, out
        self.said.append((" ".join(args), out))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    def respond(seen: Seen, _connection: socket.socket) -> bytes:
        """Sends the key back wherever an answer has room for it."""
        time.sleep(0.05)
        key = seen.authorization.partition(" ")[2]
        if key == KEYS[0]:
            return error(401, "invalid_api_key")
        if key == KEYS[1]:
            return answer(200, {"echo": key}, f"x-echo: {key}", f"location: https://example.invalid/?k={key}")
        encoded = base64.b64encode(key.encode()).decode()
        places = [{"workspace_id": f"ws_{form}", "name": form, "role": form} for form in (key, encoded)]
        return live(*places).replace(b"req_test", key.encode())  # type: ignore[arg-type]

    with serving(respond) as server:
        home = Home(tmp_path, server)
        repository = new_repository(home.work)
        first = f"FLORA_API_KEY={KEYS[0]}\nFLORA_API_KEY_OLD={KEYS[1]}\n"
        commit(repository, {"config": first.encode()}, f"rotate FLORA_API_KEY={KEYS[2]}")
        commit(repository, {"config": b"clean\n"})
        (home.work / ".env").write_text("".join(f"FLORA_API_KEY={key}\n" for key in KEYS))
        yield home


def test_the_search_finds_what_it_looks_for() -> None:
    for index, key in enumerate(KEYS):
        for lead in range(3):
            assert index in traces_in(base64.b64encode(b"x" * lead + key.encode() + b"yz"))
            assert index in traces_in(base64.urlsafe_b64encode(b"x" * lead + key.encode() + b"yz"))
        for content in (key.encode(), key.encode().hex().upper().encode(), zlib.compress(key.encode())):
            assert index in traces_in(b"..." + content if content[:1] != b"x" else content)
        assert index in traces_in("".join(f"%{byte:02x}" for byte in key.encode()).encode())
    assert traces_in(b"sk_live_ and " + KEYS[0][8:12].encode()) == []


@pytest.mark.slow
def test_no_run_leaves_a_trace_of_any_key(home: Home) -> None:
    audit = ["--audit", "../audit.jsonl"]
    planted = {path: path.read_bytes() for path in home.work.rglob("*") if path.is_file()}
    assert traces_in((home.work / ".env").read_bytes()) == list(range(len(KEYS)))
    forms = ("json", "text", "sarif", "html", "markdown", "csv", "junit", "github")
    reports = [part for form in forms for part in ("--format", f"{form}:../report.{form}")]
    home.run("scan", "--verify", *home.asking, *audit, *reports)
    home.run("history", "--verify", *home.asking, *audit, "--format", "json:../history.json")
    home.run("verify", "../report.json", *home.asking, *audit)
    home.run("verify", "../history.json", *home.asking, "--expect", "revoked", "--format", "json")
    for key, code in ((KEYS[0], 1), (KEYS[4], 1)):
        home.run("verify", "--stdin", "--issuer", "flora", *home.asking, *audit, stdin=key, code=code)
    home.interrupt("verify", *home.asking, *audit, "--format", "json:../interrupted.json")
    home.run("scan", "--verify", *home.asking, *audit, crash=True, code=3)
    home.run("verify", "../report.json", *home.asking, crash=True, code=3)
    home.run("verify", "--stdin", "--issuer", "flora", *home.asking, stdin=KEYS[0], crash=True, code=3)
    assert len(list(home.root.glob("traceback-*"))) == 3
    for path in home.root.glob("traceback-*"):
        # The frames were rendered, down to the one that held the key.
        assert "request = KeyRequest(" in path.read_text()
        assert "secret=Secret('" in path.read_text()
    assert len((home.root / "audit.jsonl").read_text().splitlines()) >= 12
    assert {seen.authorization for seen in home.server.requests} == {f"Bearer {key}" for key in KEYS}
    for command, said in home.said:
        assert traces_in(said) == [], command
    left = [path for path in home.root.rglob("*") if path.is_file() and path not in planted]
    assert len(left) >= 15
    for path in left:
        assert traces_in(path.read_bytes()) == [], path
    for path, content in planted.items():
        assert path.read_bytes() == content

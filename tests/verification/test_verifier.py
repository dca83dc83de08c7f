"""Many keys: each to its own issuer, once, at its pace, until it is told to stop."""

from __future__ import annotations

import asyncio
import base64
import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

import keyleak
from keyleak.errors import SourceError
from keyleak.findings import Attribution, AttributionVerdict, Candidate, Confidence
from keyleak.rulebook.template import expand
from keyleak.secret import Secret
from keyleak.verification.active_key import active_keys
from keyleak.verification.audit import AuditFile, NoAudit
from keyleak.verification.client import Client
from keyleak.verification.endpoints import read_endpoints
from keyleak.verification.plan import KeyRequest, make_plan
from keyleak.verification.rate import Pace
from keyleak.verification.transport import http_client, tls_context
from keyleak.verification.verifier import Clocks, Learnt, Limits, Verifier
from verification.server import Resolver, answer, error, live, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from pathlib import Path

    from keyleak.findings import Finding
    from keyleak.rulebook.model import Rulebook, VerifyCall
    from verification.server import Authority, Seen

FAST = Limits(total_per_second=10_000, total_at_once=16, endpoint_per_second=10_000)
SHAPES = {
    "FLORA_API_KEY=sk_live_${base62:42}": "flora",
    "CLERK_SECRET_KEY=sk_live_${base62:42}": "clerk",
    "PAYSTACK_SECRET_KEY=sk_live_${hex:40}": "paystack",
    "STRIPE_SECRET_KEY=sk_live_51${base62:97}": "stripe",
    "WORKOS_API_KEY=sk_live_${base64:key_01${crockford:24},${base62:25}}": "workos",
    "FLOPEX_API_KEY=sk_live_${base62:40}": "flopex",
    "x = sk_live_${base62:48}": None,
    "FLORA_API_KEY=sk_live_${hex:40}": None,
    "STRIPE_SECRET_KEY=sk_live_${hex:40}": None,
    "UPLOADTHING_SECRET=sk_live_${hex:64}": None,
    "FLORA_WEBHOOK_SECRET=whsec_${base62:32}": None,
    "FLORA_API_KEY=sk_live_${base62:42} # floraapi.com": None,
    "FLORA_API_KEY=sk_live_your_key_goes_here_${digits:4}": None,
}


def requests_for(call: VerifyCall, url: str, many: int) -> list[KeyRequest]:
    return [
        KeyRequest(
            f"{index:032x}",
            Secret(expand("sk_live_${base62:42}", index).encode()),
            "flora",
            "FLORA",
            call,
            url,
        )
        for index in range(many)
    ]


def verify(
    requests: Sequence[KeyRequest],
    limits: Limits = FAST,
    *,
    audit: AuditFile | NoAudit | None = None,
    stop_after: int | None = None,
    transport: Resolver | None = None,
    waits: list[float] | None = None,
) -> list[Learnt]:
    """What asking brought; with `waits`, nothing sleeps and the waits are kept."""
    learnt: list[Learnt] = []

    async def run() -> None:
        stop = asyncio.Event()

        def on_learnt(one: Learnt) -> None:
            learnt.append(one)
            if len(learnt) == stop_after:
                stop.set()

        elapsed = 0.0

        async def sleep(seconds: float) -> None:
            nonlocal elapsed
            elapsed += seconds
            if waits is not None:
                waits.append(seconds)
            await asyncio.sleep(0 if waits is not None else seconds)

        clocks = Clocks(
            monotonic=(lambda: time.monotonic() + elapsed) if waits is not None else time.monotonic,
            sleep=sleep,
            random=lambda: 0.0,
        )
        async with http_client({request.url for request in requests}, transport) as http:
            verifier = Verifier(Client(http, 5), audit or NoAudit(), limits, clocks)
            await verifier.ask_all(requests, stop, on_learnt)

    asyncio.run(run())
    return learnt


def findings_of(many: int) -> list[Finding]:
    lines = [expand(shape, seed) for seed in range(many // len(SHAPES) + 1) for shape in SHAPES][:many]
    random.Random(7).shuffle(lines)
    return keyleak.scan_bytes("\n\n\n\n\n\n".join(lines).encode(), path=".env")


def test_no_key_reaches_a_host_that_is_not_its_own_issuers(rulebook: Rulebook, authority: Authority) -> None:
    """A thousand mixed findings against listeners for the host of every issuer that can be asked."""
    findings = findings_of(1000)
    issuers = [issuer for issuer in rulebook.issuers if issuer.verify]
    hosts = {issuer.issuer: str(urlsplit(issuer.verify.url).hostname) for issuer in issuers if issuer.verify}
    plan = make_plan(findings, rulebook, {})
    fast = [
        replace(each, call=replace(each.call, requests_per_second=10_000, at_once=4))
        for each in plan.requests
    ]
    with ExitStack() as stack:
        servers = {
            host: stack.enter_context(serving(error(401, "invalid_api_key"), authority.context_for(host)))
            for host in hosts.values()
        }
        context = tls_context({"SSL_CERT_FILE": str(authority.file)})
        network = Resolver({host: server.port for host, server in servers.items()}, context)
        learnt = verify(fast, transport=network)
    attributed = {finding.secret: finding.issuer for finding in findings if finding.issuer in hosts}
    attributed = {
        secret: issuer for secret, issuer in attributed.items() if not secret.reveal().startswith(b"whsec_")
    }
    assert len(findings) > 900
    assert (
        len(plan.requests) == len(learnt) == len(attributed) == sum(len(s.requests) for s in servers.values())
    )
    assert len({finding.issuer for finding in findings if finding.issuer}) >= 6
    assert len(plan.refused) == len(findings) - len(attributed)
    for host, server in servers.items():
        seen = Counter(_key_of(request) for request in server.requests)
        own = {secret.reveal() for secret, issuer in attributed.items() if hosts[str(issuer)] == host}
        assert seen == Counter(own)
        plain = b"".join(request.head for request in server.requests)
        for finding in findings:
            if finding.secret.reveal() not in own:
                assert finding.secret.reveal() not in plain
                assert base64.b64encode(finding.secret.reveal() + b":") not in plain


def _key_of(request: Seen) -> bytes:
    scheme, _, value = request.authorization.partition(" ")
    return base64.b64decode(value)[:-1] if scheme == "Basic" else value.encode()


@pytest.mark.parametrize(
    "line",
    [shape for shape, issuer in SHAPES.items() if issuer is None],
)
def test_doubt_of_any_kind_is_refused_with_its_reason(rulebook: Rulebook, line: str) -> None:
    findings = keyleak.scan_bytes(expand(line).encode())
    plan = make_plan(findings, rulebook, {})
    assert plan.requests == ()
    assert all(plan.refused.values())
    assert len(plan.refused) == len(findings)


def test_an_edited_attribution_does_not_send_a_key_with_anothers_shape(rulebook: Rulebook) -> None:
    (finding,) = keyleak.scan_bytes(expand("x=sk_live_51${base62:97}").encode())
    claimed = Attribution(
        AttributionVerdict.ATTRIBUTED, Confidence.HIGH, ("edited",), (Candidate("flora", ("edited",)),)
    )
    plan = make_plan([replace(finding, rule="flora-api-key", attribution=claimed)], rulebook, {})
    assert plan.requests == ()
    assert "another issuer" in plan.refused[finding.id]


def test_500_keys_are_asked_a_few_at_once(flora: VerifyCall) -> None:
    with serving(live()) as server:
        learnt = verify(
            requests_for(replace(flora, at_once=4), server.url, 500),
            Limits(total_per_second=10_000, total_at_once=8, endpoint_per_second=10_000),
        )
    assert len(learnt) == len(server.requests) == 500
    assert max(seen.at_once for seen in server.requests) <= 4


@pytest.mark.parametrize("rate", [0.5, 2.0, 250.0])
def test_turns_are_never_closer_than_the_rate_allows(rate: float) -> None:
    """On a clock of its own, which goes on while somebody sleeps, and a little while turns are taken."""
    now = 100.0
    taken = []

    def clock() -> float:
        nonlocal now
        now += 0.0001
        return now

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    async def run() -> None:
        pace = Pace(rate, clock, sleep)

        async def one(number: int) -> None:
            await pace.turn()
            taken.append(now)
            if number == 50:
                pace.pause(30.0)

        await asyncio.gather(*(one(number) for number in range(200)))

    asyncio.run(run())
    apart = [later - earlier for earlier, later in pairwise(taken)]
    assert len(taken) == 200
    assert min(apart) >= 1 / rate - 1e-6
    assert sum(gap >= 30.0 - 1e-3 for gap in apart) == 1
    # And no slower than that, but for the pause.
    assert taken[-1] - taken[0] < 199 / rate + 30.0 + 1.0


def test_each_failure_is_tried_three_times_at_most_and_other_4xx_once(flora: VerifyCall) -> None:
    def dropped(_seen: Seen, _connection: socket.socket) -> None:
        """Closed without a word."""

    scripts = {429: 3, 500: 3, 503: 3, 400: 1, 401: 1, 403: 1, 404: 1, 422: 1}
    for status, tries in scripts.items():
        waits: list[float] = []
        with serving(answer(status, {})) as server:
            (learnt,) = verify(requests_for(flora, server.url, 1), waits=waits)
        assert len(server.requests) == tries, status
        assert learnt.verification.verdict.value == "unknown"
        backoffs = [wait for wait in waits if wait >= 0.5]
        assert backoffs == [0.5, 1.0][: tries - 1]
    with serving(dropped) as server:
        verify(requests_for(flora, server.url, 1), waits=[])
    assert len(server.requests) == 3


def test_a_retry_brings_the_answer(flora: VerifyCall) -> None:
    with serving([error(429, "rate_limited"), error(503, "service_unavailable"), live()]) as server:
        (learnt,) = verify(requests_for(flora, server.url, 1), waits=[])
    assert learnt.lives


def test_retry_after_is_waited_for_by_every_key_of_the_host(flora: VerifyCall) -> None:
    with serving([error(429, "rate_limited", "retry-after: 1"), live()]) as server:
        learnt = verify(requests_for(flora, server.url, 4))
    assert all(each.lives for each in learnt)
    first = server.requests[0].time
    # One more may have been under way when the answer came.
    assert sum(seen.time - first < 0.9 for seen in server.requests) <= 2


def test_a_host_that_asks_for_too_much_patience_is_left_alone(flora: VerifyCall) -> None:
    with serving(error(429, "rate_limited", "retry-after: 3600")) as server:
        learnt = verify(requests_for(replace(flora, at_once=1), server.url, 20))
    assert len(server.requests) == 1
    assert len(learnt) == 20
    assert all("3,600 seconds" in str(each.verification.detail) for each in learnt[1:])


def test_a_host_that_cannot_be_reached_is_given_up(flora: VerifyCall) -> None:
    with serving(live()) as server:
        url = server.url
    learnt = verify(requests_for(replace(flora, at_once=1), url, 30), waits=[])
    assert len(learnt) == 30
    assert {each.verification.verdict.value for each in learnt} == {"unknown"}
    assert "in a row" in str(learnt[-1].verification.detail)


def test_stopping_in_the_middle_keeps_what_was_learnt(flora: VerifyCall) -> None:
    told_to_stop = threading.Event()

    def respond(_seen: Seen, _connection: socket.socket) -> bytes:
        if len(server.requests) > 5:
            told_to_stop.wait(60)
        return live()

    with serving(respond) as server:
        learnt = verify(requests_for(flora, server.url, 100), stop_after=5)
        told_to_stop.set()
    assert len(learnt) == 5
    assert all(each.lives for each in learnt)


def test_what_is_kept_of_an_answer(flora: VerifyCall, tmp_path: Path) -> None:
    two = [
        {"workspace_id": f"ws_{n}", "name": f"Name {n}", "created_at": 1, "role": "admin"} for n in range(2)
    ]
    (request,) = requests_for(flora, "", 1)
    with serving(live(*two)) as server, AuditFile(str(tmp_path / "audit")) as audit:
        (learnt,) = verify([replace(request, url=server.url)], audit=audit)
    said = learnt.verification
    assert said.request_id == "req_test"
    assert said.checked_at is not None
    assert datetime.fromisoformat(said.checked_at).tzinfo is UTC or said.checked_at.endswith("+00:00")
    assert "2 workspaces: ws_0 (admin), ws_1 (admin)" in str(said.detail)
    assert "documented, not probed" in str(said.detail)
    told = str(said) + (tmp_path / "audit").read_text()
    assert "Name" not in told
    assert (tmp_path / "audit").stat().st_mode & 0o077 == 0


def test_a_key_that_comes_back_is_not_kept(flora: VerifyCall, tmp_path: Path) -> None:
    (request,) = requests_for(flora, "", 1)
    key = request.secret.reveal().decode()
    encoded = base64.urlsafe_b64encode(b"x" + key.encode()).decode().rstrip("=")

    def echo(seen: Seen, _connection: socket.socket) -> bytes:
        places = [{"workspace_id": f"ws_{value}", "name": key, "role": value} for value in (key, encoded)]
        content = live(*places)  # type: ignore[arg-type]
        return content.replace(b"req_test", seen.authorization.split()[1].encode())

    with serving(echo) as server, AuditFile(str(tmp_path / "audit")) as audit:
        (learnt,) = verify([replace(request, url=server.url)], audit=audit)
    told = repr(learnt) + str(learnt.verification) + (tmp_path / "audit").read_text()
    assert key not in told
    assert key[8:] not in told
    assert encoded[8:-8] not in told
    assert learnt.verification.request_id is None


def test_an_audit_that_cannot_be_kept_ends_it(flora: VerifyCall) -> None:
    with serving(live()) as server, AuditFile("/dev/full") as audit, pytest.raises(SourceError):
        verify(requests_for(flora, server.url, 20), audit=audit)
    assert len(server.requests) <= flora.at_once


def test_of_several_keys_the_active_one_is_named(flora: VerifyCall) -> None:
    requests = requests_for(flora, "", 3)
    active = requests[1].secret.reveal().decode()

    def respond(seen: Seen, _connection: socket.socket) -> bytes:
        return live() if active in seen.authorization else error(401, "invalid_api_key")

    with serving(respond) as server:
        learnt = verify([replace(request, url=server.url) for request in requests])
    sentences = active_keys(learnt)
    assert list(sentences) == [requests[1].id]
    assert (
        sentences[requests[1].id]
        == "Of the 3 FLORA keys found, this is the active one of workspace ws_0a1b2c"
    )
    with serving(live()) as server:
        learnt = verify([replace(request, url=server.url) for request in requests])
    assert len(active_keys(learnt)) == 3
    assert active_keys(learnt[:1]) == {}


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("flora=http://127.0.0.1:8000", "http://127.0.0.1:8000/api/v1/workspaces"),
        ("flora=http://127.0.0.1:8000/", "http://127.0.0.1:8000/api/v1/workspaces"),
        ("flora=http://127.0.0.1:8000/api/v1", "http://127.0.0.1:8000/api/v1/workspaces"),
        ("flora=http://127.0.0.1:8000/other", "http://127.0.0.1:8000/other"),
        ("flora=http://localhost:8000", "http://127.0.0.1:8000/api/v1/workspaces"),
        ("flora=http://[::1]:8000/w", "http://[::1]:8000/w"),
        ("flora=https://staging.example", "https://staging.example/api/v1/workspaces"),
        ("workos=http://127.0.0.1:1", "http://127.0.0.1:1/organizations?limit=1"),
    ],
)
def test_a_test_server_takes_the_place_of_the_issuers_host(rulebook: Rulebook, value: str, url: str) -> None:
    assert list(read_endpoints([value], rulebook).values()) == [url]


@pytest.mark.parametrize(
    "value",
    [
        "flora", "flora=", "flora=127.0.0.1", "flora=http://example.com", "flora=http://127.0.0.1.example.com",
        "flora=http://127.0.0.1@example.com", "flora=ftp://127.0.0.1", "nobody=http://127.0.0.1",
        "alma=http://127.0.0.1", "flora=http://0x7f.1", "flora=http://10.0.0.1", "flora=http://[::1",
        "flora=http://127.0.0.1:99999", "flora=http://0.0.0.0", "flora=http://user:pw@127.0.0.1",
    ],
)  # fmt: skip
def test_keys_in_the_clear_go_to_this_machine_only(rulebook: Rulebook, value: str) -> None:
    with pytest.raises(keyleak.errors.UsageError):
        read_endpoints([value], rulebook)

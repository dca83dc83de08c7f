"""What goes over the wire and what does not, on real sockets with real TLS."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import time
import traceback
from typing import TYPE_CHECKING

import pytest

from keyleak.errors import UsageError
from keyleak.rulebook.template import expand
from keyleak.secret import Secret
from keyleak.verification.client import LARGEST_BODY, Client
from keyleak.verification.secrecy import kept_from_disk
from keyleak.verification.transport import http_client, proxy_for, tls_context
from keyleak.verification.verdicts import Answer, Failure, judge
from verification.server import Resolver, answer, error, live, serving

if TYPE_CHECKING:
    import socket

    import httpx

    from keyleak.rulebook.model import VerifyCall
    from verification.server import Authority, Seen

KEY = expand("sk_live_${base62:42}")
FLORA = "https://app.flora.ai/api/v1/workspaces"


def ask(
    call: VerifyCall, url: str, *, deadline: float = 5, transport: httpx.AsyncBaseTransport | None = None
) -> Answer | Failure:
    async def run() -> Answer | Failure:
        async with http_client([url], transport) as http:
            return await Client(http, deadline).ask(call, url, Secret(KEY.encode()))

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not for loopback meets a port on which nobody listens."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")


def test_the_request_is_one_plain_get_with_the_key_in_one_header(flora: VerifyCall) -> None:
    with serving(live()) as server:
        said = ask(flora, server.url + "/api/v1/workspaces")
    assert isinstance(said, Answer)
    assert judge(flora, said).verdict.value == "live"
    (seen,) = server.requests
    assert seen.head.startswith(b"GET /api/v1/workspaces HTTP/1.1\r\n")
    assert seen.authorization == f"Bearer {KEY}"
    assert seen.head.count(KEY.encode()) == 1
    assert seen.head.endswith(b"\r\n\r\n")
    assert not seen.header("cookie")
    assert seen.header("accept-encoding") == "identity"


def test_a_key_as_basic_user_has_no_password(rulebook, flora: VerifyCall) -> None:
    stripe = rulebook.issuer("stripe").verify
    with serving(answer(401, {})) as server:
        ask(stripe, server.url)
    scheme, _, value = server.requests[0].authorization.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == f"{KEY}:"


def dribble(_seen: Seen, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def endless_headers(_seen: Seen, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x-more: " + b"y" * 1000 + b"\r\n")


def slow_headers(_seen: Seen, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x: y\r\n")
        time.sleep(0.05)


def endless_body(_seen: Seen, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while True:
        connection.sendall(b" " * 65536)


def dropped(_seen: Seen, _connection: socket.socket) -> None:
    """Closed without a word."""


def cut(_seen: Seen, connection: socket.socket) -> None:
    connection.sendall(live()[:-20])


@pytest.mark.parametrize("script", [dribble, endless_headers, slow_headers, endless_body, dropped, cut])
def test_no_server_can_hold_or_crash_it(flora: VerifyCall, script) -> None:
    with serving(script) as server:
        said = ask(flora, server.url, deadline=1)
    assert judge(flora, said).verdict.value == "unknown"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (live(), "live"),
        (answer(200, {"workspaces": []}, version="1.0"), "live"),
        (error(401, "invalid_api_key"), "not-accepted"),
        (error(402, "insufficient_credits"), "live-restricted"),
        (error(403, "forbidden"), "live-restricted"),
        (error(403, "paid_plan_required"), "live-restricted"),
        (error(429, "rate_limited", "retry-after: 3"), "unknown"),
        (error(500, "internal_error"), "unknown"),
        (error(503, "service_unavailable"), "unknown"),
        (error(400, "invalid_json"), "unknown"),
        (error(409, "conflict"), "unknown"),
        (answer(200, b"<html>Are you a robot?</html>", kind="text/html"), "unknown"),
        (answer(403, b"<html>captcha</html>", kind="text/html"), "unknown"),
        (answer(200, b"\x1f\x8b\x08\x00junk", "content-encoding: gzip"), "unknown"),
        (answer(200, b" " * (LARGEST_BODY + 1)), "unknown"),
        (b"HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n", "unknown"),
        (b"\x00\x01\x02 not HTTP at all\r\n\r\n", "unknown"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n", "unknown"),
        (answer(200, b"", "transfer-encoding: chunked"), "unknown"),
    ],
)
def test_every_documented_answer_and_every_other_one(flora: VerifyCall, content: bytes, verdict: str) -> None:
    with serving(content + b"") as server:
        said = ask(flora, server.url, deadline=2)
    assert judge(flora, said).verdict.value == verdict


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(flora: VerifyCall, status: int) -> None:
    with serving(live()) as elsewhere:
        with serving(answer(status, b"", f"location: {elsewhere.url}/steal")) as server:
            said = ask(flora, server.url)
        assert judge(flora, said).verdict.value == "unknown"
    assert elsewhere.connections == 0


def test_no_cookie_is_kept(flora: VerifyCall) -> None:
    async def twice(url: str) -> None:
        async with http_client([url]) as http:
            for _ in range(2):
                await Client(http).ask(flora, url, Secret(KEY.encode()))

    with serving(answer(200, {"workspaces": []}, "set-cookie: track=me; path=/")) as server:
        asyncio.run(twice(server.url))
    assert len(server.requests) == 2
    assert b"track" not in server.received


def test_the_name_and_its_certificate_are_those_of_the_pinned_host(
    flora: VerifyCall, authority: Authority
) -> None:
    trusted = tls_context({"SSL_CERT_FILE": str(authority.file)})
    with serving(live(), authority.context_for("app.flora.ai")) as server:
        said = ask(flora, FLORA, transport=Resolver({"app.flora.ai": server.port}, trusted))
    assert judge(flora, said).verdict.value == "live"
    assert server.requests[0].header("host") == "app.flora.ai"


def test_another_hosts_certificate_gets_no_key(flora: VerifyCall, authority: Authority) -> None:
    trusted = tls_context({"SSL_CERT_FILE": str(authority.file)})
    with serving(live(), authority.context_for("evil.example")) as server:
        said = ask(flora, FLORA, transport=Resolver({"app.flora.ai": server.port}, trusted))
    assert isinstance(said, Failure)
    assert "certificate" in said.reason
    assert not said.is_connection
    assert server.requests == []


def test_a_certificate_of_an_unknown_authority_gets_no_key(flora: VerifyCall, authority: Authority) -> None:
    with serving(live(), authority.context_for("app.flora.ai")) as server:
        said = ask(flora, FLORA, transport=Resolver({"app.flora.ai": server.port}, tls_context({})))
    assert isinstance(said, Failure)
    assert server.requests == []


def test_tls_secrets_are_not_logged(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert tls_context({}).keylog_filename is None
    assert tls_context({}).verify_mode is ssl.CERT_REQUIRED


def test_a_proxy_of_the_environment_sees_the_host_and_never_the_key(
    flora: VerifyCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        said = ask(flora, FLORA)
    assert isinstance(said, Failure)
    assert proxy.requests[0].head.startswith(b"CONNECT app.flora.ai:443 ")
    assert KEY.encode() not in proxy.received


def test_loopback_has_no_proxy_and_no_proxy_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    assert proxy_for(FLORA) == "http://proxy.example:3128"
    assert proxy_for("https://127.0.0.1:8443/") is None
    assert proxy_for("https://localhost/") is None
    monkeypatch.setenv("no_proxy", "example.com, .flora.ai")
    assert proxy_for(FLORA) is None
    monkeypatch.setenv("no_proxy", "lora.ai")
    assert proxy_for(FLORA) is not None
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(UsageError):
        proxy_for(FLORA)


def hostile(_seen: Seen, _connection: socket.socket) -> bytes:
    """Sends the key back in every place it has."""
    echo = base64.b64encode(KEY.encode()).decode()
    body = {"workspaces": [{"workspace_id": "ws_" + KEY, "name": KEY, "role": KEY, "created_at": KEY}]}
    return answer(
        200, body, f"x-echo: {KEY}", f"x-echo-64: {echo}", f"retry-after: {KEY}", f"set-cookie: {KEY}"
    )


@pytest.mark.parametrize("script", [hostile, dropped, cut, dribble])
def test_no_key_in_logs_or_tracebacks_with_locals(
    flora: VerifyCall, caplog: pytest.LogCaptureFixture, script
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(script) as server, kept_from_disk():
        said = ask(flora, server.url, deadline=0.5)
    told = caplog.text + repr(said if isinstance(said, Failure) else judge(flora, said).reason)
    if isinstance(said, Failure):
        # Nothing of the library's exceptions, which hold the request, is left to print.
        told += "".join(traceback.format_stack())
        assert not any(isinstance(value, BaseException) for value in (said.reason, said.is_connection))
    assert KEY not in told
    assert base64.b64encode(KEY.encode()).decode() not in told

"""One request, one answer. Whatever goes wrong comes back as a value.

The key stands on the request from the moment it is sent until the answer is there, and nowhere else:
exceptions of the HTTP library keep frames and requests that hold it, so none of them leaves this module, not
even as the cause of another.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from socket import gaierror
from typing import TYPE_CHECKING, Final

import httpx

from keyleak._version import __version__
from keyleak.verification.verdicts import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from keyleak.rulebook.model import VerifyCall
    from keyleak.secret import Secret

# FLORA's own smoke checks allow 20 seconds. It bounds the whole exchange: a server that sends a byte now and
# then keeps every shorter timeout from ever ending.
DEADLINE: Final = 20.0
# FLORA's answer has some 150 bytes a workspace; a larger body is none that is documented.
LARGEST_BODY: Final = 256 * 1024
_HEADERS: Final = {
    "accept": "application/json",
    # A small compressed body can grow to any size.
    "accept-encoding": "identity",
    "user-agent": f"keyleak/{__version__} (checks whether a leaked key still works)",
}
# The first that is among an exception's causes tells what happened.
_CONNECTION_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (gaierror, "the host's name could not be resolved"),
    (httpx.ProxyError, "the proxy did not let the request through"),
    (ssl.SSLError, "no TLS connection came about"),
    (httpx.ReadTimeout, "the server took the request and did not answer in time"),
    (httpx.ConnectError, "the host could not be reached"),
    (httpx.ConnectTimeout, "the host could not be reached"),
    (httpx.TransportError, "the connection failed before the answer was whole"),
)
_REQUEST_IDS: Final = ("request-id", "x-request-id")


class Client:
    """Sends keys to issuers with an HTTP client that is handed in (see `transport.py`)."""

    def __init__(self, http: httpx.AsyncClient, deadline: float = DEADLINE) -> None:
        """Take the client.

        Args:
            http: follows no redirects and keeps no cookies.
            deadline: seconds for a whole exchange.
        """
        self._http = http
        self._deadline = deadline

    async def ask(self, call: VerifyCall, url: str, secret: Secret) -> Answer | Failure:
        """Send one request with one key.

        Args:
            call: how the key is sent.
            url: where to, the call's own or that of a test server.
            secret: the key.
        """
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(call, url, secret)
        except TimeoutError:
            return Failure(f"no whole answer within {self._deadline:g} seconds")
        except Exception as error:  # noqa: BLE001 - see the module's text
            return _failure(error)

    async def _exchange(self, call: VerifyCall, url: str, secret: Secret) -> Answer:
        headers = {**_HEADERS, **dict(call.headers)}
        async with self._http.stream("GET", url, headers=headers, auth=_Key(call.auth, secret)) as response:
            body, too_long = await _bounded(response.aiter_raw())
            return Answer(
                status=response.status_code,
                content_type=response.headers.get("content-type", ""),
                body=body,
                retry_after=response.headers.get("retry-after"),
                request_id=_request_id(call, response.headers),
                too_long=too_long,
            )


class _Key(httpx.Auth):
    """Puts the key onto the request when it is sent; before that, and when printed, it is hidden."""

    def __init__(self, style: str, secret: Secret) -> None:
        self._style = style
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        kind, _, header = self._style.partition(":")
        if kind == "header":
            request.headers[header] = self._secret.reveal().decode("ascii")
        elif kind == "basic-user":
            request.headers["authorization"] = _basic(self._secret)
        else:
            request.headers["authorization"] = f"Bearer {self._secret.reveal().decode('ascii')}"
        yield request


def _basic(secret: Secret) -> str:
    return "Basic " + base64.b64encode(secret.reveal() + b":").decode("ascii")


async def _bounded(chunks: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """A body, and whether there was more of it than is read."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > LARGEST_BODY:
            return b"", True
    return bytes(body), False


def _request_id(call: VerifyCall, headers: httpx.Headers) -> str | None:
    names = (call.request_id,) if call.request_id else _REQUEST_IDS
    return next((headers[name] for name in names if name in headers), None)


def _failure(error: Exception) -> Failure:
    """What went wrong, in words of our own: those of the library may repeat what was sent."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(f"the server's certificate was not accepted: {cause.verify_message}")
    for kind, words in _CONNECTION_FAILURES:
        if any(isinstance(cause, kind) for cause in _causes(error)):
            return Failure(words, is_connection=kind is not httpx.ReadTimeout)
    return Failure(f"the request could not be made ({type(error).__name__})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

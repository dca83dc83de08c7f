"""A server that plays issuers: real sockets, real TLS under a throw-away authority, published answers."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

WORKSPACE = {"workspace_id": "ws_0a1b2c", "name": "Secret Project", "created_at": None, "role": "owner"}


def answer(
    status: int, body: object, *headers: str, kind: str = "application/json", version: str = "1.1"
) -> bytes:
    """A whole HTTP answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [
        f"HTTP/{version} {status} X",
        f"content-type: {kind}",
        f"content-length: {len(content)}",
        "request-id: req_test",
        *headers,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def error(status: int, code: str, *headers: str) -> bytes:
    """FLORA's envelope."""
    return answer(status, {"error": {"code": code, "message": "Words."}}, *headers)


def live(*workspaces: dict[str, object]) -> bytes:
    return answer(200, {"workspaces": list(workspaces or (WORKSPACE,))})


@dataclass
class Seen:
    """One request as it came over the wire."""

    time: float
    head: bytes
    at_once: int

    @property
    def authorization(self) -> str:
        return self.header("authorization")

    def header(self, name: str) -> str:
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return ""


class Server:
    """Listens on loopback and records everything; a script says what it answers.

    Args:
        respond: gets the request and the connection, and sends what it likes; bytes it returns are sent.
        context: for TLS; None listens in the clear.
    """

    def __init__(
        self,
        respond: Callable[[Seen, socket.socket], bytes | None],
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._respond = respond
        self._context = context
        self.requests: list[Seen] = []
        self.connections = 0
        self.received = bytearray()
        self._lock = threading.Lock()
        self._under_way = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                while self._one(connection):
                    pass
        except (OSError, ssl.SSLError):
            return

    def _one(self, connection: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                return False
            self.received += data
            head += data
        with self._lock:
            self._under_way += 1
            seen = Seen(time.monotonic(), head, self._under_way)
            self.requests.append(seen)
        try:
            content = self._respond(seen, connection)
        finally:
            with self._lock:
                self._under_way -= 1
        if content is None:
            return False
        connection.sendall(content)
        return b"HTTP/1.0" not in content[:10] and b"connection: close" not in content.lower()


class Authority:
    """Issues certificates that nobody but the tests trusts."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests only")])
        self._folder = folder
        certificate = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def context_for(self, *hosts: str) -> ssl.SSLContext:
        """TLS of a server with these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        certificate = self._signed(x509.Name([]), key, names)
        file = self._folder / f"{hosts[0]}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )


@dataclass
class Resolver(httpx.AsyncBaseTransport):
    """The network of a test: real hosts' names lead to loopback ports, everything else stays as it is.

    Certificate, server name indication and the Host header are those of the name.
    """

    ports: Mapping[str, int]
    context: ssl.SSLContext
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport(verify=self.context, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self.asked.append(host)
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host="127.0.0.1", port=self.ports[host])
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextlib.contextmanager
def serving(
    respond: Callable[[Seen, socket.socket], bytes | None] | bytes | Sequence[bytes],
    context: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """A server that runs a script, repeats one answer, or gives several in turn, the last for ever."""
    if isinstance(respond, bytes):
        script: Callable[[Seen, socket.socket], bytes | None] = _in_turn([respond])
    elif callable(respond):
        script = respond
    else:
        script = _in_turn(list(respond))
    server = Server(script, context)
    try:
        yield server
    finally:
        server.close()


def _in_turn(answers: list[bytes]) -> Callable[[Seen, socket.socket], bytes | None]:
    def respond(_seen: Seen, _connection: socket.socket) -> bytes | None:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return respond

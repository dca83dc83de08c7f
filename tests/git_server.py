"""A server that git clones from and fetches from: real TLS on loopback, git's `http-backend` behind it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class GitServer(ThreadingHTTPServer):
    """Serves the repositories of a folder and remembers the headers of every request.

    Args:
        root: the folder.
        context: for TLS; None listens in the clear.
        answers: more headers for every answer.
        password: what clients must sign in with, as `Authorization` has it; None lets everybody in.
    """

    daemon_threads = True

    def __init__(
        self,
        root: Path,
        context: ssl.SSLContext | None = None,
        answers: Mapping[str, str] | None = None,
        password: str | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root, self.answers, self.password = root, dict(answers or {}), password
        self.seen: list[dict[str, str]] = []
        self.scheme = "http" if context is None else "https"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate ends the connection."""


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        if self.server.password and self.headers.get("authorization") != self.server.password:
            self._head(401, {"WWW-Authenticate": 'Basic realm="r"', "Content-Length": "0"})
            return
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": os.fspath(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": os.fspath(self.server.root),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        self._head(status, headers | {"Content-Length": str(len(content))})
        self.wfile.write(content)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, **self.server.answers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@contextlib.contextmanager
def serving_git(
    root: Path,
    context: ssl.SSLContext | None = None,
    answers: Mapping[str, str] | None = None,
    password: str | None = None,
) -> Iterator[GitServer]:
    """A `GitServer` that runs meanwhile."""
    with GitServer(root, context, answers, password) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

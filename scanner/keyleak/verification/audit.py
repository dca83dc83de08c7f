"""One line of JSON for each request: when, to whom, about which key, what came back. Never the key."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from keyleak.errors import SourceError
from keyleak.git.checkout import link_out

if TYPE_CHECKING:
    from types import TracebackType

_FOR_ITS_OWNER: Final = 0o600


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One request."""

    time: str
    """ISO 8601 with time zone, when it was sent."""
    issuer: str
    host: str
    fingerprint: str
    """The id of the key's finding."""
    attempt: int
    """1 for the first."""
    status: int | None
    """None where no answer came."""
    request_id: str | None
    verdict: str
    detail: str


class Audit(Protocol):
    """Takes note of requests."""

    def write(self, entry: AuditEntry) -> None:
        """Keep an entry.

        Raises:
            SourceError: it could not be kept; nothing more may be sent then.
        """


class NoAudit:
    """Keeps nothing."""

    def write(self, entry: AuditEntry) -> None:
        """See `Audit`."""


class AuditFile:
    """A file of JSON Lines that grows; each line is written before the next request goes."""

    def __init__(self, path: str) -> None:
        """Open it, readable for its owner only where it is new.

        Raises:
            SourceError: it cannot be written.
        """
        self._path = path
        if (where := link_out(path)) is not None:
            raise SourceError(path, f"a link in this repository leads out of it; name {where} itself")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, _FOR_ITS_OWNER)
        except OSError as error:
            raise SourceError(path, f"the audit cannot be written: {error.strerror}") from error

    def write(self, entry: AuditEntry) -> None:
        """See `Audit`."""
        fields = {name: getattr(entry, name) for name in AuditEntry.__slots__}
        line = json.dumps(fields).encode("ascii") + b"\n"
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise SourceError(self._path, f"the audit cannot be written: {error.strerror}") from error
        if written < len(line):
            raise SourceError(self._path, "the audit cannot be written: the disk is full")

    def __enter__(self) -> AuditFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

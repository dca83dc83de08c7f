"""Two lines of JSON for each request: before it leaves, to whom and about which key; then what came back.

Never the key. A request whose second line is missing was sent, or was about to be, when the run ended.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from keyleak.errors import SourceError
from keyleak.git.checkout import link_out

if TYPE_CHECKING:
    from types import TracebackType

_FOR_ITS_OWNER: Final = 0o600


class AuditEvent(Enum):
    """What a line is about."""

    REQUEST = "request"
    """It is sent now."""
    ANSWER = "answer"
    """What came of it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A request, or what came of it."""

    event: AuditEvent
    time: str
    """ISO 8601 with time zone, when it was sent."""
    issuer: str
    host: str
    fingerprint: str
    """The id of the key's finding."""
    attempt: int
    """1 for the first."""
    status: int | None = None
    """None where no answer came (yet)."""
    request_id: str | None = None
    verdict: str | None = None
    detail: str = ""


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
    """A file of JSON Lines that grows; each line is on the disk before the next request goes."""

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
        fields = {name: getattr(entry, name) for name in AuditEntry.__slots__} | {"event": entry.event.value}
        line = json.dumps(fields).encode("ascii") + b"\n"
        try:
            written = os.write(self._descriptor, line)
            with suppress(OSError):  # a pipe or a terminal has no disk
                os.fsync(self._descriptor)
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

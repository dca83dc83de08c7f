"""A member of a container, and what keeps one from being read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from keyleak.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE: Final = 256 << 10
"""Bytes handed on at a time."""


class ContainerError(Exception):
    """A container or a member of it cannot be read.

    Attributes:
        reason: why, in words for a report.
        member: the member's name, or None where it is the whole container.
    """

    def __init__(self, reason: str, member: str | None = None) -> None:
        self.reason = reason
        self.member = member
        super().__init__(reason, member)


class Readable(Protocol):
    """What can be read on: a file, `io.BytesIO`."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Member:
    """One content in a container. Its pieces are to be taken before the next member is asked for."""

    name: str
    pieces: Iterator[bytes]
    """Its content; raises `ContainerError` where it cannot be read to its end."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something in a container that cannot be read, while what follows can."""

    name: str
    reason: str


def pieces_of(stream: Readable) -> Iterator[bytes]:
    """A stream in pieces."""
    while piece := stream.read(PIECE):
        yield piece


class PieceReader:
    """Consecutive pieces as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Exactly so many bytes, fewer only at the end."""
        parts, wanted = [], size
        while wanted > 0:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                self._rest = b""
                break
            parts.append(piece[:wanted])
            self._rest = piece[wanted:]
            wanted -= len(parts[-1])
        return b"".join(parts)

    def take_all(self) -> Iterator[bytes]:
        """What is left, in pieces."""
        while piece := self.read(PIECE):
            yield piece

    def take(self, size: int) -> Iterator[bytes]:
        """So many bytes in pieces.

        Raises:
            ContainerError: there are not so many.
        """
        while size > 0:
            piece = self.read(min(size, PIECE))
            if not piece:
                raise ContainerError(f"ends {size:,} bytes early")
            size -= len(piece)
            yield piece

"""What an earlier reading brought, so that the same pack is not read again to learn the same.

Packs never change, so what a pack holds is remembered: under the digest of all its bytes and those of its
index, computed each time. The checksum at its end and the name of its file are what somebody says of it.
Only counts and the ids of objects that had something to tell are kept: those are visited again each time.
Loose objects are not remembered: to know what a file holds is to read it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from keyleak.coverage import ObjectCounts
from keyleak.git.regular import open_regular

if TYPE_CHECKING:
    from keyleak.git.object_store import ObjectStore

_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Remembered:
    """Objects that were read to the end without a gap."""

    counts: ObjectCounts = field(default_factory=ObjectCounts)
    """Objects visited."""
    content_bytes: int = 0
    """Bytes of their content."""
    again: tuple[bytes, ...] = ()
    """Ids of those that had something to tell; their counts are in `counts`."""
    left: tuple[bytes, ...] = ()
    """Ids of those that a pack left to the plain path; not in `counts`."""
    absent: tuple[bytes, ...] = ()
    """Ids of objects that they name and that were not with them: a few, which are reason enough to look."""

    def __add__(self, other: Remembered) -> Remembered:
        return Remembered(
            self.counts + other.counts,
            self.content_bytes + other.content_bytes,
            self.again + other.again,
            self.left + other.left,
            self.absent + other.absent,
        )


class ObjectMemory(Protocol):
    """Keeps what was read for the next time; for one set of rules only."""

    def recall(self, name: str) -> Remembered | None:
        """What was kept under a name, or None."""

    def keep(self, name: str, remembered: Remembered) -> None:
        """Keeps it; where it cannot, nothing is kept and nothing is lost."""


class Digests:
    """SHA-256 digests of packs and their indexes, each computed once in a reading."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def of(self, path: str) -> bytes:
        """The digest of a pack and its index, or nothing where one of them cannot be read.

        Args:
            path: the `.pack` file.
        """
        if path not in self._known:
            try:
                files = (path, f"{os.path.splitext(path)[0]}.idx")
                self._known[path] = b"".join(_digest(file) for file in files)
            except OSError:
                self._known[path] = b""
        return self._known[path]


def store_name(store: ObjectStore, digests: Digests) -> str:
    """The name of a whole object database as it is, or "" where it cannot be known."""
    digest = hashlib.sha256(b"%d\n" % store.id_bytes)
    for path in store.packs:
        if not (of_pack := digests.of(path)):
            return ""
        digest.update(of_pack)
    for file in store.loose:
        digest.update(file.oid)
    return f"store-{digest.hexdigest()}"


def pack_name(path: str, flags: bytes, digests: Digests) -> str:
    """The name of a pack as it is, or "" where it cannot be read.

    Args:
        path: the `.pack` file.
        flags: which of its objects are counted elsewhere, one byte for each.
        digests: of packs.
    """
    of_pack = digests.of(path)
    return f"pack-{hashlib.sha256(of_pack + hashlib.sha256(flags).digest()).hexdigest()}" if of_pack else ""


def _digest(path: str) -> bytes:
    """The digest of a file's content.

    Raises:
        OSError: it cannot be read.
    """
    digest, piece = hashlib.sha256(), memoryview(bytearray(_PIECE))
    with open_regular(path) as file:
        while length := file.readinto(piece):  # type: ignore[attr-defined]  # every buffered reader has it
            digest.update(piece[:length])
    return digest.digest()

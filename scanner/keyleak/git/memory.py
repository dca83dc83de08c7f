"""What an earlier reading brought, so that the same pack is not read again to learn the same.

Packs never change, so what a pack holds is remembered under its checksum; loose objects are remembered by id.
Only counts and the ids of objects that had something to tell are kept: those are visited again each time.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from keyleak.coverage import ObjectCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.git.object_store import ObjectStore

_LONGEST_CHECKSUM: Final = 32


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
    ids: tuple[bytes, ...] = ()
    """Ids of all, where it is not a pack that names them."""

    def __add__(self, other: Remembered) -> Remembered:
        return Remembered(
            self.counts + other.counts,
            self.content_bytes + other.content_bytes,
            self.again + other.again,
            self.left + other.left,
            self.ids + other.ids,
        )


class ObjectMemory(Protocol):
    """Keeps what was read for the next time; for one set of rules only."""

    def recall(self, name: str) -> Remembered | None:
        """What was kept under a name, or None."""

    def keep(self, name: str, remembered: Remembered) -> None:
        """Keeps it; where it cannot, nothing is kept and nothing is lost."""


def store_name(store: ObjectStore) -> str:
    """The name of a whole object database as it stands, or "" where it cannot be told."""
    digest = hashlib.sha256()
    for path in store.packs:
        if not (name := pack_name(path, b"")):
            return ""
        digest.update(name.encode() + b"\n")
    for oid in store.loose:
        digest.update(oid)
    return f"store-{store.id_bytes}-{digest.hexdigest()}"


def pack_name(path: str, skip: bytes) -> str:
    """The name of a pack as it stands, or "" where it cannot be read.

    Args:
        path: the `.pack` file.
        skip: which of its objects are read elsewhere (see `OpenPack.skip`).
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, status.st_size - _LONGEST_CHECKSUM))
            end = file.read(_LONGEST_CHECKSUM)
    except OSError:
        return ""
    # Not its time: git sets that anew when it finds that a pack has an object it was about to write.
    what = b"%d %s" % (status.st_size, end) + hashlib.sha256(skip).digest()
    return f"pack-{hashlib.sha256(what).hexdigest()}"


def loose_name(folders: Sequence[str]) -> str:
    """The name of the loose objects of these object folders."""
    return f"loose-{hashlib.sha256(os.fsencode(chr(10).join(folders))).hexdigest()}"

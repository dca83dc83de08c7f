"""Packs opened to be read part by part, and what a part brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from keyleak.coverage import Gap, ObjectCounts

if TYPE_CHECKING:
    import mmap

    import numpy as np
    import numpy.typing as npt

    from keyleak.git.delta_forest import DeltaForest
    from keyleak.git.pack_headers import PackHeaders
    from keyleak.git.pack_index import PackIndex
    from keyleak.git.visitor import Kind

R = TypeVar("R")

KINDS: Final[tuple[Kind | None, ...]] = (None, "commit", "tree", "blob", "tag")
"""Kinds by their number in a pack."""

COUNTED: Final = 1
"""Flag of an object that a pack before this one has too, and is counted there."""
COPIED: Final = 2
"""Flag of an object of which there is another copy, which may be another content: it is held to its id."""
UNWANTED: Final = 4
"""Flag of an object that is not asked for."""


@dataclass(frozen=True, slots=True)
class OpenPack:
    """A pack made ready in one process: its parts are then read one at a time."""

    path: str
    name: str
    index: PackIndex
    headers: PackHeaders
    forest: DeltaForest
    pack: mmap.mmap
    damage: str | None
    """What is wrong with it, where it can be read all the same."""
    words: npt.NDArray[np.uint64]
    """The first 64 bits of its ids, in order."""
    flags: bytes
    """One byte for each row of the index (see `COUNTED`, `COPIED`, `UNWANTED`); or nothing."""


@dataclass(frozen=True, slots=True)
class PartRead(Generic[R]):
    """What one part of a pack brought."""

    results: tuple[R, ...]
    found: tuple[bytes, ...]
    """Ids of the objects that `results` are of."""
    counts: ObjectCounts
    content_bytes: int
    left: tuple[bytes, ...] = ()
    """Ids of objects for the plain path."""
    left_copies: tuple[bytes, ...] = ()
    """The same for copies of objects that are counted elsewhere."""
    gaps: tuple[Gap, ...] = ()
    absent: frozenset[bytes] = frozenset()
    """Ids of objects that others name and that are not in the pack."""

    def __add__(self, other: PartRead[R]) -> PartRead[R]:
        return PartRead(
            self.results + other.results,
            self.found + other.found,
            self.counts + other.counts,
            self.content_bytes + other.content_bytes,
            self.left + other.left,
            self.left_copies + other.left_copies,
            self.gaps + other.gaps,
            self.absent | other.absent,
        )


EMPTY_PART: Final[PartRead[Any]] = PartRead((), (), ObjectCounts(), 0)

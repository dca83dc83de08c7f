"""The fast path: every wanted object of a pack, each delta inflated and applied exactly once."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from keyleak.coverage import Gap, ObjectCounts
from keyleak.git.delta_forest import grow
from keyleak.git.delta_walk import Walk
from keyleak.git.pack_headers import check_pack, give_back, map_pack, read_headers
from keyleak.git.pack_index import leading_words, read_index
from keyleak.git.parts import COUNTED, KINDS, UNWANTED, OpenPack, PartRead
from keyleak.git.regular import open_regular

if TYPE_CHECKING:
    from keyleak.git.pack_index import PackIndex
    from keyleak.git.visitor import Kind, ReadLimits, Visitor

R = TypeVar("R")

_STEP: Final = 1 << 20


def open_pack(path: str, id_bytes: int, kinds: frozenset[Kind], parts: int, flags: bytes = b"") -> OpenPack:
    """Reads the index and all headers of a pack.

    Args:
        path: the `.pack` file; its `.idx` stands beside it.
        id_bytes: 20 for SHA-1, 32 for SHA-256.
        kinds: what to visit.
        parts: how many parts to divide the work into.
        flags: see `OpenPack.flags`.

    Raises:
        PackError: the pack or its index cannot be read here (`UnusualPackError`: but perhaps by git).
        OSError: one of them cannot be read.
    """
    index = read_index(os.path.splitext(path)[0] + ".idx", id_bytes)
    pack = map_pack(path)
    name = os.path.basename(path)
    damage = check_pack(pack, name, index)
    headers = read_headers(pack, index)
    words = leading_words(index.ids)
    numbers = frozenset(number for number, kind in enumerate(KINDS) if kind in kinds)
    return OpenPack(path, name, index, headers, grow(headers, numbers, parts), pack, damage, words, flags)


def read_apart(opened: OpenPack) -> PartRead[R]:
    """What is in no part of a pack: objects for the plain path, and what is wrong with it as a whole."""
    headers, forest = opened.headers, opened.forest
    rows = np.append(headers.rows[forest.lost], headers.stray_rows)
    if opened.flags:
        rows = rows[(np.frombuffer(opened.flags, np.uint8)[rows] & (COUNTED | UNWANTED)) == 0]
    damage = opened.damage or _false_checksum(opened.path, opened.index)
    reasons = {
        damage: int(damage is not None),
        "its index gives an offset twice or outside the pack": len(headers.stray_rows),
        "deltas that lead back to themselves": len(forest.circular),
    }
    gaps = tuple(Gap(opened.name, reason, count) for reason, count in reasons.items() if reason and count)
    left = tuple(row.tobytes() for row in opened.index.ids[rows])
    return PartRead((), (), ObjectCounts(), 0, left, gaps=gaps)


def _false_checksum(path: str, index: PackIndex) -> str | None:
    """What is wrong with a pack whose checksum, by which git knows it, is not that of its content."""
    length = len(index.pack_checksum)
    digest = hashlib.sha256() if length == 32 else hashlib.sha1(usedforsecurity=False)
    # Read, not mapped: to map pages takes as long as to hash them.
    try:
        with open_regular(path) as file:
            left = os.fstat(file.fileno()).st_size - length
            while left > 0 and (piece := file.read(min(_STEP, left))):
                digest.update(piece)
                left -= len(piece)
    except OSError as error:
        return error.strerror or "cannot be read"
    if digest.digest() == index.pack_checksum:
        return None
    return "the checksum at its end is not that of its content: it was changed, or damaged"


def read_part(opened: OpenPack, number: int, visitor: Visitor[R], limits: ReadLimits) -> PartRead[R]:
    """Rebuilds and visits the objects of one part of a pack."""
    walk = Walk(opened, number, visitor, limits)
    walk.trees()
    give_back(opened.pack)
    return walk.read()

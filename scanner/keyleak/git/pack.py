"""The fast path: every wanted object of a pack, each delta inflated and applied exactly once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from keyleak.coverage import Gap, ObjectCounts
from keyleak.git.delta_forest import grow, part_of
from keyleak.git.delta_walk import KINDS, OpenPack, PartRead, Walk
from keyleak.git.pack_headers import check_pack, give_back, map_pack, read_headers
from keyleak.git.pack_index import read_index

if TYPE_CHECKING:
    from keyleak.git.visitor import Kind, ReadLimits, Visitor

R = TypeVar("R")


def open_pack(path: str, id_bytes: int, kinds: frozenset[Kind], parts: int, skip: bytes = b"") -> OpenPack:
    """Reads the index and all headers of a pack.

    Args:
        path: the `.pack` file; its `.idx` stands beside it.
        id_bytes: 20 for SHA-1, 32 for SHA-256.
        kinds: what to visit.
        parts: how many parts to divide the work into.
        skip: see `OpenPack.skip`.

    Raises:
        PackError: the pack or its index cannot be read here (`UnusualPackError`: but perhaps by git).
        OSError: one of them cannot be read.
    """
    index = read_index(os.path.splitext(path)[0] + ".idx", id_bytes)
    pack = map_pack(path)
    name = os.path.basename(path)
    damage = check_pack(pack, name, index)
    headers = read_headers(pack, index)
    numbers = frozenset(number for number, kind in enumerate(KINDS) if kind in kinds)
    return OpenPack(name, index, headers, grow(headers, numbers, parts), pack, damage, skip)


def read_apart(opened: OpenPack) -> PartRead[R]:
    """What is in no part of a pack: objects for the plain path, and what is wrong with it as a whole."""
    headers, forest = opened.headers, opened.forest
    rows = np.append(headers.rows[forest.lost], headers.stray_rows)
    reasons = {
        opened.damage: int(opened.damage is not None),
        "its index gives an offset twice or outside the pack": len(headers.stray_rows),
        "deltas that lead back to themselves": len(forest.circular),
    }
    gaps = tuple(Gap(opened.name, reason, count) for reason, count in reasons.items() if reason and count)
    return PartRead((), (), ObjectCounts(), 0, tuple(row.tobytes() for row in opened.index.ids[rows]), gaps)


def read_part(opened: OpenPack, number: int, visitor: Visitor[R], limits: ReadLimits) -> PartRead[R]:
    """Rebuilds and visits the objects of one part of a pack."""
    part = part_of(opened.headers, opened.forest, number)
    walk = Walk(opened, part, visitor, limits)
    for root in part.roots:
        walk.tree(root)
    give_back(opened.pack)
    return walk.read()

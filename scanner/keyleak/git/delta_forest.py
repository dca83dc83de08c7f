"""Which object is rebuilt from which: the delta forests of a pack, and their division into parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from keyleak.git.pack_headers import NO_BASE

if TYPE_CHECKING:
    import numpy.typing as npt

    from keyleak.git.pack_headers import PackHeaders

_PER_OBJECT: Final = 4096  # bytes of content that take as long as the fixed work for one object
_LARGEST_TYPE: Final = 4


@dataclass(frozen=True, slots=True)
class DeltaForest:
    """All trees of deltas in a pack; arrays have one row for each object, as in `PackHeaders`."""

    order: npt.NDArray[np.int64]
    """Objects that can be rebuilt and are wanted, the trees one after another, each in pack order."""
    bounds: npt.NDArray[np.int64]
    """Where each part begins in `order`, and the end."""
    kinds: npt.NDArray[np.uint8]
    """Type number of each object once it is rebuilt; 0 where it cannot be."""
    lost: npt.NDArray[np.int64]
    """Objects that this pack alone cannot rebuild: no sensible header, or a base that is missing."""
    circular: npt.NDArray[np.int64]
    """Deltas that lead back to themselves: nothing can rebuild them, and asking git could hang it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some whole trees of a forest, as plain lists; places count within the part."""

    nodes: list[int]
    """Positions in the arrays of `PackHeaders`."""
    roots: list[int]
    """Places that are no delta."""
    children: list[int]
    """Places of the deltas, those of one base together."""
    first_child: list[int]
    """For each place, where its deltas begin in `children`; one more entry marks the end."""


def grow(headers: PackHeaders, kinds: frozenset[int], parts: int) -> DeltaForest:
    """Finds the base of every object and divides the wanted trees into parts of equal weight.

    Args:
        headers: the pack's objects.
        kinds: type numbers that are wanted; a tree of deltas is all of one kind.
        parts: how many parts to make.
    """
    roots = _roots(headers)
    types, parents = headers.types[roots], headers.parents[roots]
    whole = (types >= 1) & (types <= _LARGEST_TYPE) & (parents == NO_BASE)
    circular = parents >= 0
    resolved = np.where(whole, types, 0).astype(np.uint8)
    wanted = np.flatnonzero(np.isin(resolved, list(kinds)))
    # Keys that are all different: the order is that of a stable sort, which takes three times as long.
    order = wanted[np.argsort(roots[wanted] * len(roots) + wanted)]
    return DeltaForest(
        order=order,
        bounds=_divide(headers, roots[order], parts),
        kinds=resolved,
        lost=np.flatnonzero(~whole & ~circular),
        circular=np.flatnonzero(circular),
    )


def _roots(headers: PackHeaders) -> npt.NDArray[np.int64]:
    """The end of each object's chain of bases; where it has a parent, the chain is circular.

    Every round doubles the way gone, so that the longest possible chain is done after log2(objects) rounds.
    """
    count = len(headers.types)
    itself = np.arange(count, dtype=np.int64)
    # A delta that names itself as its base, or lost it, cannot be rebuilt: it ends its own chain.
    roots = np.where(headers.parents >= 0, headers.parents, itself)
    for _ in range(count.bit_length()):
        further = roots[roots]
        if (further == roots).all():
            break
        roots = further
    return roots


def _divide(headers: PackHeaders, roots: npt.NDArray[np.int64], parts: int) -> npt.NDArray[np.int64]:
    """Cuts the ordered objects into parts between trees."""
    # A rebuilt object is about as long as the root of its tree; its own header tells the delta's length only.
    weights = np.cumsum(np.minimum(headers.sizes[roots], 1 << 40) + _PER_OBJECT, dtype=np.float64)
    starts = np.flatnonzero(np.append(True, roots[1:] != roots[:-1])) if len(roots) else roots
    if not len(starts):
        return np.zeros(parts + 1, np.int64)
    before = np.append(0.0, weights)[starts]
    goals = np.arange(parts) * (weights[-1] / parts)
    cuts = starts[np.minimum(np.searchsorted(before, goals), len(starts) - 1)]
    cuts[0] = 0
    return np.append(cuts, len(roots))


def part_of(headers: PackHeaders, forest: DeltaForest, number: int) -> Part:
    """One part of a forest, ready to be walked."""
    nodes = forest.order[forest.bounds[number] : forest.bounds[number + 1]]
    by_position = np.argsort(nodes)
    parents = headers.parents[nodes]
    children = np.flatnonzero(parents != NO_BASE)
    bases = by_position[np.searchsorted(nodes, parents[children], sorter=by_position)]
    grouped = np.argsort(bases, kind="stable")
    first = np.searchsorted(bases[grouped], np.arange(len(nodes) + 1))
    return Part(
        nodes=nodes.tolist(),
        roots=np.flatnonzero(parents == NO_BASE).tolist(),
        children=children[grouped].tolist(),
        first_child=first.tolist(),
    )

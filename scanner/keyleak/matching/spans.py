"""Whether something overlaps any of many spans, without comparing it with each."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Spans:
    """Places of a text, as pairs of a start and an end."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        self._furthest = list(accumulate((end for _, end in ordered), max))

    def overlap(self, start: int, end: int) -> bool:
        """Whether any of them has a byte in common with `start` to `end`."""
        before_end = bisect_left(self._starts, end)
        return before_end > 0 and self._furthest[before_end - 1] > start

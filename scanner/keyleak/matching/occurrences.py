"""Matches of a pattern in parts of a text that overlap: each stretch is searched once."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_STRETCH: Final = 1024


class Occurrences:
    """Where a pattern matches in a text. Asked for parts in ascending order it searches no byte again."""

    def __init__(self, pattern: re.Pattern[bytes], text: bytes, longest: int) -> None:
        """Remember what to look for.

        Args:
            pattern: what to look for.
            text: where.
            longest: how long a match can be, what it looks at behind it included.
        """
        self._pattern = pattern
        self._text = text
        self._longest = longest
        self._searched_to = 0
        self._stretches: dict[int, tuple[list[int], list[re.Match[bytes]]]] = {}

    def between(self, start: int, stop: int) -> Iterator[re.Match[bytes]]:
        """Every match that begins and ends between two indexes."""
        stop = min(stop, len(self._text))
        if start >= self._searched_to:
            # Nearly always what is asked for stands alone, and no more than that is searched.
            self._searched_to = stop
            yield from self._pattern.finditer(self._text, start, stop)
            return
        self._searched_to = max(self._searched_to, stop)
        for stretch in range(max(0, start) // _STRETCH, -(-stop // _STRETCH)):
            begins, every = self._in_stretch(stretch)
            for found in every[bisect_left(begins, start) : bisect_left(begins, stop)]:
                if found.end() <= stop:
                    yield found

    def containing(self, start: int, end: int, reach: int) -> Iterator[re.Match[bytes]]:
        """Every match that holds a part of the text and goes on no further than `reach` on either side."""
        for found in self.between(max(0, start - reach), end + reach):
            if found.start() > start:
                return
            if found.end() >= end:
                yield found

    def next_from(self, start: int, stop: int) -> re.Match[bytes] | None:
        """The first match that begins and ends between two indexes."""
        return next(self.between(start, stop), None)

    def _in_stretch(self, stretch: int) -> tuple[list[int], list[re.Match[bytes]]]:
        """The matches that begin in a stretch, and where."""
        known = self._stretches.get(stretch)
        if known is None:
            begin, end = stretch * _STRETCH, (stretch + 1) * _STRETCH
            found = self._pattern.finditer(self._text, begin, min(len(self._text), end + self._longest))
            every = [each for each in found if each.start() < end]
            known = self._stretches[stretch] = ([each.start() for each in every], every)
        return known

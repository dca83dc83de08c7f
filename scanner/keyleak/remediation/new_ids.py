"""Ids of commits before and after a rewrite, as texts name them: whole, or by their first digits."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED_ID: Final = re.compile(rb"\b[0-9a-f]{7,64}\b")
"""What may be the id of a commit, or the beginning of one."""


class NewIds:
    """The commits that have a new id, as far as they are known; both ids in hexadecimal."""

    def __init__(self) -> None:
        self.renamed: dict[str, str] = {}
        """Ids before and after."""
        self._sorted: list[str] = []

    def add(self, before: str, after: str) -> None:
        """Note a commit."""
        if before not in self.renamed:
            insort(self._sorted, before)
        self.renamed[before] = after

    def after(self, begins: str) -> Iterator[str]:
        """The ids after, of every commit whose id before begins so."""
        for index in range(bisect_left(self._sorted, begins), len(self._sorted)):
            if not self._sorted[index].startswith(begins):
                return
            yield self.renamed[self._sorted[index]]

    def in_text(self, text: bytes) -> bytes:
        """A text in which every id of a commit is its new one, in as many digits as it was written with."""
        return NAMED_ID.sub(self._written, text) if self.renamed else text

    def _written(self, found: re.Match[bytes]) -> bytes:
        begins = found[0].decode()
        return next((after[: len(begins)].encode() for after in self.after(begins)), found[0])

"""How much decoding one content may cost: hostile content must not turn a scan into minutes or gigabytes."""

from __future__ import annotations

from typing import Final

DEEPEST: Final = 8
"""Encodings and containers one inside the other. Archives that hold themselves never end otherwise."""

_ALWAYS: Final = 64 << 20
_RATIO: Final = 100
_MOST: Final = 8 << 30


class Budget:
    """Bytes that may come out of one content. Text and archives in use stay far below; bombs do not."""

    def __init__(self, length: int | None) -> None:
        """A budget for a content.

        Args:
            length: its bytes; None where nobody knows.
        """
        self.allowed = _MOST if length is None else min(_MOST, _ALWAYS + _RATIO * length)
        self._left = self.allowed

    @property
    def left(self) -> int:
        """Bytes that may still come."""
        return self._left

    def spend(self, count: int) -> bool:
        """Whether so many more may come; if not, none may any more."""
        self._left = self._left - count if count <= self._left else 0
        return self._left > 0

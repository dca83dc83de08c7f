"""How much work a content may cost besides the plain search: counted in bytes examined, never in seconds.

Hostile content must not turn a scan into minutes, and what is found must not depend on the machine. So every
look that is more than the one search for anchors is paid for: putting pieces together, undoing an encoding,
walking the surroundings of a key, opening a container. A content gets a hundred times its length and a small
constant; a scan gets the sum of what its contents get. What is left undone is a gap. Keys that are written
whole are found without paying.
"""

from __future__ import annotations

from typing import Final

RATIO: Final = 100
"""Bytes that may be examined for each byte of a content."""
ALWAYS: Final = 512 << 10
"""Bytes that may be examined in any content, however small."""
FOR_A_KEY: Final = 16 << 10
"""What each different key that is written whole adds: saying whose it is costs about that."""
# Inflating and searching are that much faster than a closer look at the same bytes.
_UNPACKED_AT_ONCE: Final = 8
_UNPACKED_SLOWLY: Final = 4


class Budget:
    """Work that one content may cost, with all that stands inside it."""

    def __init__(self, length: int) -> None:
        """A budget for a content of so many bytes."""
        self._left = self.allowed = ALWAYS + RATIO * length
        self.is_too_deep = False
        """Whether something is encoded more often than is followed."""
        self.is_unpacked = False
        """Whether what is looked at came out of a container, so that little may have become much: once
        nothing is left, keys that are written whole are no longer looked for there either."""

    @property
    def left(self) -> int:
        """Bytes that may still be examined; 0 where something was cut off."""
        return self._left

    @property
    def spent(self) -> int:
        """Bytes that were examined."""
        return self.allowed - self._left

    def spend(self, count: int) -> bool:
        """Whether so many more may be examined; if not, none may any more."""
        self._left = self._left - count if count <= self._left else 0
        return self._left > 0

    def unpack(self, count: int, *, is_slow: bool = False) -> bool:
        """The same for bytes that come out of a container and are only searched.

        Args:
            count: how many.
            is_slow: whether its decompressor takes many times as long as inflating does.
        """
        return self.spend(count // (_UNPACKED_SLOWLY if is_slow else _UNPACKED_AT_ONCE) + 1)

    def grant(self, count: int) -> None:
        """Allow so many more, unless something was cut off already."""
        if self._left:
            self._left += count
            self.allowed += count

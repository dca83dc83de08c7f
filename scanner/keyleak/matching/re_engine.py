"""The engine on Python's own `re`, for platforms without a Hyperscan wheel and for small contents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keyleak.matching.engine import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.matching.anchors import Anchor
    from keyleak.matching.engine import Buffer


class ReEngine:
    """Finds anchors with one pattern each; a look-ahead keeps overlapping ones."""

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self._patterns = tuple(
            re.compile(b"(?=(" + re.escape(anchor.literal) + b"))", re.IGNORECASE if anchor.caseless else 0)
            for anchor in anchors
        )
        # One pass says whether any anchor is there at all; nearly always none is.
        self._any = tuple(
            re.compile(
                b"|".join(re.escape(anchor.literal) for anchor in anchors if anchor.caseless is caseless),
                flags,
            )
            for caseless, flags in ((False, 0), (True, re.IGNORECASE))
            if any(anchor.caseless is caseless for anchor in anchors)
        )

    def hits(self, content: Buffer) -> list[Hit]:
        """See `Engine.hits`."""
        if not any(pattern.search(content) for pattern in self._any):
            return []
        found = {
            Hit(match.end(1), index)
            for index, pattern in enumerate(self._patterns)
            for match in pattern.finditer(content)
        }
        return sorted(found)

"""The engine on Python's own `re`, for platforms without a Hyperscan wheel and for small contents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keyleak.matching.engine import Hit, beside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.matching.engine import Buffer, Searched


class ReEngine:
    """Finds anchors with one pattern each; a look-ahead keeps overlapping ones."""

    def __init__(self, anchors: Sequence[Searched]) -> None:
        around = [(re.escape(anchor.literal), beside(anchor)) for anchor in anchors]
        searched = [(each.here, literal, each.behind) for literal, each in around]
        self._patterns = tuple(re.compile(b"%b(?=(%b)%b)" % each) for each in searched)
        # One pass says whether any anchor is there at all; nearly always none is.
        self._any = re.compile(b"|".join(b"%b%b%b" % each for each in searched))

    def hits(self, content: Buffer) -> list[Hit]:
        """See `Engine.hits`."""
        if not self._any.search(content):
            return []
        found = {
            Hit(match.end(1), index)
            for index, pattern in enumerate(self._patterns)
            for match in pattern.finditer(content)
        }
        return sorted(found)

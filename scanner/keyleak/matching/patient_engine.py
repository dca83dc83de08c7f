"""The engine for work that may turn out small: nothing is made ready until that pays.

Making Hyperscan ready takes as long as half a start of Python. A few kilobytes, all that most commits have,
are searched for each literal in turn meanwhile.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.matching.beginning import ESCAPES, goes_on
from keyleak.matching.engine import Hit, beside, fastest_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyleak.matching.engine import Buffer, Engine, Searched

# Bytes that are searched one literal after the other, before an engine is made: about what making it takes.
_PATIENCE: Final = 32 << 10


class PatientEngine:
    """Finds anchors one by one, until there is enough to search for the fastest engine."""

    def __init__(
        self, anchors: Sequence[Searched], make: Callable[[Sequence[Searched]], Engine] = fastest_engine
    ) -> None:
        """Make ready.

        Args:
            anchors: what is searched for.
            make: makes what searches once that pays.
        """
        self._make = make
        self._anchors = tuple(anchors)
        self._patience = _PATIENCE
        self._engine: Engine | None = None

    def hits(self, content: Buffer) -> list[Hit]:
        """See `Engine.hits`."""
        if self._engine is None and len(content) <= self._patience:
            self._patience -= len(content)
            return _found_singly(self._anchors, bytes(content))
        if self._engine is None:
            self._engine = self._make(self._anchors)
        return self._engine.hits(content)


def _stands_alone(anchor: Searched, content: bytes, at: int) -> bool:
    if anchor.literal in ESCAPES:
        return goes_on(content, at + len(anchor.literal), anchor.literal)
    around = beside(anchor)
    return re.compile(around.here + re.escape(anchor.literal) + around.behind).match(content, at) is not None


def _found_singly(anchors: Sequence[Searched], content: bytes) -> list[Hit]:
    hits = []
    for index, anchor in enumerate(anchors):
        literal = anchor.literal
        at = content.find(literal)
        while at >= 0:
            end = at + len(literal)
            if not anchor.with_body or _stands_alone(anchor, content, at):
                hits.append(Hit(end, index))
            at = content.find(literal, at + 1)
    return sorted(hits)

"""From a content to sightings. Every source hands its contents to this.

Nearly every content holds no anchor, so all that looks closer is loaded when the first one is found.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from keyleak.matching.anchors import anchors_of
from keyleak.matching.engine import fastest_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.coverage import Gap
    from keyleak.findings import LocationKind, Sighting
    from keyleak.matching.engine import Buffer, Engine
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.examiner import Examiner
    from keyleak.sources.lines import LineStart


@dataclass(frozen=True, slots=True)
class Place:
    """What a content is."""

    kind: LocationKind
    path: str | None
    container: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a content is at hand."""

    base: int = 0
    """Where it begins in the content."""
    owned: range | None = None
    """Offsets in the window whose keys count; the margins belong to the neighbouring windows."""
    line_start: LineStart | None = None
    """None for a content's first window."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What looking at a content brought."""

    sightings: tuple[Sighting, ...] = ()
    """Every key, in order of offset."""
    gaps: tuple[Gap, ...] = ()
    """What inside the content could not be read: a damaged archive, a locked one, one that explodes."""

    def __add__(self, other: Inspection) -> Inspection:
        return Inspection(self.sightings + other.sightings, self.gaps + other.gaps)


NOTHING: Final = Inspection()
_WHOLE: Final = Window()


class Inspector:
    """Finds keys in contents and says whose they are. Holds compiled rules only."""

    def __init__(self, rulebook: Rulebook, engine: Engine | None = None) -> None:
        """Make the anchors ready.

        Args:
            rulebook: the rules.
            engine: None takes the fastest that is installed.
        """
        self._rulebook = rulebook
        anchors = anchors_of(rulebook)
        self.words = frozenset(anchor.literal for anchor in anchors)
        """What is searched for: without any of these in it, a content is never looked at."""
        self._engine = engine or fastest_engine(anchors)

    def suspects(self, joined: Buffer, ends: Sequence[int]) -> list[int]:
        """Which of several contents, one behind the other, have something to look at.

        Args:
            joined: the contents.
            ends: where each ends in `joined`.
        """
        # An anchor across a border of two is looked at again in each of them, where it is none.
        return sorted({bisect_left(ends, hit.end) for hit in self._engine.hits(joined)})

    def inspect(self, content: Buffer, place: Place, window: Window = _WHOLE) -> Inspection:
        """Every key in a content, and what inside it could not be read."""
        if not self._engine.hits(content):
            return NOTHING
        return self._examiner.examine(content, place, window)

    @cached_property
    def _examiner(self) -> Examiner:
        from keyleak.sources.examiner import Examiner  # noqa: PLC0415 - see the module's text

        return Examiner(self._rulebook, self._engine)

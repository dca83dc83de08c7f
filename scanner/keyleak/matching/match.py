"""A key found in content, before anybody says whose it is."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from keyleak.records import dataclass

if TYPE_CHECKING:
    from keyleak.matching.statement import Around, Statement
    from keyleak.rulebook.model import KeyRule
    from keyleak.secret import Secret


class GivenBy(Enum):
    """What of an issuer's a value is given to."""

    NAME = "name"
    CALL = "call"
    PLACE = "place"
    """Its carrier stands on a line with a host or package, or behind one in the file."""


class Recipient(NamedTuple):
    """An issuer that a value is given to."""

    issuer: str
    by: GivenBy


@dataclass(frozen=True, slots=True)
class Match:
    """One key at one place of a content."""

    secret: Secret
    start: int
    """Offset in the content of the key's first byte."""
    end: int
    """Offset just after its last."""
    wide: bool
    """Whether it stands there in UTF-16."""
    prefix: str
    """The prefix word, empty where the key was found by assignment."""
    shapes: tuple[KeyRule, ...]
    """Every rule whose shape this is."""
    assigned_to: frozenset[Recipient]
    """Issuers to whose names, headers or calls the value is given, as far as matching saw it."""
    statement: Statement
    around: Around
    pieces: tuple[tuple[int, int], ...] = ()
    """Offsets of its pieces, where a program puts it together; `start` is the first one's."""

    @property
    def is_trusted(self) -> bool:
        """Whether a rule that no repository brought looks for it; such a rule then decides alone."""
        return any(rule.provenance.is_trusted for rule in self.shapes)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something key-shaped that is no key, and why; for `rules check` and explanations."""

    start: int
    wide: bool
    redacted: str
    reason: str

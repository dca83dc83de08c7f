"""A key found in content, before anybody says whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyleak.matching.statement import Statement
    from keyleak.rulebook.model import KeyRule
    from keyleak.secret import Secret


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
    assigned_to: frozenset[str]
    """Issuers to whose names, headers or calls the value is given, as far as matching saw it."""
    statement: Statement


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something key-shaped that is no key, and why; for `rules check` and explanations."""

    start: int
    reason: str

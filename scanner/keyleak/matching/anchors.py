"""Anchors: the words that make the scanner look closer.

An anchor is a prefix word, or a strong context word of an issuer whose keys have no telling prefix. Both are
searched as single bytes and as UTF-16, which is the same with a zero byte between the characters, in either
byte order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from keyleak.rulebook.model import FoundBy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.rulebook.model import Rulebook


class AnchorKind(Enum):
    """What was found, and so which confirmation is due."""

    PREFIX = "prefix"
    NAME = "name"
    CALL = "call"
    PLACE = "place"
    """A host or package: somewhere on its line a key may stand."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One literal to search for."""

    kind: AnchorKind
    wide: bool
    literal: bytes
    """Its bytes; in UTF-16 with the zero bytes between, not around, the characters."""
    caseless: bool

    @property
    def length(self) -> int:
        """Characters of it."""
        return (len(self.literal) + 1) // 2 if self.wide else len(self.literal)


def anchors_of(rulebook: Rulebook) -> tuple[Anchor, ...]:
    """Every anchor that the rules ask for."""
    prefixes = [word for rule in rulebook.keys if rule.found_by is FoundBy.PREFIX for word in rule.prefixes]
    worded = [
        issuer.context
        for issuer in rulebook.issuers
        if any(rule.found_by is not FoundBy.PREFIX for rule in issuer.keys)
    ]
    names = [word for context in worded for word in (*context.names, *context.headers)]
    calls = [word for context in worded for word in context.calls]
    places = [word for context in worded for word in (*context.hosts, *context.packages)]
    return (
        *_prefix_anchors(prefixes),
        *_word_anchors(AnchorKind.NAME, names),
        *_word_anchors(AnchorKind.CALL, calls),
        *_word_anchors(AnchorKind.PLACE, places),
    )


def _prefix_anchors(prefixes: Sequence[str]) -> list[Anchor]:
    """Anchors for prefix words, which are written in one case only."""
    return [
        Anchor(AnchorKind.PREFIX, wide, _encoded(word, wide=wide), caseless=False)
        for word in sorted(set(prefixes))
        for wide in (False, True)
    ]


def _word_anchors(kind: AnchorKind, words: Sequence[str]) -> list[Anchor]:
    """Anchors for context words, without regard to case; names in each way of joining their parts."""
    spellings = {spelling for word in words for spelling in _spellings(kind, word.lower())}
    return [
        Anchor(kind, wide, _encoded(word, wide=wide), caseless=True)
        for word in sorted(spellings)
        for wide in (False, True)
    ]


def _spellings(kind: AnchorKind, word: str) -> set[str]:
    if kind is not AnchorKind.NAME:
        return {word}
    parts = re.split("[_-]", word)
    return {joint.join(parts) for joint in ("_", "-", "")}


def _encoded(word: str, *, wide: bool) -> bytes:
    return b"\0".join(word[index].encode() for index in range(len(word))) if wide else word.encode()

"""Anchors: the words that make the scanner look closer, and the two engines that find them in raw bytes.

An anchor is a prefix word, or a strong context word of an issuer whose keys have no telling prefix. Both are
searched as single bytes and as UTF-16, which is the same with a zero byte between the characters, in either
byte order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Buffer: TypeAlias = bytes | bytearray | memoryview

MIN_BODY: Final = 16
MAX_BODY: Final = 250
_NARROW_BODY: Final = re.compile(rb"[A-Za-z0-9_+/=-]{%d}" % MIN_BODY)
_WIDE_BODY: Final = re.compile(rb"(?:\x00[A-Za-z0-9_+/=-]){%d}" % MIN_BODY)


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


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """An anchor found: which one, and the offset just after it."""

    end: int
    anchor: int


class Engine(Protocol):
    """Finds anchors."""

    def hits(self, content: Buffer) -> list[Hit]:
        """Every place where an anchor ends, in order of offset."""


def prefix_anchors(prefixes: Sequence[str]) -> list[Anchor]:
    """Anchors for prefix words, which are written in one case only."""
    return [
        Anchor(AnchorKind.PREFIX, wide, _encoded(word, wide=wide), caseless=False)
        for word in sorted(set(prefixes))
        for wide in (False, True)
    ]


def word_anchors(kind: AnchorKind, words: Sequence[str]) -> list[Anchor]:
    """Anchors for context words, without regard to case; names in each way of joining their parts."""
    spellings = {spelling for word in words for spelling in _spellings(kind, word.lower())}
    return [
        Anchor(kind, wide, _encoded(word, wide=wide), caseless=True)
        for word in sorted(spellings)
        for wide in (False, True)
    ]


def has_body(content: Buffer, end: int, *, wide: bool) -> bool:
    """Whether the shortest body of a key follows a prefix word: a mere mention of the prefix ends here."""
    return (_WIDE_BODY if wide else _NARROW_BODY).match(content, end) is not None


def _spellings(kind: AnchorKind, word: str) -> set[str]:
    if kind is not AnchorKind.NAME:
        return {word}
    parts = re.split("[_-]", word)
    return {joint.join(parts) for joint in ("_", "-", "")}


def _encoded(word: str, *, wide: bool) -> bytes:
    return b"\0".join(word[index].encode() for index in range(len(word))) if wide else word.encode()

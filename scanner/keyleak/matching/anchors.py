"""Anchors: the words that make the scanner look closer.

An anchor is a prefix word, a short one together with the beginning of a body (`beginning.py`), or the stem
that all strong context words of an issuer share (`flora`), where that issuer has keys without a prefix. All
are searched as single bytes and as UTF-16, the same with a zero byte between the characters, in either
byte order. Few literals, each in one case: the search is then nearly twice as fast as with every word in any
case.
"""

from __future__ import annotations

from enum import Enum
from itertools import filterfalse
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.rulebook.model import FoundBy, is_telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.rulebook.model import Context, Issuer, Rulebook

# A shorter common part stands in too many other words; then every word is an anchor of its own.
_SHORTEST_STEM: Final = 4
_UNQUOTED: Final = ("sk_\\\n", "sk_%s", "sk_{}", "sk_{0}")
_SPLIT_FAMILIES: Final = ("sk_live_", "sk_test_", "rk_live_", "rk_test_")


class AnchorKind(Enum):
    """What was found, and so which confirmation is due."""

    PREFIX = "prefix"
    """A prefix word: a key may begin with it."""
    SPLIT = "split"
    """A constant that begins like a prefix word and ends early: a key may be put together there."""
    STEM = "stem"
    """Part of a context word: a key may stand near it."""


class Anchor(NamedTuple):
    """One literal to search for."""

    kind: AnchorKind
    wide: bool
    literal: bytes
    """Its bytes; in UTF-16 with the zero bytes between, not around, the characters."""
    with_body: bool = False
    """Whether it counts only with the beginning of a body behind it."""

    @property
    def word(self) -> bytes:
        """It as single bytes."""
        return self.literal[::2] if self.wide else self.literal

    @property
    def length(self) -> int:
        """Characters of it."""
        return (len(self.literal) + 1) // 2 if self.wide else len(self.literal)


def anchors_of(rulebook: Rulebook) -> tuple[Anchor, ...]:
    """Every anchor that the rules ask for."""
    prefixes = {word for rule in rulebook.keys for word in rule.prefixes}
    stems = {
        spelling
        for issuer in rulebook.issuers
        if is_found_by_words(issuer)
        for stem in stems_of(issuer.context)
        for spelling in (stem.lower(), stem.upper(), stem.capitalize())
    }
    return (
        *_anchors(AnchorKind.PREFIX, filter(is_telling, prefixes)),
        *(
            anchor._replace(with_body=True)
            for anchor in _anchors(AnchorKind.PREFIX, filterfalse(is_telling, prefixes))
        ),
        *_split(prefixes),
        *_anchors(AnchorKind.STEM, stems),
    )


def _split(prefixes: Iterable[str]) -> list[Anchor]:
    """Constants that hold the beginning of a prefix word alone: `"sk_"`, `'sk_live'`, `"sk_li"`.

    Without quotes only where a line of a shell goes on behind a backslash, and where a format fills the rest.

    As single bytes only: source code in UTF-16 that splits a key has not been met.
    """
    words = {prefix for prefix in prefixes if prefix.startswith(_SPLIT_FAMILIES)}
    beginnings = {word[:end] for word in words for end in range(2, len(word))}
    literals = [f"{quote}{beginning}{quote}" for beginning in sorted(beginnings) for quote in "\"'`"]
    if words:
        literals += _UNQUOTED
    return [Anchor(AnchorKind.SPLIT, wide=False, literal=literal.encode()) for literal in literals]


def is_found_by_words(issuer: Issuer) -> bool:
    """Whether some of an issuer's keys are found by the words around them alone."""
    return any(rule.found_by is FoundBy.ASSIGNMENT for rule in issuer.keys)


def stems_of(context: Context) -> tuple[str, ...]:
    """The longest part that all strong words share, or the words themselves where it is too short."""
    words = [
        word.lower()
        for words in (context.names, context.headers, context.hosts, context.packages, context.calls)
        for word in words
    ]
    if not words:
        return ()
    stem = _longest_common_part(words)
    return (stem,) if len(stem) >= _SHORTEST_STEM else tuple(dict.fromkeys(words))


def _longest_common_part(words: Sequence[str]) -> str:
    first = min(words, key=len)
    parts = (
        first[start : start + length]
        for length in range(len(first), 0, -1)
        for start in range(len(first) - length + 1)
    )
    return next((part for part in parts if all(part in word for word in words)), "")


def _anchors(kind: AnchorKind, words: Iterable[str]) -> list[Anchor]:
    return [Anchor(kind, wide, _encoded(word, wide=wide)) for word in sorted(words) for wide in (False, True)]


def _encoded(word: str, *, wide: bool) -> bytes:
    return b"\0".join(bytes([character]) for character in word.encode()) if wide else word.encode()

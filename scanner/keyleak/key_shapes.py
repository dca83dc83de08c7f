"""Text about unknown input with everything in it that looks like a key redacted.

The input may be a path, the name of a ref, an option or what git said of them, and nothing is known of its
keys. So whatever follows a prefix word of a rule and is not made of ordinary words is taken for a key.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from keyleak.on_use import on_use
from keyleak.prefixes import prefix_words
from keyleak.unescaping import MOST_LAYERS, unescaped

if TYPE_CHECKING:
    from collections.abc import Callable

MASK: Final = "****"
SHOWN_CHARACTERS: Final = 4

_BODY: Final = rf"([A-Za-z0-9_+/=-]{{{SHOWN_CHARACTERS}}})([A-Za-z0-9_+/=-]{{8,}})"
# Hardly any text has it, and only then are the words read from the rules.
_PERHAPS: Final = on_use(r"_[A-Za-z0-9_+/=-]{12}")
_SEPARATORS: Final = on_use(r"[_/+=-]+")
_WORD: Final = on_use(r"(?:[A-Za-z]?[a-z]{0,14}|[A-Z]{1,15})[0-9]{0,4}")
# What a rule without prefix words looks for: a value that is given to something named after a key.
_GIVEN: Final = on_use(
    r"((?:key|token|secret|auth|authorization|bearer|password|credential)s?"
    r"(?:[\"'\])]*\s{0,3}[:=(,]\s{0,3}[\"'(]{0,2}(?:bearer\s)?|\s(?=\S*[0-9])[\"']?|=3d|%3d))"
    r"([A-Za-z0-9_+/.~%=-]{4})([A-Za-z0-9_+/.~%=-]{12,})",
    re.IGNORECASE,
)
_HASH: Final = on_use(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")


def mask_key_shapes(text: str) -> str:
    """Text with everything redacted that follows a prefix word as the body of a key does."""
    return _masked(text, _without_prefixed)


def masked_message(text: str) -> str:
    """The same, and values without a prefix that are given to a name of keys: for messages, not for reports.

    A report keeps such names, as its own keys are known and masked, and places are found again by them.
    """
    return _masked(text, lambda text: _GIVEN.sub(_redacted_value, _without_prefixed(text)))


def _masked(text: str, mask: Callable[[str], str]) -> str:
    """Text masked as it is, and without the escapes that hide a key where they do."""
    masked = reading = mask(text)
    for _ in range(MOST_LAYERS):
        deeper = unescaped(reading)
        if deeper == reading:
            break
        reading = mask(deeper)
        if reading != deeper:
            masked = reading
    return masked


def _without_prefixed(text: str) -> str:
    return _prefixed(prefix_words()).sub(_redacted, text) if _PERHAPS.search(text) else text


@lru_cache(maxsize=4)
def _prefixed(words: frozenset[str]) -> re.Pattern[str]:
    ordered = sorted(words, key=lambda word: (-len(word), word))
    # In `task_list` no `sk_` begins; a longer word may be glued to anything.
    spelled = "|".join(
        ("" if word.count("_") > 1 else r"(?<![A-Za-z0-9])") + re.escape(word) for word in ordered
    )
    return re.compile(f"({spelled or '(?!)'}){_BODY}")


def _redacted(found: re.Match[str]) -> str:
    return found[0] if _is_words(found[2] + found[3]) else found[1] + found[2] + MASK


def _redacted_value(found: re.Match[str]) -> str:
    value = found[2] + found[3]
    if _is_words(value.replace(".", "_")) or _HASH.fullmatch(value):
        return found[0]
    return found[1] + found[2] + MASK


def _is_words(body: str) -> bool:
    """Whether a person wrote it: `notes_on_rotation`, `flora_api_key_2`."""
    return all(_WORD.fullmatch(part) for part in _SEPARATORS.split(body))

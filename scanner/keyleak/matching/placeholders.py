"""Whether the body of a key-shaped text was written by a person and not drawn by chance.

Entropy does not separate samples from keys: documentation samples reach 4.6 bits per character. What does
is how people fill a blank: words, runs, repeats. Every rule here is wrong about a random body less than
once in fifty thousand; the words are data (`rules/filters/placeholders.yaml`).
"""

from __future__ import annotations

import base64
import binascii
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from keyleak.matching.written import is_written
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.rulebook.model import PlaceholderWords

_LONG_REPEAT: Final = on_use(r"(.)\1{6}")
# The same block of up to eight characters, three times and more, making up nearly all of the body.
_PERIODIC: Final = on_use(r"(.{1,8}?)\1{2,}")
_SEPARATORS: Final = on_use(r"[_\-./+~=]+")
# Parts of camelCase, CONSTANTcase and digits.
_PARTS: Final = on_use(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_LETTERS: Final = on_use(r"[A-Za-z]{8,}")
_ORDER: Final = {
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "0123456789abcdef",
    "qwertyuiopasdfghjklzxcvbnm",
    "13579bdf",
    "02468ace",
}

# `a1b7c3d9…`: letters and digits in turn, all of a body or far along it.
_IN_TURN: Final = on_use(r"(?:[a-z][0-9]){8,}[a-z]?|(?:[0-9][a-z]){8,}[0-9]?")
_LONG_IN_TURN: Final = on_use(r"(?:[a-z][0-9]){11}|(?:[0-9][a-z]){11}")
# A Stripe key in a picture of a dashboard: an account's id begins it, but such a key has 99 characters.
# PayPlug's and Culqi's have 22 and 16.
_CUT_SHORT: Final = on_use(r"51[A-Z](?:[A-Za-z0-9]{14,18}|[A-Za-z0-9]{20})")
# What Clerk's publishable keys hold, and tests that put one behind a secret key's prefix.
_HOST_NAME: Final = on_use(rb"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}\$?")
_ENDINGS: Final = ("s", "es", "ed", "ing", "er")

# Letters of one case, of which a hand on the keyboard hits only a few: `asdlkfjasldkfj…`.
_MASHED: Final = on_use(r"[a-z]{16,}|[A-Z]{16,}")
_HIT: Final = 8
# Bits for which words are believed; chance reaches them once in a hundred thousand texts, with separators
# of its own later.
_WRITTEN: Final = 10
_WRITTEN_APART: Final = 16

_LONGEST_SEQUENCE: Final = 8
_SHORT_FRAGMENT: Final = 4
_DRAWN: Final = 16
_RANDOM_PART: Final = 20
_LONGEST_WORD: Final = 16
_MADE_OF_WORDS: Final = 0.6
_LONGEST_JOINED: Final = 14
_WORD: Final = on_use(r"[A-Za-z]{3,}")


def placeholder_reason(body: str, words: PlaceholderWords) -> str | None:
    """Why a body is no key, or None where it may be one.

    Args:
        body: the key without its prefix word.
        words: the word lists.
    """
    reason = _pattern_reason(body, body.lower())
    if reason:
        return reason
    if _has_fragment(body, words):
        return "a run that nobody draws by chance"
    if _encodes_host_name(body):
        return "an encoded host name"
    return _word_reason(body, words)


def _pattern_reason(body: str, lower: str) -> str | None:
    if _LONG_REPEAT.search(lower) or _is_periodic(lower) or _is_stuttered(lower):
        return "a repeated character or block"
    if any(_has_sequence(each) for each in (lower, lower[::2], lower[1::2])) or _is_interleaved(lower):
        return "a run of the alphabet or of digits"
    if _counts_on(lower):
        return "numbers that count on"
    if _IN_TURN.fullmatch(lower) or _LONG_IN_TURN.search(lower) or _has_rhythm(body):
        return "letters and digits in turn"
    if _MASHED.fullmatch(body) and len(set(body)) <= _HIT:
        return "a hand on the keyboard"
    return "the beginning of a Stripe key" if _CUT_SHORT.fullmatch(body) else None


def _encodes_host_name(body: str) -> bool:
    try:
        decoded = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except binascii.Error:
        return False
    return _HOST_NAME.fullmatch(decoded) is not None


def _has_fragment(body: str, words: PlaceholderWords) -> bool:
    """Chance draws four given letters now and then, in one case hardly ever; never more of them."""
    lower = body.lower()
    return any(
        fragment in lower
        if len(fragment) > _SHORT_FRAGMENT
        else len(body) <= 4**_SHORT_FRAGMENT // 4 and (fragment in body or fragment.upper() in body)
        for fragment in words.fragments
    )


def _is_periodic(lower: str) -> bool:
    # The whole body first: a pattern would take the `111` of `1110211102…` for the block.
    if any(lower.startswith(lower[period:]) for period in range(1, len(lower) // 3 + 1)):
        return True
    return any(len(match[0]) * 10 >= len(lower) * 8 for match in _PERIODIC.finditer(lower))


def _is_stuttered(lower: str) -> bool:
    """`aaaabbbbcccc`: at least half of the characters repeat the one before."""
    return sum(first == second for first, second in pairwise(lower)) * 2 >= len(lower)


def _has_sequence(lower: str) -> bool:
    windows = (
        lower[index : index + _LONGEST_SEQUENCE] for index in range(len(lower) - _LONGEST_SEQUENCE + 1)
    )
    return not _sequences().isdisjoint(windows)


@cache
def _sequences() -> frozenset[str]:
    """Every part of an order that is long enough, forwards and backwards."""
    parts = [
        order[start : start + _LONGEST_SEQUENCE]
        for order in _ORDER
        for start in range(len(order) - _LONGEST_SEQUENCE + 1)
    ]
    return frozenset((*parts, *(part[::-1] for part in parts)))


def _counts_on(lower: str) -> bool:
    """`10121416…`: numbers one behind the other, each as much more than the last."""
    for length in range(1, len(lower) // 5 + 1 if lower.isdigit() else 0):
        first = int(lower[:length])
        for step in (1, 2, 5, 10):
            written = "".join(str(first + step * index) for index in range(len(lower)))
            if written.startswith(lower):
                return True
    return False


def _has_rhythm(body: str) -> bool:
    """`xK9mN2pQ5…`: lower case, upper case and digits in turn."""
    kinds = "".join("d" if each.isdigit() else "u" if each.isupper() else "l" for each in body)
    return len(set(kinds[:3])) == 3 and kinds == (kinds[:3] * len(kinds))[: len(kinds)]


def _is_interleaved(lower: str) -> bool:
    """`a1b2c3d4…`: letters and digits that count up side by side."""
    letters = _longest_ascent([character for character in lower if character.isalpha()])
    digits = _longest_ascent([character for character in lower if character.isdigit()])
    return letters >= 6 and digits >= 4 and (letters + digits) * 2 >= len(lower)


def _longest_ascent(characters: list[str]) -> int:
    longest = run = min(1, len(characters))
    for before, after in pairwise(characters):
        run = run + 1 if ord(after) == ord(before) + 1 else 1
        longest = max(longest, run)
    return longest


def _word_reason(body: str, words: PlaceholderWords) -> str | None:
    separated = [part for part in _SEPARATORS.split(body) if part]
    has_random = any(_is_random(part, words) for part in separated) or _is_drawn(separated)
    lower = body.lower()
    begun = [start for start in words.starts if lower.startswith(start)]
    if any(_begins(body, start, glued=has_random) for start in begun):
        return "begins like a placeholder"
    if any(part.lower() in words.decisive for part in separated) or any(
        len(part) >= 5 and part.lower() in words.decisive for part in _PARTS.findall(body)
    ):
        return "a placeholder word"
    if len(separated) > 1 and not has_random and any(_is_word(part.lower(), words) for part in separated):
        return "dictionary words"
    if _is_joined(body, separated):
        return "words joined by separators"
    from keyleak.matching.likelihood import LEET, bits  # noqa: PLC0415 - its table is for what may be a key

    readings = (body, body.translate(LEET)) if len(separated) > 2 else (body,)
    if any(_covered(reading, words) >= _MADE_OF_WORDS for reading in readings):
        return "made of dictionary words"
    written = bits(body) >= (_WRITTEN_APART if len(separated) > 1 else _WRITTEN)
    return "made of words" if written else None


def _begins(body: str, start: str, *, glued: bool) -> bool:
    """Whether a body that begins with a word was written; `glued` to a random part it may be drawn."""
    if not glued:
        return True
    return len(start) >= _SHORT_FRAGMENT and start.isalpha() and body.startswith((start, start.upper()))


def _is_joined(body: str, parts: Sequence[str]) -> bool:
    """Words of any language between separators: chance draws no body of which every part looks written."""
    return (
        sum(bool(_WORD.match(part)) for part in parts) >= 2
        and (body.islower() or body.isupper() or len(parts) >= 3)
        and all(is_written(part) and len(part) <= _LONGEST_JOINED for part in parts)
    )


def _is_word(part: str, words: PlaceholderWords) -> bool:
    return part in words.plain or any(
        part.endswith(ending) and part.removesuffix(ending) in words.plain for ending in _ENDINGS
    )


def _is_random(part: str, words: PlaceholderWords) -> bool:
    return (
        len(part) >= _RANDOM_PART
        and any(character.isdigit() for character in part)
        and any(character.isalpha() for character in part)
        and len(set(part)) >= 8
        and _covered(part, words) < _MADE_OF_WORDS / 2
    )


def _is_drawn(parts: Sequence[str]) -> bool:
    """Whether a random part with separators of its own, as `token_urlsafe` draws it, is among the parts."""
    return sum(len(part) for part in parts if not is_written(part)) >= _DRAWN


def _covered(body: str, words: PlaceholderWords) -> float:
    """The share of letters and digits that dictionary words account for."""
    counted = sum(character.isalnum() for character in body)
    if not counted:
        return 0.0
    in_runs = sum(_covered_letters(match[0].lower(), words) for match in _LETTERS.finditer(body))
    outside = _SEPARATORS.split(_LETTERS.sub("_", body))
    in_parts = sum(
        len(part)
        for part in outside
        if part.lower() in words.plain or part.lower() in words.short or part.lower() in words.decisive
    )
    mixed = (part for each in outside if each.lower() not in words.plain for part in _PARTS.findall(each))
    in_mixed = sum(
        len(part) for part in mixed if len(part) >= _SHORT_FRAGMENT and part.lower() in words.plain
    )
    return (in_runs + in_parts + in_mixed) / counted


def _covered_letters(run: str, words: PlaceholderWords) -> int:
    """The most letters of a run that words which do not overlap can cover."""
    best = [0] * (len(run) + 1)
    for end in range(1, len(run) + 1):
        best[end] = best[end - 1]
        for length in range(1, min(_LONGEST_WORD, end) + 1):
            word = run[end - length : end]
            if word in words.plain or word in words.decisive or word in words.short:
                best[end] = max(best[end], best[end - length] + length)
    return best[-1]

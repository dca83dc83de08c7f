"""How much likelier a person wrote a text than chance drew it: words of any language, joined in any way.

A likelihood ratio. Chance draws every character alike from the smallest alphabet that the text fits; a person
goes on with letters that follow each other in words, keeps to one case, and seldom changes to digits. Of the
texts that chance draws, hardly more than one in two to the power of `bits` is that much likelier a person's.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Final

from keyleak.on_use import on_use

# How seldom each letter, a to z, follows the one that begins the row, in half bits (`0` to `9`, `a` to `g`):
# the most common words of 27 languages in Latin letters, without their accents (frequencies of `wordfreq`).
_FOLLOWING: Final = """
    acca9ddbcaca796ebg788bbefcc b5cef5ggg7df8fd7gg8ce8fggbg c6gcf7gg66eabfd6ggbda9gggec
    d6efd5fff6eedeb7egabe8dfgcb ecda9cdbdbcb896ecf679dcedec f6ffe69ef6efafd6gg8da9gggdg
    g6fgd5gbb7ecafb8fg8cb8fggcg h5fee6ggg7eebdb6ggae98degcg i9d9a8daddca9a69cfa78dbffec
    j4ffc5fff8gbeec6fgfbe7efgff k5fef6gfc7ebaec6ggaa98dfgbg l5efb6ede6dd8cc8fggba9dggbf
    m5aff5fff6gfdbd79gecd9gggcg n7fa87d7c7dcdfb9gff97beggbe odaa9ddbdbcb896cag689aacfec
    p6gff6ffc8ff9fe6bg5cc9gggeg qfggfggggggggggggggfg1ggggg r6dcb5ece6eccbb7egca9adfgcd
    s7faf7ffd7e9bcd9afe95adfgdc t6ffg5ffb6fddfd7fg8ba8degcf uabaaaebcaca897bag778ddefdb
    v5ffe4gfg5ffcgb7fgbdfbfggae w5fed6ggb5gfdga7fgcaecggg9f x6f9f7egf5ggfgf96fgg79cgdbg
    y6b9b8ebdacaaaa8cga89bcdgec z6cea6gde6ecbc89dgdccacdg9d
"""
_HALF_BITS: Final = {
    row[0] + letter: int(cost, 36) / 2
    for row in _FOLLOWING.split()
    for letter, cost in zip("abcdefghijklmnopqrstuvwxyz", row[1:], strict=True)
}
_LETTER: Final = math.log2(26)
_DIGIT: Final = math.log2(10)
# What it costs a person to go from one kind of character to the next: lower and upper case, digit, separator.
_STEPS: Final = {
    "ll": 0.25, "uu": 0.25, "ul": 1.5, "lu": 3.5 + _LETTER, "dl": 3 + _LETTER, "du": 3 + _LETTER,
    "ld": 3.5 + _DIGIT, "ud": 3.5 + _DIGIT, "dd": 0.8 + _DIGIT, "sd": 2.5 + _DIGIT,
    "sl": 0.9 + _LETTER, "su": 0.9 + _LETTER, "ls": 3.5, "us": 3.5, "ds": 3.5, "ss": 5.0,
}  # fmt: skip
_BEGINNINGS: Final = {"l": 2 + _LETTER, "u": 2 + _LETTER, "d": 5 + _DIGIT, "s": 9.0}
_CONTINUED: Final = frozenset({"ll", "uu", "ul"})
_ALPHABETS: Final = (
    (on_use(r"[0-9a-f]*|[0-9A-F]*"), 16),
    (on_use(r"(?=.*[2-7].*[2-7])(?:[2-7a-z]*|[2-7A-Z]*)"), 32),
    (on_use(r"[0-9a-z]*|[0-9A-Z]*"), 36),
    (on_use(r"[0-9A-Za-z]*"), 62),
)
_HEXADECIMAL: Final = frozenset("0123456789abcdef")
_HEX_DIGIT: Final = math.log2(16 / 0.9)
_OTHER: Final = math.log2(48 / 0.1)
_SEPARATOR: Final = on_use(r"[^A-Za-z0-9]")
_PADDING: Final = "=*"
# Digits that stand for letters: `s3cr3t`.
LEET: Final = str.maketrans("013457", "oieast")


def bits(text: str) -> float:
    """The base-2 logarithm of the ratio: above zero where a person is likelier than chance.

    Args:
        text: printable ASCII, not empty.
    """
    chance = min(len(text) * math.log2(_alphabet(text)), _partly_hexadecimal(text))
    digits = sum(character in "013457" for character in text)
    return chance - min(_cost(text), _cost(text.translate(LEET)) + digits + 1)


def _partly_hexadecimal(text: str) -> float:
    """What it costs chance to draw nearly all of a text from hexadecimal digits, as Yoco does."""
    few = sum(character not in _HEXADECIMAL for character in text)
    return few * _OTHER + (len(text) - few) * _HEX_DIGIT


def _cost(text: str) -> float:
    return _BEGINNINGS[_kind(text[0])] + sum(_step(before, after) for before, after in pairwise(text))


@lru_cache(maxsize=1 << 14)
def _step(before: str, after: str) -> float:
    kinds = _kind(before) + _kind(after)
    return _STEPS[kinds] + (_HALF_BITS[(before + after).lower()] if kinds in _CONTINUED else 0)


def _kind(character: str) -> str:
    if character.isdigit():
        return "d"
    if character.isalpha():
        return "u" if character.isupper() else "l"
    return "s"


def _alphabet(text: str) -> int:
    """How many characters chance would have drawn from: with separators it is a UUID's or base64's."""
    text = text.rstrip(_PADDING)
    separators = len(frozenset(_SEPARATOR.findall(text)))
    rest = _SEPARATOR.sub("", text)
    size = next(size for pattern, size in _ALPHABETS if pattern.fullmatch(rest))
    return size + separators if size == _ALPHABETS[0][1] or not separators else _ALPHABETS[-1][1] + separators

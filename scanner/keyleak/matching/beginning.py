"""How a body begins, for words that too much else ends with: `sk_` stands in `task_` and `disk_`.

Such a word is searched for together with the first characters of a body. No underscore is among them, for
names have those: `task_configuration_of` is no key.

An escape is searched for where more of the same follow: `%73%6B%5F%6C…`, whatever they stand for.
"""

from __future__ import annotations

import string
from typing import Final

LENGTH: Final = 16
CHARACTERS: Final = (string.ascii_letters + string.digits + "+/-").encode()


ESCAPES: Final = (b"%", b"\\x", b"\\\\x", b"\\u00", b"\\\\u00")
"""What an escape of an ASCII character begins with, before its two digits; it counts in a row of `IN_ROW`."""
IN_ROW: Final = 6
ESCAPED: Final = b"[2-7][0-9A-Fa-f]"
_FIRST_DIGITS: Final = b"234567"
_DIGITS: Final = string.hexdigits.encode()


def goes_on(text: bytes, at: int, word: bytes) -> bool:
    """Whether what must follow a word stands at an index of a text: a body, or more of the same escape."""
    if word not in ESCAPES:
        return begins_body(text, at)
    step = len(word) + 2
    row = text[at - len(word) : at + IN_ROW * step - len(word)]
    digits = row[len(word) :: step], row[len(word) + 1 :: step]
    return (
        row.count(word) == IN_ROW
        and len(digits[1]) == IN_ROW
        and not digits[0].strip(_FIRST_DIGITS)
        and not digits[1].strip(_DIGITS)
        and all(row.startswith(word, place) for place in range(0, len(row), step))
    )


def begins_body(text: bytes, at: int) -> bool:
    """Whether a body begins at an index of a text."""
    beginning = text[at : at + LENGTH]
    return len(beginning) == LENGTH and not beginning.strip(CHARACTERS)

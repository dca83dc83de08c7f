"""How a body begins, for words that too much else ends with: `sk_` stands in `task_` and `disk_`.

Such a word is searched for together with the first characters of a body. No underscore is among them, for
names have those: `task_configuration_of` is no key.
"""

from __future__ import annotations

import string
from typing import Final

LENGTH: Final = 16
CHARACTERS: Final = (string.ascii_letters + string.digits + "+/-").encode()


def begins_body(text: bytes, at: int) -> bool:
    """Whether a body begins at an index of a text."""
    beginning = text[at : at + LENGTH]
    return len(beginning) == LENGTH and not beginning.strip(CHARACTERS)

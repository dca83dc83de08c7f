"""Text with the bodies of its keys made alike, so that surroundings that differ in other keys are the same.

What other keys hold says nothing of whose a key is. Lengths and offsets stay, and what looked like a key
still does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.matching.boundary import is_left_boundary
from keyleak.matching.statement import key_shaped
from keyleak.on_use import on_use

if TYPE_CHECKING:
    import re

_KEY: Final = on_use(key_shaped(rb"ak"))
# What chance drew, not the words of a name such as `sk_live_key_of_production`.
_DRAWN: Final = on_use(rb"[A-Za-z0-9]{16,}")


def masked(text: bytes) -> bytes:
    """The text with other characters in the bodies of its keys."""
    if b"k_" not in text and b"whsec_" not in text:
        return text

    def replaced(key: re.Match[bytes]) -> bytes:
        return _DRAWN.sub(_alike, key[0]) if is_left_boundary(text, key.start()) else key[0]

    return _KEY.sub(replaced, text)


def _alike(drawn: re.Match[bytes]) -> bytes:
    # A digit that each alphabet of a body has.
    return b"2" * len(drawn[0])

"""The one type a key lives in, and what may be shown of it.

A `Secret` prints, formats and serialises redacted. Whoever needs the key itself calls `reveal`, a name that
is easy to search for. Pickling is refused, so that no cache or queue holds a key by accident.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Final, NoReturn

from keyleak.key_shapes import MASK, SHOWN_CHARACTERS
from keyleak.prefixes import prefix_words

FINGERPRINT_BITS: Final = 128

# Without a baseline the fingerprint is keyed with this constant: it makes ids equal in every run and keeps
# them apart from plain hashes of the key that other tools publish. A baseline brings a random key instead.
_FIXED_KEY: Final = b"keyleak/fingerprint/1"
FINGERPRINT_KEY: Final = _FIXED_KEY.ljust(32, b"\0")
"""The fixed key as a baseline keeps it: HMAC takes a short key and the same with zeros behind it for one."""


def redact(key: bytes) -> str:
    """The key's public prefix, at most four further characters and a mask."""
    prefix = len(next((word for word in _prefixes(prefix_words()) if key.startswith(word)), b""))
    shown = prefix + SHOWN_CHARACTERS
    # A short secret would be half told by four characters: show its prefix only.
    if len(key) - shown < 8:
        shown = prefix
    return key[:shown].decode("ascii", "replace") + MASK


@lru_cache(maxsize=4)
def _prefixes(words: frozenset[str]) -> tuple[bytes, ...]:
    return tuple(sorted((word.encode("ascii") for word in words), key=len, reverse=True))


def fingerprint(key: bytes, keyed_with: bytes = _FIXED_KEY) -> str:
    """The id of a key: HMAC-SHA256 of its bytes cut to 128 bits, as 32 hexadecimal digits."""
    return hmac.new(keyed_with, key, hashlib.sha256).hexdigest()[: FINGERPRINT_BITS // 4]


class Secret:
    """A key found in some content; equal to another where the bytes are equal."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def reveal(self) -> bytes:
        """The key in the clear. Every caller of this is a place to review."""
        return self._key

    def redacted(self) -> str:
        """What reports and people may see."""
        return redact(self._key)

    def fingerprint(self, keyed_with: bytes = _FIXED_KEY) -> str:
        """See `fingerprint`."""
        return fingerprint(self.reveal(), keyed_with)

    def __repr__(self) -> str:
        return f"Secret({self.redacted()!r})"

    def __str__(self) -> str:
        return self.redacted()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._key, other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not to be pickled: send what is needed of it on purpose")


class RedactedSecret(Secret):
    """A key of which only the redacted form is known, as a saved report tells it."""

    __slots__ = ("_shown",)

    def __init__(self, shown: str, identity: str) -> None:
        # Two keys may share their first characters: the id keeps them apart.
        super().__init__(identity.encode())
        self._shown = shown

    def reveal(self) -> bytes:
        """There is nothing to reveal.

        Raises:
            LookupError: always; a report does not hold the key.
        """
        raise LookupError("a saved report does not hold the key itself")

    def redacted(self) -> str:
        """What the report says of it."""
        return self._shown

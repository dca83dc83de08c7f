"""No key in what is written: keys in names are masked, and a last check looks at every byte.

Paths, targets and messages come from outside and can hold a key. They pass `Masker.mask`. What a report
writer then hands over passes `Masker.check`, which knows nothing of formats.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.secret import mask_key_shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.secret import Secret

_TOKEN: Final = re.compile(r"[A-Za-z0-9_+/=.~-]{12,}")
_START: Final = 12


class KeyInOutputError(Exception):
    """A report was about to hold a key: a defect of keyleak, and the report was not written."""


class Masker:
    """Knows the keys of one scan."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._by_start: dict[str, list[tuple[str, str]]] = {}
        for secret in secrets:
            key = secret.reveal().decode("ascii")
            self._by_start.setdefault(key[:_START], []).append((key, secret.redacted()))

    def mask(self, text: str) -> str:
        """The text with every known key, and everything with a key's shape, redacted."""
        return mask_key_shapes(_TOKEN.sub(self._masked, text))

    def check(self, output: str) -> None:
        """Look at finished output once more.

        Raises:
            KeyInOutputError: a key of this scan is in it.
        """
        for token in set(_TOKEN.findall(output)):
            if any(True for _ in self._keys_in(token)):
                raise KeyInOutputError("the report would have held a key in the clear and was not written")

    def _masked(self, match: re.Match[str]) -> str:
        token = match[0]
        for key, redacted in self._keys_in(token):
            token = token.replace(key, redacted)
        return token

    def _keys_in(self, token: str) -> Iterator[tuple[str, str]]:
        for index in range(len(token) - _START + 1):
            for key, redacted in self._by_start.get(token[index : index + _START], ()):
                if token.startswith(key, index):
                    yield key, redacted

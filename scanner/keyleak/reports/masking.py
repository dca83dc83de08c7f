"""No key in what is written: keys in names are masked, and a last check looks at every byte.

Paths, targets and messages come from outside and can hold a key, plain or encoded. They pass `Masker.mask`
before a format escapes them. What a report writer then hands over passes `Masker.check`, which knows nothing
of formats: it undoes the escapes of all of them (`unescaping.py`) and looks for every key, and for what a
redacted key hides, as it is, in base64 at each alignment and in hexadecimal.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from keyleak.key_shapes import MASK, mask_key_shapes
from keyleak.on_use import on_use
from keyleak.secret import RedactedSecret
from keyleak.unescaping import ESCAPED_WORD, readings

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Mapping

    from keyleak.secret import Secret

_START: Final = 12
_TOKEN: Final = on_use(ESCAPED_WORD)
_HEXADECIMAL: Final = on_use(r"[0-9A-Fa-f]{24,}")


class KeyInOutputError(Exception):
    """A report was about to hold a key: a defect of keyleak, and the report was not written."""


class Masker:
    """Knows the keys of one scan. Keys that only a saved report tells of are masked by their shape alone."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._plain: dict[str, list[tuple[str, str]]] = {}
        self._hexadecimal: dict[str, list[tuple[str, str]]] = {}
        self._base64: dict[str, list[tuple[str, str]]] = {}
        self._masked: dict[str, str] = {}
        for secret in secrets:
            if not isinstance(secret, RedactedSecret):
                self._know(secret.reveal(), secret.redacted())

    def mask(self, text: str) -> str:
        """The text with every known key, and everything with a key's shape, redacted."""
        masked = self._masked.get(text)
        if masked is None:
            masked = self._masked[text] = mask_key_shapes(_TOKEN.sub(self._redacted, text))
        return masked

    def check(self, output: str) -> None:
        """Look at finished output once more.

        Raises:
            KeyInOutputError: a key of this scan is in it, plain, escaped or encoded.
        """
        if not self._plain:
            return
        for text in readings(output):
            for token in set(_TOKEN.findall(text)):
                if any(True for _ in self._in_form(token)):
                    raise KeyInOutputError(
                        "the report would have held a key in the clear and was not written"
                    )

    def _know(self, key: bytes, redacted: str) -> None:
        plain = key.decode("ascii")
        _add(self._plain, plain, redacted)
        # What the redacted form hides gives the key away as well, whatever became of the prefix before it.
        hidden = plain.removeprefix(redacted.removesuffix(MASK))
        if len(hidden) >= _START:
            _add(self._plain, hidden, MASK)
        _add(self._hexadecimal, key.hex(), redacted)
        for alignment in range(3):
            _add(self._base64, _encoded_core(key, alignment), redacted)

    def _redacted(self, match: re.Match[str]) -> str:
        token = match[0]
        found = sorted(self._keys_in(token), key=lambda each: -len(each[0]))
        if not found:
            return token
        for key, redacted in found:
            token = token.replace(key, redacted)
        # What is in it in any other form is not worth keeping: the whole run goes.
        return MASK if any(True for _ in self._keys_in(token)) else token

    def _keys_in(self, token: str) -> Iterator[tuple[str, str]]:
        if len(token) < _START or not self._plain:
            return
        for form in readings(token):
            yield from self._in_form(form)

    def _in_form(self, form: str) -> Iterator[tuple[str, str]]:
        if len(form) < _START:
            return
        yield from _found(self._plain, form)
        yield from _found(self._base64, form.replace("-", "+").replace("_", "/"))
        for run in _HEXADECIMAL.findall(form):
            yield from _found(self._hexadecimal, run.lower())


def _add(forms: dict[str, list[tuple[str, str]]], form: str, redacted: str) -> None:
    forms.setdefault(form[:_START], []).append((form, redacted))


def _found(forms: Mapping[str, list[tuple[str, str]]], token: str) -> Iterator[tuple[str, str]]:
    starts = [index for index in range(len(token) - _START + 1) if token[index : index + _START] in forms]
    for index in starts:
        for form, redacted in forms[token[index : index + _START]]:
            if token.startswith(form, index):
                yield form, redacted


def _encoded_core(key: bytes, alignment: int) -> str:
    """What base64 makes of the key behind that many other bytes, without the characters they share."""
    encoded = base64.b64encode(b"\0" * alignment + key).decode("ascii")
    first = (0, 2, 3)[alignment]
    whole = (alignment + len(key)) * 8 // 6
    return encoded[first:whole]

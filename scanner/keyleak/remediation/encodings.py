"""Every spelling of a key that content may hold, and what to write in its place.

A replacement keeps the content readable in its own encoding: base64 and hexadecimal text keeps its length
and decodes to letters, UTF-16 stays UTF-16, escaped text becomes plain text without any character that YAML,
JSON, a shell or a URL would act on.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

REMOVED: Final = b"REMOVED-KEY"
"""Shorter than any key that is looked for, and a plain word in every format."""

# What base64 text may be broken with: a line break of its own, or one escaped in a string.
_BREAK: Final = rb"(?:(?:\r?\x0a|\\r\\n|\\n)[ \t]*)?"
_WIDE: Final = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way a key can be written."""

    encoding: str
    """What a person calls it: `plain`, `base64`, `utf-16-le`."""
    text: bytes
    """The bytes; empty where there are many, which only the pattern tells."""
    pattern: bytes
    """A regular expression of them, on one line."""
    replacement: bytes


def spellings(key: bytes) -> Iterator[Spelling]:
    """All spellings of a key that can be edited in place, the plain one first."""
    yield _literal("plain", key, REMOVED)
    for codec in _WIDE:
        yield _literal(codec, _encoded(key, codec), _encoded(REMOVED, codec))
    yield Spelling("escaped", b"", _escaped(key), REMOVED)
    for inner, name in (
        (key, ""),
        (_encoded(key, "utf-16-le"), " of utf-16"),
        (key.hex().encode(), " of hex"),
    ):
        for core in _base64_cores(inner):
            yield from _in_base64(core, f"base64{name}")
            if not name:
                yield from _nested(core)
    for inner in (key, _encoded(key, "utf-16-le"), _encoded(key, "utf-16-be")):
        for text, filler in ((inner.hex(), _filler(len(inner)).hex()),):
            yield _literal("hex", text.encode(), filler.encode())
            yield _literal("hex", text.upper().encode(), filler.upper().encode())


@dataclass(frozen=True, slots=True)
class _Core:
    """The part of a base64 text that its inner text alone decides, and what replaces it."""

    text: bytes
    replacement: bytes


def _base64_cores(inner: bytes) -> Iterator[_Core]:
    """One for each place that the inner text can have within a group of three bytes."""
    filler = _filler(len(inner))
    for before in range(3):
        start, end = -(-8 * before // 6), 8 * (before + len(inner)) // 6
        padded, filled = (base64.b64encode(b"\0" * before + each)[start:end] for each in (inner, filler))
        yield _Core(padded, filled)
        url_safe = padded.translate(bytes.maketrans(b"+/", b"-_"))
        if url_safe != padded:
            yield _Core(url_safe, filled)


def _in_base64(core: _Core, name: str) -> Iterator[Spelling]:
    yield _literal(name, core.text, core.replacement)
    broken = _BREAK.join(re.escape(bytes([character])) for character in core.text)
    yield Spelling(f"{name} in lines", b"", broken, core.replacement)


def _nested(core: _Core) -> Iterator[Spelling]:
    """Base64 of base64: the inner core is what the outer one encodes."""
    for outer in _base64_cores(core.text):
        # The outer replacement decodes to letters, and letters are base64 too.
        yield from _in_base64(outer, "base64 twice")


def _filler(length: int) -> bytes:
    """Letters; the last is one that no remaining bit of a neighbour can turn into a quote or a backslash."""
    return (b"removed" * (length // 7 + 1))[: length - 1] + b"a"


def _encoded(text: bytes, codec: str) -> bytes:
    return text.decode("ascii").encode(codec)


def _escaped(key: bytes) -> bytes:
    """A pattern of the key with any of its characters escaped, as URLs, strings, HTML and mail do it."""
    return b"".join(_one_escaped(character) for character in key)


def _one_escaped(character: int) -> bytes:
    high, low = (f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{character:02x}")
    both = f"{high}{low}"
    plain = re.escape(chr(character))
    if character == ord("/"):
        plain = r"\\*/"
    forms = (
        plain,
        f"%(?:25)*{both}",
        rf"\\+u00{both}",
        rf"\\+u\{{0*{both}\}}",
        rf"\\+x{both}",
        f"&#0*{character};",
        f"&#[xX]0*{both};",
        f"={high.upper() if high.isalpha() else high}{low}",
    )
    # Quoted-printable may break a line after any character.
    return f"(?:=\\r?\\x0a)?(?:{'|'.join(forms)})".encode()


def _literal(encoding: str, text: bytes, replacement: bytes) -> Spelling:
    return Spelling(encoding, text, re.escape(text), replacement)

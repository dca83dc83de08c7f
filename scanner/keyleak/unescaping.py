"""Text read as each format's reader reads it: the escapes of all formats undone.

Markdown puts backslashes before punctuation, XML and HTML write references, JSON and programs `\u005f`,
addresses `%5F`, workflow commands of GitHub `%25`; one format may hold another. Characters that nobody sees
are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.on_use import on_use

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

# Deeper than any report nests formats: a JSON text in a script in a page, an address in Markdown in JSON.
MOST_LAYERS: Final = 6
_UNSEEN_CHARACTERS: Final = "\u00ad\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff"
# What a key may be made of where a reader of some format would see it whole.
ESCAPED_WORD: Final = (
    rf"(?:[A-Za-z0-9_+/=.~*#$;&{{}}%{_UNSEEN_CHARACTERS}-]++|\\+(?:[^A-Za-z0-9\s\\]|(?=[A-Za-z0-9])|\n))+"
)
# Each alternative begins with its character, so that `re` skips what has none of them.
_ESCAPE: Final = on_use(
    r"%(?P<percent>[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*)"
    r"|\\\\*(?:u\{(?P<braced>[0-9A-Fa-f]{1,6})\}|u(?P<unicode>[0-9A-Fa-f]{4})|x(?P<byte>[0-9A-Fa-f]{2})"
    r"|(?P<octal>[0-7]{3})|(?P<mark>[^A-Za-z0-9\s\\])|\n)"
    r"|&(?P<reference>#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z]{2,24};)"
)
_UNSEEN: Final = on_use(f"[{_UNSEEN_CHARACTERS}]+")


def readings(text: str) -> Iterator[str]:
    """The text as it is and after each layer of escapes that is in it."""
    yield text
    for _ in range(MOST_LAYERS):
        read = unescaped(text)
        if read == text:
            return
        text = read
        yield text


def unescaped(text: str) -> str:
    """The text with one layer of escapes undone; the same where it has none."""
    read = text if text.isascii() else _UNSEEN.sub("", text)
    return _ESCAPE.sub(_character, read) if any(mark in read for mark in "%\\&") else read


def _character(found: re.Match[str]) -> str:
    kind, value = found.lastgroup, found[found.lastgroup or 0]
    if kind is None:
        return ""
    if kind == "mark":
        return value
    if kind == "reference":
        # Loads two thousand names, which hardly any text needs.
        from html import unescape  # noqa: PLC0415

        return unescape(f"&{value}")
    if kind == "percent":
        return bytes.fromhex(value.replace("%", "")).decode("utf-8", "surrogateescape")
    code = int(value, 8 if kind == "octal" else 16)
    return chr(code) if code <= 0x10FFFF else found[0]

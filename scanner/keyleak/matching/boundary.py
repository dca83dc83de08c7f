"""Whether a key may begin at a place: what stands left of it must not be part of a longer word."""

from __future__ import annotations

from typing import Final

from keyleak.on_use import on_use

# A letter or digit on the left is no neighbour where it ends an escape: `\n`, `\x3d`, `\u003d`, `\042`,
# `%3D`, `=3D`, a backtick and a letter of PowerShell, `%n` of a format, `^M`, a colour sequence of a
# terminal log; or where it is a short option. Otherwise a key after a line break in a string would be missed.
# There may be any number of backslashes: a string in a string.
_ESCAPE: Final = on_use(
    rb"(?:\\(?:[nrtbfvae]|0?[0-7]{1,3}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})"
    rb"|`[0abefnrtv]|%n|\^[A-Z]"
    rb"|%(?:25){0,3}[0-9A-Fa-f]{2}|=(?:3D|20|22|27|3A|0A)"
    rb"|(?:\x1b|\\x1b|\\033|\\e|\\u001[bB])\[[0-9;]{0,12}[A-Za-z]"
    # What is left of one where the escape character itself was lost, as in logs that were copied.
    rb"|\[[0-9;]{1,12}m"
    # A short option with its value glued to it: `curl -uKEY:`.
    rb"|(?<![A-Za-z0-9_-])-[A-Za-z])\Z"
)
_WORD: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_LONGEST_ESCAPE: Final = 24


def is_left_boundary(text: bytes, start: int) -> bool:
    """Whether the text before `start` lets a key begin there."""
    if start == 0 or text[start - 1] not in _WORD:
        return True
    return text[start - 1] != ord("_") and bool(_ESCAPE.search(text[max(0, start - _LONGEST_ESCAPE) : start]))

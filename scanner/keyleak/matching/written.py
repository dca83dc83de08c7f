"""Telling what a person writes from what chance draws, one part of a text at a time."""

from __future__ import annotations

from typing import Final

from keyleak.on_use import on_use

# Word, Title, camelCase or CONSTANT, with digits behind it at most.
_WRITTEN: Final = on_use(r"(?:[A-Z]?[a-z]*(?:[A-Z][a-z]{2,})*|[A-Z]+)[0-9]*")


def is_written(part: str) -> bool:
    """Whether a part without separators has the form of a word, a name or a number."""
    return _WRITTEN.fullmatch(part) is not None

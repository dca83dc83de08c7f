"""Patterns that are compiled when they are first used."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class OnUse:
    """A pattern of an issuer's words.

    Compiling those of fifty issuers takes longer than a small scan; a content mentions one or two of them.
    """

    def __init__(self, expression: bytes) -> None:
        self._expression = expression

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(self._expression)

    def search(self, text: bytes) -> re.Match[bytes] | None:
        """See `re.Pattern.search`."""
        return self._pattern.search(text)

    def finditer(self, text: bytes) -> Iterator[re.Match[bytes]]:
        """See `re.Pattern.finditer`."""
        return self._pattern.finditer(text)

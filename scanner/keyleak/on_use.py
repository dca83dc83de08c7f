"""Patterns that are compiled when they are first used.

Compiling takes `re` a fifth of a millisecond for a pattern of some length. There are hundreds, of fifty
issuers' words and of what may surround a key, and a small run uses a few of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr, cast

if TYPE_CHECKING:
    from collections.abc import Callable


def on_use(expression: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` gives, later.

    Args:
        expression: a pattern that is known to be right, as its errors come late too.
        flags: see `re.compile`.
    """
    return cast("re.Pattern[AnyStr]", _OnUse(lambda: re.compile(expression, flags)))


def made_on_use(make: Callable[[], AnyStr], flags: int = 0) -> re.Pattern[AnyStr]:
    """The same for an expression that takes a while to be put together."""
    return cast("re.Pattern[AnyStr]", _OnUse(lambda: re.compile(make(), flags)))


class _OnUse:
    """Becomes a pattern where one of its methods is asked for."""

    def __init__(self, compiled: Callable[[], re.Pattern[Any]]) -> None:
        self._compiled = compiled

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        pattern = self._compiled()
        # From now on its methods are found at once, as those of any pattern.
        for method in ("match", "fullmatch", "search", "finditer", "findall", "sub", "split", "pattern"):
            setattr(self, method, getattr(pattern, method))
        return getattr(pattern, name)

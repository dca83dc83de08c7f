"""JSON that people can find their way in, and that is written fast."""

from __future__ import annotations

import json
from typing import Any


def spread(value: Any, levels: int, indent: str = "") -> str:
    """A value as JSON, ASCII only: so many levels of it over lines, what is below in one line each.

    Indenting everything would leave the encoder that is written in C.

    Args:
        value: objects, lists and what they may hold.
        levels: how many are spread.
        indent: blanks before the line that the value begins in.
    """
    inner = f"{indent} "
    if levels and value and isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {spread(each, levels - 1, inner)}" for name, each in value.items()]
        return _lines("{", parts, "}", indent)
    if levels and value and isinstance(value, list):
        return _lines("[", [spread(each, levels - 1, inner) for each in value], "]", indent)
    return json.dumps(value)


def _lines(opening: str, parts: list[str], closing: str, indent: str) -> str:
    inside = ",".join(f"\n{indent} {part}" for part in parts)
    return f"{opening}{inside}\n{indent}{closing}"

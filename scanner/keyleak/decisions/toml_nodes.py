"""TOML as the tree that `strict_yaml` reads, so that one strict reader serves both.

The standard library's parser keeps no positions. Lines are found by the headers and keys in the text; where a
value has none of its own, such as one in an inline table, its line is that of the key it stands under.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from yaml import Mark
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from keyleak.bounded_toml import MOST_PARTS, TomlError, read_toml
from keyleak.errors import ConfigError
from keyleak.strict_yaml import YamlValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yaml.nodes import Node

_Path: TypeAlias = tuple["str | int", ...]

_HEADER: Final = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*=""")


@dataclass(slots=True)
class _Lines:
    """Lines of a table and of what is in it."""

    line: int | None = None
    """0-based."""
    inside: dict[str | int, _Lines] = field(default_factory=dict)

    def at(self, path: _Path) -> _Lines:
        """The lines of something in it, made where there are none."""
        found = self
        for part in path:
            found = found.inside.setdefault(part, _Lines())
        return found

    def mark(self, line: int) -> None:
        """Set the line where none is set."""
        self.line = line if self.line is None else self.line


_NO_LINES: Final = _Lines()


def toml_value(text: str, file: str, table: Sequence[str]) -> YamlValue | None:
    """A table of a TOML text; None where it has none.

    Raises:
        ConfigError: it is no TOML, with the line, or is nested too deeply.
    """
    try:
        value: Any = read_toml(text)
    except TomlError as error:
        raise ConfigError(file, error.line, f"not valid TOML: {error.reason}") from error
    for name in table:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    lines = _lines(text)
    line = 0
    for name in table:
        lines = lines.inside.get(name, _NO_LINES)
        line = line if lines.line is None else lines.line
    return YamlValue(_Builder(file).node(value, lines, line), file, ConfigError)


class _Builder:
    """Makes nodes of values, each with its line or that of what holds it."""

    def __init__(self, file: str) -> None:
        self._file = file

    def node(self, value: Any, lines: _Lines, line: int, depth: int = 0) -> Node:
        if depth > MOST_PARTS:
            raise ConfigError(self._file, line + 1, "nested too deeply")
        mark = _mark(line)
        if isinstance(value, dict):
            pairs = []
            for name, each in value.items():
                own, at = _inner(lines, name, line)
                pairs.append((_scalar("str", name, _mark(at)), self.node(each, own, at, depth + 1)))
            return MappingNode("tag:yaml.org,2002:map", pairs, mark, mark)
        if isinstance(value, list):
            items = [
                self.node(each, *_inner(lines, index, line), depth + 1) for index, each in enumerate(value)
            ]
            return SequenceNode("tag:yaml.org,2002:seq", items, mark, mark)
        return _plain(value, mark)


def _inner(lines: _Lines, name: str | int, line: int) -> tuple[_Lines, int]:
    own = lines.inside.get(name, _NO_LINES)
    return own, line if own.line is None else own.line


def _plain(value: Any, mark: Mark) -> ScalarNode:
    if isinstance(value, bool):
        return _scalar("bool", str(value).lower(), mark)
    if isinstance(value, str):
        return _scalar("str", value, mark)
    if isinstance(value, date):
        return _scalar("timestamp", value.isoformat(), mark)
    return _scalar("int" if isinstance(value, int) else "float", str(value), mark)


def _scalar(tag: str, text: str, mark: Mark) -> ScalarNode:
    return ScalarNode(f"tag:yaml.org,2002:{tag}", text, mark, mark)


def _mark(line: int) -> Mark:
    return Mark("", 0, line, 0, None, 0)


def _lines(text: str) -> _Lines:
    """0-based lines of tables and keys."""
    top = _Lines()
    tables: Counter[_Path] = Counter()
    current = top
    for number, line in enumerate(text.split("\n")):
        if header := _HEADER.match(line):
            path: _Path = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            current = top.at(path[:MOST_PARTS])
            current.mark(number)
            if header[1] == "[[":
                tables[path] += 1
                current = current.at((tables[path] - 1,))
            current.mark(number)
        elif key := _KEY.match(line):
            current.at((key[1].strip("\"'"),)).mark(number)
    return top

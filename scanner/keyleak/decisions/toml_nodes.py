"""TOML as the tree that `strict_yaml` reads, so that one strict reader serves both.

The standard library's parser keeps no positions. Lines are found by the headers and keys in the text; where a
value has none of its own, such as one in an inline table, its line is that of the key it stands under.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from yaml import Mark
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from keyleak.errors import ConfigError
from keyleak.strict_yaml import YamlValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yaml.nodes import Node

_Path: TypeAlias = tuple["str | int", ...]

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*=""")
_AT: Final = re.compile(r"\(at line (\d+), column \d+\)")


def toml_value(text: str, file: str, table: Sequence[str]) -> YamlValue | None:
    """A table of a TOML text; None where it has none.

    Raises:
        ConfigError: it is no TOML, with the line.
    """
    try:
        value: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        raise ConfigError(file, line, f"not valid TOML: {_AT.sub('', str(error)).strip()}") from error
    except RecursionError:
        raise ConfigError(file, None, "nested too deeply") from None
    for name in table:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return YamlValue(_node(value, tuple(table), _lines(text)), file, ConfigError)


def _node(value: Any, path: _Path, lines: Mapping[_Path, int]) -> Node:
    mark = _mark(path, lines)
    if isinstance(value, dict):
        pairs = [
            (_scalar("str", name, _mark((*path, name), lines)), _node(each, (*path, name), lines))
            for name, each in value.items()
        ]
        return MappingNode("tag:yaml.org,2002:map", pairs, mark, mark)
    if isinstance(value, list):
        items = [_node(each, (*path, index), lines) for index, each in enumerate(value)]
        return SequenceNode("tag:yaml.org,2002:seq", items, mark, mark)
    return _plain(value, mark)


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


def _mark(path: _Path, lines: Mapping[_Path, int]) -> Mark:
    """The nearest line that is known."""
    while path and path not in lines:
        path = path[:-1]
    return Mark("", 0, lines.get(path, 0), 0, None, 0)


def _lines(text: str) -> dict[_Path, int]:
    """0-based lines of tables and keys."""
    lines: dict[_Path, int] = {}
    tables: Counter[_Path] = Counter()
    current: _Path = ()
    for number, line in enumerate(text.split("\n")):
        if header := _HEADER.match(line):
            current = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            if header[1] == "[[":
                lines.setdefault(current, number)
                tables[current] += 1
                current = (*current, tables[current] - 1)
            lines.setdefault(current, number)
        elif key := _KEY.match(line):
            lines.setdefault((*current, key[1].strip("\"'")), number)
    return lines

"""YAML read strictly: every key known, every value of the expected type, every error with its line.

Used by the rule files and by the configuration. Values are read from the node tree, so that a message can
name the line; aliases are refused because shared nodes can grow a small file into a huge one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeVar

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from enum import Enum

    from yaml.nodes import Node

    from keyleak.errors import KeyleakError

_E = TypeVar("_E", bound="Enum")
_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class YamlValue:
    """One value of a YAML file and where it stands.

    Every method raises the error made by `fail_with` where the value is not what the method is named after.
    """

    node: Node
    file: str
    fail_with: Callable[[str, int | None, str], KeyleakError]

    @property
    def line(self) -> int:
        """1-based line of the value."""
        return int(self.node.start_mark.line) + 1

    def fail(self, reason: str) -> NoReturn:
        """Raise the reader's error for this value."""
        raise self.fail_with(self.file, self.line, reason)

    def is_null(self) -> bool:
        """Whether the value is `null`, `~` or nothing."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:null"

    def mapping(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, YamlValue]:
        """A mapping with exactly the required keys and any of the optional ones."""
        entries = self.entries()
        known = {*required, *optional}
        for key_node, _ in self.node.value:
            if key_node.value not in known:
                # Told with the key's own line; its value may begin on the next one.
                reason = f"unknown key {key_node.value!r}; known here: {', '.join(sorted(known))}"
                self._inner(key_node).fail(reason)
        for key in required:
            if key not in entries:
                self.fail(f"key {key!r} is missing")
        return entries

    def entries(self) -> dict[str, YamlValue]:
        """A mapping with text keys, each once."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fail("a mapping (key: value) is expected here")
        entries: dict[str, YamlValue] = {}
        for key_node, value_node in self.node.value:
            key = self._inner(key_node).scalar()
            if key in entries:
                self._inner(key_node).fail(f"key {key!r} stands here twice")
            entries[key] = self._inner(value_node)
        return entries

    def items(self) -> list[YamlValue]:
        """A list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail("a list is expected here")
        return [self._inner(item) for item in self.node.value]

    def scalar(self) -> str:
        """Any scalar that is not empty, as it is written."""
        if not isinstance(self.node, yaml.ScalarNode) or self.is_null():
            self.fail("a text is expected here")
        value = str(self.node.value)
        if not value.strip():
            self.fail("the text is empty")
        return value

    def text(self) -> str:
        """A text that is not empty; numbers and booleans must be quoted to be one."""
        value = self.scalar()
        if self.node.tag != "tag:yaml.org,2002:str":
            self.fail(f"a text is expected here; quote {value!r} if it is meant as one")
        return value

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(item.text() for item in self.items())

    def number(self) -> float:
        """A number."""
        if self.node.tag not in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}:
            self.fail("a number is expected here")
        try:
            return float(self.node.value)
        except ValueError:
            self.fail("a plain decimal number is expected here")

    def whole_number(self, permitted: range) -> int:
        """A whole number of a range."""
        number = self.number()
        if number not in permitted:
            self.fail(f"a whole number from {permitted.start} to {permitted.stop - 1} is expected here")
        return int(number)

    def boolean(self) -> bool:
        """`true` or `false`."""
        if self.node.tag != "tag:yaml.org,2002:bool" or self.node.value not in {"true", "false"}:
            self.fail("true or false is expected here")
        return bool(self.node.value == "true")

    def choice(self, of: type[_E]) -> _E:
        """One of the values of an enum."""
        value = self.scalar()
        try:
            return of(value)
        except ValueError:
            self.fail(f"{value!r} is none of: {', '.join(str(member.value) for member in of)}")

    def _inner(self, node: Node) -> YamlValue:
        return YamlValue(node, self.file, self.fail_with)


def read_yaml(text: str, file: str, fail_with: Callable[[str, int | None, str], KeyleakError]) -> YamlValue:
    """The one document of a YAML text.

    Args:
        text: the content of the file.
        file: its name, for messages.
        fail_with: makes the error out of file, line and reason.

    Raises:
        KeyleakError: what `fail_with` makes, for anything that is not one plain document.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else int(error.problem_mark.line) + 1
        raise fail_with(file, line, f"not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise fail_with(file, None, f"not valid YAML: {str(error).splitlines()[0]}") from error
    except RecursionError:
        raise fail_with(file, None, "nested too deeply") from None
    if node is None:
        raise fail_with(file, None, "the file is empty")
    root = YamlValue(node, file, fail_with)
    _refuse_aliases(root)
    return root


def _refuse_aliases(root: YamlValue) -> None:
    seen: set[int] = set()
    stack = [root.node]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            YamlValue(node, root.file, root.fail_with).fail("aliases (&name, *name) are not allowed here")
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                stack += (key, value)

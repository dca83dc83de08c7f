"""TOML is read in work that grows with its length, whatever its keys."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from keyleak.bounded_toml import MOST_PARTS, TomlError, read_toml
from keyleak.decisions.config_reader import read_configuration
from keyleak.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


def steps_made(work: Callable[[], object]) -> int:
    """How many lines of Python are run, and functions called."""
    counted = 0

    def count(_frame: object, _event: str, _argument: Any) -> Any:
        nonlocal counted
        counted += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return counted


HOSTILE = {
    "a dotted key": lambda n: "[tool.keyleak]\n" + "a." * n + "a = 1\n",
    "a quoted dotted key": lambda n: "[tool.keyleak]\n" + '"a" . ' * n + "a = 1\n",
    "a table's name": lambda n: "[tool.keyleak." + "a." * n + "a]\n",
    "a key in an inline table": lambda n: "[tool.keyleak]\nallow = {" + "a." * n + "a = 1}\n",
    "keys of many parts": lambda n: "".join(f"[tool.keyleak.k{i}]\n{'a.' * 30}b = 1\n" for i in range(n)),
    "tables in each other": lambda n: "[tool.keyleak]\nallow = " + "{a = " * n + "1" + "}" * n + "\n",
    "lists in each other": lambda n: "[tool.keyleak]\nallow = " + "[" * n + "]" * n + "\n",
    "spaces": lambda n: "[tool.keyleak]\nallow" + " " * n + "x\n",
    "strings that do not end": lambda n: "[tool.keyleak]\nallow = " + '"' + '\\"' * n + "\n",
    "a header that does not end": lambda n: "x = '''\n[" + " " * n + "\n'''\n[tool.keyleak]\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_twice_the_text_is_at_most_twice_the_work(kind: str) -> None:
    def read(count: int) -> None:
        with suppress(ConfigError):
            read_configuration(HOSTILE[kind](count), "pyproject.toml")

    read(10)  # imports
    once, twice = steps_made(lambda: read(400)), steps_made(lambda: read(800))
    assert twice <= 2.5 * once + 200


@pytest.mark.parametrize("kind", ["a dotted key", "a quoted dotted key", "a table's name"])
def test_a_key_of_too_many_parts_is_refused_with_its_line(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"a key of more than {MOST_PARTS} parts") as caught:
        read_configuration("# first\n" + HOSTILE[kind](200_000), "pyproject.toml")
    assert caught.value.line in {2, 3}


def test_what_people_write_is_read_as_ever() -> None:
    text = (
        '[tool."x.y".z]\nversion = "1.2.3"\noid = "' + "1." * 80 + '1"\n'
        "a.b.c = 1.5\nips = ['10.0.0.1', \"10.0.0.2\"]\n# "
        + "a." * 80
        + "a in a comment is refused all the same"
    )
    kept = text.rpartition("\n")[0]
    assert read_toml(kept)["tool"]["x.y"]["z"]["a"] == {"b": {"c": 1.5}}
    with pytest.raises(TomlError, match="line 6: a key of more than"):
        # In a comment too: what looks like one may stand in a string of many lines.
        read_toml(text + "# " + "a." * 80)


@pytest.mark.parametrize("value", ["1" * 5000, "0x" + "g", "[" * 5000, "{a = " * 5000, "1979-99-99"])
def test_what_is_no_toml_is_refused_as_such(value: str) -> None:
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_configuration(f"[tool.keyleak]\nallow = {value}\n", "pyproject.toml")

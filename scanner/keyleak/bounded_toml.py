"""TOML read in time that grows with its length.

The standard library's parser walks a dotted key from its beginning for each of its parts, so one key of a
megabyte would take days. Nobody writes keys of that many parts; a text that holds one is refused before it is
parsed.
"""

from __future__ import annotations

from typing import Any, Final

from keyleak.on_use import on_use

MOST_PARTS: Final = 32
"""Most parts of a key or of a table's name, and most tables inside each other."""

# Each character is looked at once: a string that does not end is taken to the end of its line.
_TOKEN: Final = on_use(
    r"""(?P<part>[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?)|(?P<space>[ \t]++)|(?P<dot>\.)"""
    r"""|[^.A-Za-z0-9_"' \t-]++"""
)


class TomlError(ValueError):
    """A text that is no TOML, or has a key of too many parts.

    Attributes:
        line: the 1-based line, or None where the whole is meant.
        reason: what is wrong.
    """

    def __init__(self, line: int | None, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(line, reason)

    def __str__(self) -> str:
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


def read_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        TomlError: it is no TOML, is nested too deeply, or has a key of more than `MOST_PARTS` parts.
    """
    import tomllib  # noqa: PLC0415 - only where there is such a file

    _refuse_long_keys(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, at = str(error).partition(" (at ")
        digits = at.removeprefix("line ").partition(",")[0]
        raise TomlError(int(digits) if digits.isdigit() else text.count("\n") + 1, reason.strip()) from error
    except ValueError as error:
        # Python refuses numbers of thousands of digits.
        raise TomlError(None, str(error)) from error
    except RecursionError:
        raise TomlError(None, "nested too deeply") from None


def _refuse_long_keys(text: str) -> None:
    """Count the parts that follow each other with dots between them, wherever they stand."""
    parts, after_dot = 0, False
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "space":
            continue
        if token.lastgroup == "part":
            parts = parts + 1 if after_dot else 1
            if parts > MOST_PARTS:
                line = text.count("\n", 0, token.start()) + 1
                raise TomlError(line, f"a key of more than {MOST_PARTS} parts")
        after_dot = token.lastgroup == "dot"

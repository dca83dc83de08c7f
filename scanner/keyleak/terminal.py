"""Words for a terminal: text from outside made safe, sizes people can read."""

from __future__ import annotations

import re
from typing import Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Text without anything a terminal would act on: control characters and undecodable bytes as `\xHH`."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in without_surrogates(text)
    )


def without_commands(text: str) -> str:
    """Text without what the log of a pipeline takes for a command.

    GitHub's runner acts on `##[name]` anywhere in a line, and a repository chooses names and reasons.
    A command that begins with `::` has to begin its line.
    """
    return text.replace("##[", "# #[")


def without_surrogates(text: str) -> str:
    r"""Text that can be encoded: undecodable bytes as `\xHH`, other lone surrogates as `\uHHHH`."""
    return _SURROGATE.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    # PEP 383: these stand for the bytes from 0x80 that were not UTF-8.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def size(count: int) -> str:
    """A number of bytes for people: `460.1 MB`."""
    for unit, power in (("GB", 3), ("MB", 2), ("kB", 1)):
        if count >= 1000**power:
            return f"{count / 1000**power:.1f} {unit}"
    return f"{count} B"


def clean_line(files: int, read_bytes: int, seconds: float) -> str:
    """What a report says where nothing was found."""
    what = f"{files:,} {'file' if files == 1 else 'files'}"
    found = "No key found" if files else "Nothing staged"
    return f"{found}. Read {what}, {size(read_bytes)} in {seconds:.1f} s."

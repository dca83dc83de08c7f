"""Strings in compiled code, each with its length before it: `.pyc` (marshal) and Java classes.

Nothing is loaded: marshalled data may crash the interpreter that loads it. Whatever has the form of a string
is taken for one. Its length, and the type of what follows, are bytes that may look like letters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.containers.member import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

# Types of marshal, as CPython's Python/marshal.c lists them: z and Z have a length of one byte, a, A, s, t
# and u of four; the highest bit says that something refers back to the object.
_TEXT_BEGINS: Final = rb"(?=[\t\n\r -\x7e\x80-\xff]{8})"
_PYTHON: Final = re.compile(
    rb"(?s)[zZ\xfa\xda](?P<short>[\x08-\xff])"
    + _TEXT_BEGINS
    + rb"|[aAstu\xe1\xc1\xf3\xf4\xf5](?P<long>...\x00)"
    + _TEXT_BEGINS
)
# CONSTANT_Utf8 (JVM specification, 4.4.7).
_JAVA: Final = re.compile(rb"(?s)\x01(?P<short>..)" + _TEXT_BEGINS)
_TEXT: Final = re.compile(rb"[\t\n\r -\x7e\x80-\xff]*")
_SHORTEST: Final = 8


def python_strings(content: bytes) -> Iterator[Member]:
    """The string constants of a `.pyc`, one a line."""
    return _strings(content, _PYTHON, "little")


def java_strings(content: bytes) -> Iterator[Member]:
    """The string constants of a Java class, one a line."""
    return _strings(content, _JAVA, "big")


def _strings(content: bytes, pattern: re.Pattern[bytes], order: str) -> Iterator[Member]:
    found, place = [], 0
    while header := pattern.search(content, place):
        length = int.from_bytes(header[header.lastgroup or 0], "little" if order == "little" else "big")
        text = content[header.end() : header.end() + length]
        if _SHORTEST <= length == len(text) and _TEXT.fullmatch(text):
            found.append(text)
            place = header.end() + length
        else:
            place = header.start() + 1
    if found:
        yield Member("string constants", iter((b"\n".join(found),)))

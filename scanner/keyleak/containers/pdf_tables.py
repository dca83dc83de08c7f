"""ToUnicode tables of PDF fonts: which characters the codes in strings stand for (ISO 32000-2, 9.10.3)."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from keyleak.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_BORDER: Final = re.compile(rb"\b(begin|end)(bfchar|bfrange|codespacerange)\b")
_CODE: Final = re.compile(rb"<([0-9A-Fa-f\s]{1,512})>|([\[\]])")
# Codes of one or two bytes are all that fonts in use have.
_MOST_CODES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Table:
    """Characters by code."""

    width: int
    """Bytes of a code."""
    characters: dict[int, str]
    listed: int
    """How many codes it lists, each as often as it does."""

    def decoded(self, string: bytes) -> str | None:
        """What a string says; None where it has a code that the table lacks."""
        if len(string) % self.width:
            return None
        encoding = "utf-16-be" if self.width == 2 else "latin-1"
        codes = string.decode(encoding, "surrogatepass")
        if not all(map(self.characters.__contains__, map(ord, codes))):
            return None
        return codes.translate(self.characters)


def read_table(content: bytes, most: int) -> Table:
    """The table in a stream.

    Args:
        content: decompressed.
        most: how many codes are read at most, each as often as it is listed.
    """
    left = most
    width = 2
    characters: dict[int, str] = {}
    for kind, section in _sections(content):
        codes = list(_CODE.finditer(section))
        if kind == b"codespacerange":
            width = 1 if codes and len(b"".join((codes[0][1] or b"").split())) <= 2 else 2
        elif kind == b"bfchar":
            numbers = [code[1] for code in codes if code[1]]
            pairs = zip(numbers[::2], numbers[1::2], strict=False)
            for source, target in islice(pairs, left):
                characters[_number(source)] = _text(target)
                left -= 1
        else:
            for code, text in islice(_ranges([code[0] for code in codes]), left):
                characters[code] = text
                left -= 1
    return Table(width, characters, most - left)


def _sections(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = None
    for border in _BORDER.finditer(content):
        if border[1] == b"begin":
            start = border.end()
        elif start is not None:
            yield border[2], content[start : border.start()]
            start = None


def _ranges(tokens: list[bytes]) -> Iterator[tuple[int, str]]:
    """`<first> <last> <text of the first>`, or a list of texts instead of the last."""
    at = 0
    while at + 2 < len(tokens):
        first, last = _number(tokens[at]), _number(tokens[at + 1])
        codes = range(first, min(last, first + _MOST_CODES) + 1)
        if tokens[at + 2] == b"[":
            end = next((index for index in range(at + 3, len(tokens)) if tokens[index] == b"]"), len(tokens))
            yield from zip(codes, map(_text, tokens[at + 3 : end]), strict=False)
            at = end + 1
        else:
            text = _text(tokens[at + 2])
            last_character = ord(text[-1]) if text else 0
            yield from (
                (code, text[:-1] + chr(min(last_character + code - first, 0x10FFFF))) for code in codes
            )
            at += 3


def _number(digits: bytes) -> int:
    return int(_joined(digits) or "0", 16) & 0xFFFF


def _text(digits: bytes) -> str:
    joined = _joined(digits)
    return bytes.fromhex(joined + "0" * (len(joined) % 2)).decode("utf-16-be", "replace")


def _joined(digits: bytes) -> str:
    return b"".join(digits.translate(None, b"<>[]").split()).decode("ascii")

"""Text of PDF pages: strings that the pages show, as characters instead of the glyph numbers of their fonts.

A font that was reduced to the glyphs in use numbers these as it likes; its table for searching and copying
(ToUnicode) says which characters they are. Objects are looked up by what they refer to, without the table of
objects, which damaged and hostile documents do not have or lie in.
Source: ISO 32000-2, 9.4 (text), 9.7 (composite fonts), 9.10 (ToUnicode), 7.5.7 (object streams).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.containers.pdf_tables import Table, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_TOKEN: Final = re.compile(
    rb"""
    \( (?P<literal> (?: [^()\\] | \\. )*+ ) \)
    | < (?P<hexadecimal> [0-9A-Fa-f\s]*+ ) >
    | / (?P<name> [^\s()<>\[\]{}/%]++ )
    | (?P<number> [-+]?[0-9]*\.?[0-9]+ ) (?=[\s\[(<\]])
    | (?P<operator> T[jJfdDm*] | BT | ET | ['"] ) (?![A-Za-z])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
# Operators that show strings where the last ones end; every other goes to another place first.
_SAME_LINE: Final = frozenset({b"Tj", b"TJ"})
# Thousandths of the size of a font: more is a blank, less brings two letters closer.
_BLANK: Final = -170.0
_FONT: Final = re.compile(rb"/([^\s()<>\[\]{}/%]{1,64})\s{1,4}([0-9]{1,10})\s{1,4}[0-9]{1,5}\s{1,4}R\b")
_REFERS: Final = re.compile(
    rb"/(Contents|Resources|Font)\s{0,4}(\[[0-9R\s]{1,4096}\]|[0-9]{1,10}\s{1,4}[0-9]{1,5}\s{1,4}R\b)"
)
_REFERENCE: Final = re.compile(rb"([0-9]{1,10})\s{1,4}[0-9]{1,5}\s{1,4}R\b")
_TO_UNICODE: Final = re.compile(rb"/ToUnicode\s{0,4}([0-9]{1,10})\s{1,4}[0-9]{1,5}\s{1,4}R\b")
_COMPOSITE: Final = re.compile(rb"/Subtype\s{0,4}/Type0\b")
_OBJECT: Final = re.compile(rb"\b([0-9]{1,10})\s{1,4}[0-9]{1,5}\s{1,4}obj\b")
_LONGEST_DICTIONARY: Final = 4096
_MOST_HELD: Final = 64 << 20
_MOST_OWNERS: Final = 64
# Codes in all tables, and those of the strings that are looked up, once for each table in question.
_MOST_CODES: Final = 1 << 20


class Texts:
    """Gathers what pages, fonts and tables say, in the order in which a document has them."""

    def __init__(self) -> None:
        self._pages: list[tuple[int, bytes]] = []
        self._held = 0
        self._fonts: dict[int, dict[bytes, int]] = {}
        self._refers: dict[int, list[int]] = {}
        self._pages_of: dict[int, list[int]] = {}
        self._table_of_font: dict[int, int] = {}
        self._tables: dict[int, Table] = {}
        self._codes = self._work = _MOST_CODES
        self.is_too_long = False
        """Whether something was left out because there is too much of it."""
        self.has_nameless_font = False
        """Whether a font is in use that does not say which characters its glyphs are."""

    def add_stream(self, number: int, content: bytes) -> None:
        """A stream, decompressed: a page, a table or something else."""
        if b"beginbf" in content:
            self._tables[number] = table = read_table(content, self._codes)
            self._codes -= table.listed
            self.is_too_long = self.is_too_long or not self._codes
        elif b"Tj" in content or b"TJ" in content:
            self._held += len(content)
            if self._held <= _MOST_HELD:
                self._pages.append((number, content))
            else:
                self.is_too_long = True

    def add_objects(self, content: bytes) -> None:
        """Objects as the document has them: `5 0 obj <<…>>`."""
        starts = list(_OBJECT.finditer(content))
        for index, start in enumerate(starts):
            end = starts[index + 1].start() if index + 1 < len(starts) else len(content)
            self._add_object(
                int(start[1]), content[start.end() : min(end, start.end() + _LONGEST_DICTIONARY)]
            )

    def add_packed_objects(self, content: bytes) -> None:
        """An object stream: pairs of a number and a place, then the objects."""
        pairs = re.match(rb"(?:\s*[0-9]{1,10}(?![0-9])){2,}", content)
        if pairs is None:
            return
        numbers = [int(number) for number in pairs[0].split()]
        first = pairs.end()
        places = list(zip(numbers[::2], numbers[1::2], strict=False))
        for index, (number, place) in enumerate(places):
            end = places[index + 1][1] if index + 1 < len(places) else len(content)
            self._add_object(number, content[first + place : first + min(end, place + _LONGEST_DICTIONARY)])

    def _add_object(self, number: int, content: bytes) -> None:
        if fonts := {name: int(font) for name, font in _FONT.findall(content)}:
            self._fonts[number] = fonts
        for referring in _REFERS.finditer(content):
            referred = [int(each) for each in _REFERENCE.findall(referring[2])]
            if referring[1] != b"Contents":
                self._refers.setdefault(number, []).extend(referred)
                continue
            for stream in referred:
                self._pages_of.setdefault(stream, []).append(number)
        if table := _TO_UNICODE.search(content):
            self._table_of_font[number] = int(table[1])
        elif _COMPOSITE.search(content):
            self.has_nameless_font = True

    def pages(self) -> Iterator[tuple[str, bytes]]:
        """The text of each stream that shows any, with a name for it."""
        for number, content in self._pages:
            text = "\n".join(line.text for line in self._lines(number, content) if not line.is_plain)
            if text.strip():
                yield f"object {number}", text.encode("utf-8", "surrogatepass")

    def _lines(self, number: int, content: bytes) -> Iterator[_Line]:
        fonts = self._fonts_of(number)
        line, tables, name = _Line(), list[Table](), b""
        strings: list[_String] = []
        for token in _TOKEN.finditer(content):
            if (string := _string_of(token)) is not None:
                strings.append(string)
                continue
            name = token["name"] or name
            operator = token["operator"]
            if operator == b"Tf":
                tables = self._tables_of(fonts.get(name, ()))
            elif operator is not None:
                if operator not in _SAME_LINE:
                    yield line
                    line = _Line()
                self._work -= sum(len(string.codes) for string in strings) * max(1, len(tables))
                if self._work < 0:
                    self.is_too_long = True
                    break
                line.add(strings, tables)
                strings = []
        yield line

    def _fonts_of(self, stream: int) -> dict[bytes, set[int]]:
        """The fonts of a stream by the names that it has for them.

        A page says which streams are its own and, itself or in an object that it refers to, which fonts.
        Where it cannot be told, they may be any of this name.
        """
        owners = [stream, *self._pages_of.get(stream, ())]
        for _ in range(2):
            owners += [each for owner in owners for each in self._refers.get(owner, ())][:_MOST_OWNERS]
        own = [self._fonts[owner] for owner in dict.fromkeys(owners) if owner in self._fonts]
        named: dict[bytes, set[int]] = {}
        for fonts in own or self._fonts.values():
            for name, font in fonts.items():
                named.setdefault(name, set()).add(font)
        return named

    def _tables_of(self, fonts: Iterable[int]) -> list[Table]:
        numbers = {self._table_of_font.get(font) for font in fonts}
        return [self._tables[number] for number in sorted(filter(None, numbers)) if number in self._tables]


class _String(NamedTuple):
    codes: bytes
    """Empty for a blank between two strings."""
    is_plain: bool
    """Whether the page has these bytes as they are."""


class _Line:
    """What is shown without going to another place in between."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.is_plain = True
        """Whether the page has its text in one piece, so that a search of the page's bytes finds it."""

    def add(self, strings: Sequence[_String], tables: Sequence[Table]) -> None:
        """Show strings, in a font with one of these tables."""
        for string in strings:
            self._parts.append(_decoded(string.codes, tables) if string.codes else " ")
            self.is_plain = self.is_plain and string.is_plain and not tables and len(self._parts) == 1

    @property
    def text(self) -> str:
        """Its characters."""
        return "".join(self._parts)


def _string_of(token: re.Match[bytes]) -> _String | None:
    if (literal := token["literal"]) is not None:
        return _String(_ESCAPE.sub(_escaped, literal), b"\\" not in literal)
    if token["hexadecimal"] is not None:
        return _String(_bytes_of(token["hexadecimal"]), is_plain=False)
    if token["number"] is not None and float(token["number"]) < _BLANK:
        return _String(b"", is_plain=False)
    return None


def _decoded(codes: bytes, tables: Iterable[Table]) -> str:
    for table in tables:
        if (text := table.decoded(codes)) is not None:
            return text
    return codes.decode("latin-1")


def _bytes_of(digits: bytes) -> bytes:
    joined = b"".join(digits.split()).decode("ascii")
    return bytes.fromhex(joined + "0" * (len(joined) % 2))


def _escaped(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    if escaped[0] in b"01234567":
        return bytes([int(escaped, 8) & 0xFF])
    return b"" if escaped in {b"\n", b"\r", b"\r\n"} else _ESCAPED.get(escaped, escaped)

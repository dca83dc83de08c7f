"""Tar archives, read from front to back: nothing is held but one header."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

from keyleak.containers.headers import TAR_MAGIC, adds_up, octal
from keyleak.containers.member import ContainerError, Flaw, Member, PieceReader

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK: Final = 512
_LONGEST_NAME: Final = 1 << 20
_PAX_FIELD: Final = re.compile(rb"[0-9]{1,9} (path|size)=([^\n]*)\n")
_FILES: Final = frozenset(b"0\x007")
_GNU_NAME, _PAX, _GNU_SPARSE = b"L", b"x", b"S"
# A header of a sparse file, and each that goes on with its list of pieces, says whether another one follows.
_SPARSE_GOES_ON, _LIST_GOES_ON = 482, 504
# The target of a link, and the names of owner and group.
_WORDS: Final = (slice(157, 257), slice(265, 297), slice(297, 329))
_LONG: Final = 1 << 20
HEADERS: Final = "names and other text of headers"
AFTER_END: Final = "behind the end of the archive"


def members(pieces: Iterator[bytes]) -> Iterator[Member | Flaw]:
    """Every member with content, what the headers say in words, and what stands behind the archive's end.

    Args:
        pieces: the archive.

    Raises:
        ContainerError: a header is damaged, or the archive ends early.
    """
    reader = PieceReader(pieces)
    texts = _Texts()
    try:
        yield from _members(reader, texts)
    except ContainerError:
        yield texts.take()
        raise
    yield texts.take()
    rest = PieceReader(_trailing(reader))
    if first := rest.read(1):
        yield Member(AFTER_END, chain((first,), rest.take_all()))


def _members(reader: PieceReader, texts: _Texts) -> Iterator[Member | Flaw]:
    name, size = None, None
    while header := reader.read(_BLOCK):
        if not header.strip(b"\0"):
            break
        if len(header) < _BLOCK or not (header[257:262] == TAR_MAGIC or adds_up(header)):
            raise ContainerError("has a damaged header, so what follows in it was not read")
        kind, length = header[156:157], _number(header[124:136])
        if kind in {_GNU_NAME, _PAX}:
            text = _text(reader, length)
            texts.add(text)
            if kind == _GNU_NAME:
                name = text.rstrip(b"\0")
            else:
                fields = dict(_PAX_FIELD.findall(text))
                name, size = fields.get(b"path", name), _decimal(fields.get(b"size"))
            continue
        texts.add(_name(header), *(header[field] for field in _WORDS))
        if texts.is_long:
            yield texts.take()
        if size is not None:
            length = size
        if kind == _GNU_SPARSE:
            _pass_over_list(reader, header)
        shown = (name if name is not None else _name(header)).decode("utf-8", "surrogateescape")
        name, size = None, None
        yield from _member(reader, kind, shown, length)


class _Texts:
    """What stands in headers, a line each: where the archive is compressed, nothing else shows it."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._length = 0

    def add(self, *texts: bytes) -> None:
        """Keep more."""
        for text in texts:
            if line := text.strip(b"\0"):
                self._lines.append(line)
                self._length += len(line)

    @property
    def is_long(self) -> bool:
        """Whether it is time to take it, before there is too much to hold."""
        return self._length >= _LONG

    def take(self) -> Member:
        """Everything that was added since, as a member."""
        text = b"\n".join(self._lines)
        self._lines, self._length = [], 0
        return Member(HEADERS, iter((text,)))


def _member(reader: PieceReader, kind: bytes, name: str, length: int) -> Iterator[Member | Flaw]:
    content = reader.take(length)
    if kind[0] in _FILES or kind in {_GNU_SPARSE, b"g", b"K"} or length:
        yield Member(name, content)
    for _ in content:
        pass  # what was not taken of it
    if padding := -length % _BLOCK:
        reader.read(padding)


def _pass_over_list(reader: PieceReader, header: bytes) -> None:
    goes_on = header[_SPARSE_GOES_ON] != 0
    while goes_on:
        more = reader.read(_BLOCK)
        goes_on = len(more) == _BLOCK and more[_LIST_GOES_ON] != 0


def _text(reader: PieceReader, length: int) -> bytes:
    if length > _LONGEST_NAME:
        raise ContainerError("has a name that is too long, so what follows in it was not read")
    text = b"".join(reader.take(length))
    reader.read(-length % _BLOCK)
    return text


def _name(header: bytes) -> bytes:
    name = header[:100].rstrip(b"\0")
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    number = octal(field)
    if number is None:
        raise ContainerError("has a damaged header, so what follows in it was not read")
    return number


def _decimal(digits: bytes | None) -> int | None:
    return int(digits) if digits and digits.isdigit() and len(digits) < 20 else None


def _trailing(reader: PieceReader) -> Iterator[bytes]:
    """What follows the zeros behind the last member."""
    started = False
    while block := reader.read(_BLOCK):
        started = started or bool(block.strip(b"\0"))
        if started:
            yield block

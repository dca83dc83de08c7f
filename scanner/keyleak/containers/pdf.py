"""PDF: the streams that are compressed, and the text that pages show (`pdf_text.py`)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from keyleak.containers.compression import decompressed
from keyleak.containers.formats import Format
from keyleak.containers.member import PIECE, ContainerError, Flaw, Member
from keyleak.containers.pdf_text import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator

_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n")
_OBJECT: Final = re.compile(rb"([0-9]{1,10})\s{1,4}[0-9]{1,5}\s{1,4}obj\b")
_FLATE: Final = re.compile(rb"/(?:FlateDecode|Fl)\b")
_ASCII85: Final = re.compile(rb"/(?:ASCII85Decode|A85)\b")
# Another filter outside the compression, or pictures: what is inflated then is no text.
_PICTURE: Final = re.compile(rb"/(?:Subtype\s{0,4}/Image|DCTDecode|JPXDecode|CCITTFaxDecode)\b")
_ENCRYPTED: Final = re.compile(rb"/Encrypt\s{1,4}[0-9]{1,10}\s{1,4}[0-9]{1,5}\s{1,4}R\b")
_PACKED: Final = re.compile(rb"/Type\s{0,4}/ObjStm\b")
# Filters that are hardly in use any more; what they hide is not known.
_OTHER_FILTER: Final = re.compile(rb"/(?:LZWDecode|LZW|RunLengthDecode|RL)\b")
_LONGEST_HEADER: Final = 2048
_LONGEST_PAGE: Final = 4 << 20


def members(content: bytes) -> Iterator[Member | Flaw]:
    """The content of every compressed stream, then the text of the pages.

    Args:
        content: the document.
    """
    if _ENCRYPTED.search(content):
        yield Flaw("streams", "are encrypted")
        return
    texts = Texts()
    texts.add_objects(content)
    for number, head, data in _streams(content):
        if _PICTURE.search(head):
            continue
        name = f"object {number}"
        if _OTHER_FILTER.search(head):
            yield Flaw(name, "has a filter that is not undone")
        elif _FLATE.search(head):
            held: list[bytes] = []
            yield Member(name, _pieces(data, held, is_text=bool(_ASCII85.search(head))))
            _add(texts, number, b"".join(held), is_packed=bool(_PACKED.search(head)))
        else:
            # As it is it has been searched with the document.
            _add(texts, number, data[:_LONGEST_PAGE], is_packed=False)
    for name, text in texts.pages():
        yield Member(name, iter((text,)))
    if texts.is_too_long:
        yield Flaw("text", "is too long to be held")
    if texts.has_nameless_font:
        yield Flaw("text", "is in a font that does not say which characters its glyphs are")


def _streams(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The number of each object with a stream, its dictionary and its data."""
    done = 0
    for stream in _STREAM.finditer(content):
        # What stands inside another stream's data is none.
        if stream.start() < done:
            continue
        head = content[max(done, stream.start() - _LONGEST_HEADER) : stream.start()]
        end = content.find(b"endstream", stream.end())
        done = end if end >= 0 else len(content)
        numbers = list(_OBJECT.finditer(head))
        if numbers:
            yield int(numbers[-1][1]), head[numbers[-1].end() :], content[stream.end() : done]


def _add(texts: Texts, number: int, content: bytes, *, is_packed: bool) -> None:
    if is_packed:
        texts.add_packed_objects(content)
    else:
        texts.add_stream(number, content)


def _pieces(data: bytes, held: list[bytes], *, is_text: bool) -> Iterator[bytes]:
    """A compressed stream; its beginning is also put into `held`."""
    if is_text:
        try:
            data = base64.a85decode(data.partition(b"~>")[0].strip())
        except ValueError as error:
            raise ContainerError("is damaged, so it was not read") from error
    length = 0
    for piece in decompressed(Format.ZLIB, (data[at : at + PIECE] for at in range(0, len(data), PIECE))):
        yield piece
        if length < _LONGEST_PAGE:
            held.append(piece)
        length += len(piece)

"""PDF: the streams that are compressed, and the text of a page whose strings are cut up for kerning."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from keyleak.containers.compression import decompressed
from keyleak.containers.formats import Format
from keyleak.containers.member import PIECE, ContainerError, Flaw, Member

if TYPE_CHECKING:
    from collections.abc import Iterator

_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n")
_OBJECT: Final = re.compile(rb"([0-9]{1,10})\s{1,4}[0-9]{1,5}\s{1,4}obj\b")
_FLATE: Final = re.compile(rb"/(?:FlateDecode|Fl)\b")
_ASCII85: Final = re.compile(rb"/(?:ASCII85Decode|A85)\b")
# Another filter outside the compression, or pictures: what is inflated then is no text.
_PICTURE: Final = re.compile(rb"/(?:Subtype\s{0,4}/Image|DCTDecode|JPXDecode|CCITTFaxDecode)\b")
_ENCRYPTED: Final = re.compile(rb"/Encrypt\s{1,4}[0-9]{1,10}\s{1,4}[0-9]{1,5}\s{1,4}R\b")
_ARRAY: Final = re.compile(rb"\[([^\[\]]{1,8192})\]\s{0,4}TJ")
_PART: Final = re.compile(rb"\(((?:[^()\\]|\\.)*)\)|<([0-9A-Fa-f\s]*)>")
_LONGEST_HEADER: Final = 2048
_LONGEST_PAGE: Final = 4 << 20


def members(content: bytes) -> Iterator[Member | Flaw]:
    """The content of every compressed stream.

    Args:
        content: the document.
    """
    if _ENCRYPTED.search(content):
        yield Flaw("streams", "are encrypted")
        return
    done = 0
    for stream in _STREAM.finditer(content):
        # What stands inside another stream's data is none.
        if stream.start() < done:
            continue
        head = content[max(done, stream.start() - _LONGEST_HEADER) : stream.start()]
        done = stream.end()
        numbers = list(_OBJECT.finditer(head))
        head = head[numbers[-1].end() :] if numbers else b""
        if not _FLATE.search(head) or _PICTURE.search(head):
            continue
        end = content.find(b"endstream", stream.end())
        done = end if end >= 0 else len(content)
        data = content[stream.end() : done]
        yield Member(f"object {numbers[-1][1].decode()}", _pieces(data, is_text=bool(_ASCII85.search(head))))


def _pieces(data: bytes, *, is_text: bool) -> Iterator[bytes]:
    if is_text:
        try:
            data = base64.a85decode(data.partition(b"~>")[0].strip())
        except ValueError as error:
            raise ContainerError("is damaged, so it was not read") from error
    held: list[bytes] = []
    inflated = decompressed(Format.ZLIB, (data[at : at + PIECE] for at in range(0, len(data), PIECE)))
    for piece in inflated:
        yield piece
        if sum(map(len, held)) < _LONGEST_PAGE:
            held.append(piece)
    text = b"\n".join(_joined(array[1]) for array in _ARRAY.finditer(b"".join(held)))
    if text:
        yield b"\n" + text


def _joined(array: bytes) -> bytes:
    """The strings of an array behind one another."""
    parts = []
    for part in _PART.finditer(array):
        digits = b"".join((part[2] or b"").split()).decode()
        parts.append(bytes.fromhex(digits + "0" * (len(digits) % 2)) if digits else part[1] or b"")
    return b"".join(parts)

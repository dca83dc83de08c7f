"""Ar archives: static libraries, Debian packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.containers.member import ContainerError, Member, PieceReader

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60
_LONGEST_NAME: Final = 4096


def members(pieces: Iterator[bytes]) -> Iterator[Member]:
    """Every member.

    Args:
        pieces: the archive.

    Raises:
        ContainerError: a header is damaged, or the archive ends early.
    """
    reader = PieceReader(pieces)
    reader.read(len(_MAGIC))
    while header := reader.read(_HEADER):
        digits = header[48:58].strip()
        if len(header) < _HEADER or header[58:] != b"`\n" or not digits.isdigit():
            raise ContainerError("has a damaged header, so what follows in it was not read")
        length = int(digits)
        name = header[:16].rstrip(b" ")
        content_length = length
        if name.startswith(b"#1/") and name[3:].isdigit() and int(name[3:]) <= min(length, _LONGEST_NAME):
            # BSD writes a long name in front of the content.
            content_length -= int(name[3:])
            name = reader.read(int(name[3:])).rstrip(b"\0")
        content = reader.take(content_length)
        yield Member(name.rstrip(b"/").decode("utf-8", "surrogateescape") or "/", content)
        for _ in content:
            pass  # what was not taken of it
        reader.read(length % 2)

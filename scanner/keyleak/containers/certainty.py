"""Whether what begins like a container in an encoded text is one.

Text is full of such beginnings that are none: examples, prefixes to compare with, other data that happens to
decode to those bytes. What does not open there is no container, unless too much of it speaks for one.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from keyleak.containers import zip_archive
from keyleak.containers.compression import decompressed
from keyleak.containers.formats import Format
from keyleak.containers.member import ContainerError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Data that is no stream fails long before so much has come out of it.
_OUTPUT: Final = 512
# Examples of headers are shorter.
_INPUT: Final = 1024
_PIECE: Final = 4096
# Streams whose headers no other data has, by a checksum or by their length.
_TOLD_BY_HEADER: Final = frozenset({Format.XZ, Format.BZIP2})


def is_certain(form: Format, content: bytes) -> bool:
    """Whether an encoded content is a container beyond doubt, so that what cannot be read of it is missing.

    It is one that opens, one of which a good part came out, or one that is long and has a header that no
    other data has.

    Args:
        form: what it was recognised as.
        content: what the text says, decoded.
    """
    if form is Format.ZIP:
        return len(content) >= _INPUT or _is_listed(content)
    return (form in _TOLD_BY_HEADER and len(content) >= _INPUT) or _comes_out(form, content)


def _is_listed(content: bytes) -> bool:
    try:
        next(zip_archive.members(io.BytesIO(content)), None)
    except ContainerError:
        return False
    return True


def _comes_out(form: Format, content: bytes) -> bool:
    count = 0
    try:
        for piece in decompressed(form, _pieces(content)):
            count += len(piece)
            if count >= _OUTPUT:
                break
    except ContainerError:
        return False
    return True


def _pieces(content: bytes) -> Iterator[bytes]:
    return (content[at : at + _PIECE] for at in range(0, len(content), _PIECE))

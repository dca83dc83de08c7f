"""Whether what begins like a container in an encoded text is one.

Text is full of such beginnings that are none: examples, prefixes to compare with, other data that happens to
decode to those bytes. What does not open there is no container, unless too much of it speaks for one.
"""

from __future__ import annotations

import io
import struct
import zlib
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
_XZ_HEADER: Final = struct.Struct("<6s2sL")
# Name, version needed, flags, method, time, date, checksum, sizes, lengths of name and extra (APPNOTE 4.3.7).
_ZIP_HEADER: Final = struct.Struct("<4s5H3L2H")
_ZIP_VERSIONS: Final = range(10, 64)
_ZIP_METHODS: Final = frozenset({0, 1, 6, 8, 9, 12, 14, 93, 95, 99})


def is_certain(form: Format, content: bytes) -> bool:
    """Whether an encoded content is a container beyond doubt, so that what cannot be read of it is missing.

    It is one that opens, one of which a good part came out, or one that is long and has a header that no
    other data has.

    Args:
        form: what it begins like.
        content: what the text says, decoded.
    """
    if form is Format.ZIP:
        return _is_listed(content) or (len(content) >= _INPUT and _has_zip_header(content))
    return _comes_out(form, content) or (len(content) >= _INPUT and _has_stream_header(form, content))


def _is_listed(content: bytes) -> bool:
    try:
        next(zip_archive.members(io.BytesIO(content)), None)
    except ContainerError:
        return False
    return True


def _has_zip_header(content: bytes) -> bool:
    _, version, _, method, *_, name, extra = _ZIP_HEADER.unpack_from(content)
    has_name = 0 < name < len(content) - _ZIP_HEADER.size - extra
    return (
        content.startswith(b"PK\x03\x04") and has_name and version in _ZIP_VERSIONS and method in _ZIP_METHODS
    )


def _has_stream_header(form: Format, content: bytes) -> bool:
    if form is Format.XZ:
        _, flags, checksum = _XZ_HEADER.unpack_from(content)
        return bool(zlib.crc32(flags) == checksum)
    # Ten bytes of it are the same in every file.
    return form is Format.BZIP2


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

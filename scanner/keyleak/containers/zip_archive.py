"""Zip and its family: jar, whl, docx, xlsx, apk, ipa, xpi, nupkg."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Final

from keyleak.containers.headers import ZIP_END
from keyleak.containers.member import PIECE, ContainerError, Flaw, Member

if TYPE_CHECKING:
    from collections.abc import Iterator

# The list of members is held in memory: some hundred thousand names.
_LONGEST_LIST: Final = 32 << 20
_END: Final = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT: Final = 65_535
_ENCRYPTED: Final = 0x1
# Whatever a made-up archive makes `zipfile` and the decompressors under it raise.
_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
    MemoryError,
)


def members(stream: IO[bytes]) -> Iterator[Member | Flaw]:
    """Every member of an archive.

    Args:
        stream: the archive; must be seekable.

    Raises:
        ContainerError: its list of members cannot be read.
    """
    try:
        _check_list(stream)
        archive = zipfile.ZipFile(stream)
    except _ERRORS as error:
        raise ContainerError(f"is no readable zip archive ({_said(error)})") from error
    for info in archive.infolist():
        if info.flag_bits & _ENCRYPTED:
            yield Flaw(info.filename, "is encrypted")
        elif info.file_size or not info.filename.endswith("/"):
            yield Member(info.filename, _pieces(archive, info))


def ends(stream: IO[bytes]) -> bool:
    """Whether an archive stands at the end of something else: a program that unpacks itself, a zipped script.

    Args:
        stream: what it may stand in; must be seekable.
    """
    length = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, length - _END.size - _LONGEST_COMMENT))
    tail = stream.read()
    at = tail.rfind(ZIP_END)
    if at < 0 or len(tail) - at < _END.size:
        return False
    list_length = _END.unpack_from(tail, at)[5]
    begins = length - len(tail) + at - list_length
    stream.seek(max(0, begins))
    return begins >= 0 and stream.read(4) == b"PK\x01\x02"


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as member:
            while piece := member.read(PIECE):
                yield piece
    except ContainerError:
        raise
    except _ERRORS as error:
        raise ContainerError(f"is damaged ({_said(error)})", info.filename) from error


def _check_list(stream: IO[bytes]) -> None:
    length = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, length - _END.size - _LONGEST_COMMENT))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at >= 0 and len(tail) - at >= _END.size and _END.unpack_from(tail, at)[5] > _LONGEST_LIST:
        raise ContainerError("has a list of members that is too long to be held")


def _said(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:80]

"""Fields that stand behind the magic numbers: what tells a container from a text that speaks of one.

Each function takes the first bytes of a content that begins with the magic number.
"""

from __future__ import annotations

import binascii
import struct
from typing import Final

TAR_MAGIC: Final = b"ustar"
TAR_MAGIC_END: Final = 262
ZIP_END: Final = b"PK\x05\x06\0\0\0\0"
"""What the end of a zip archive begins with, where it is all in one file."""
ZIP_END_REACH: Final = 65_557
"""It begins at most so many bytes before the last one of the file."""
_TAR_BLOCK: Final = 512
# With its version, as POSIX and GNU write it (tar(5)).
_TAR_VERSIONS: Final = frozenset({b"ustar\x0000", b"ustar  \0"})
# The upper flags are reserved (RFC 1952, 2.3.1).
_GZIP_HEADER, _GZIP_RESERVED = 10, 0xE0
# RFC 8878, 3.1.1.1.1.4.
_ZSTD_HEADER, _ZSTD_RESERVED = 6, 0x08
_LZMA_HEADER: Final = struct.Struct("<BLQ")
_LEAST_DICTIONARY, _LONGEST_LZMA, _UNKNOWN_LENGTH = 1 << 12, 1 << 40, (1 << 64) - 1
_LZ4_FLAGS: Final = 4
_XZ_HEADER: Final = struct.Struct("<6s2sL")
# Name, version needed, flags, method, time, date, checksum, sizes, lengths of name and extra (APPNOTE 4.3.7).
_ZIP_MEMBER: Final = struct.Struct("<4s5H3L2H")
_ZIP_SPANNED: Final = b"PK\x07\x08"
_ZIP_VERSIONS: Final = range(64)
_ZIP_METHODS: Final = frozenset({*range(15), 16, 18, 19, *range(93, 100)})
_AR_MAGIC, _AR_HEADER = 8, slice(66, 68)
# Fractions that have never had another value (https://www.sqlite.org/fileformat2.html, 1.3).
_SQLITE_FRACTIONS: Final = b"\x40\x20\x20"
_SQLITE_LOG_VERSION: Final = (3_007_000).to_bytes(4, "big")


def gzip(beginning: bytes) -> bool:
    """Whether no reserved flag is set."""
    return len(beginning) >= _GZIP_HEADER and not beginning[3] & _GZIP_RESERVED


def xz(beginning: bytes) -> bool:
    """Whether the checksum of its flags is right."""
    if len(beginning) < _XZ_HEADER.size:
        return False
    _, flags, checksum = _XZ_HEADER.unpack_from(beginning)
    return binascii.crc32(flags) == int(checksum)


def zstd(beginning: bytes) -> bool:
    """Whether the reserved bit is not set; of a frame that is skipped nothing more is known."""
    if beginning[1:4] == b"\x2a\x4d\x18":
        return True
    return len(beginning) >= _ZSTD_HEADER and not beginning[4] & _ZSTD_RESERVED


def zip_member(beginning: bytes) -> bool:
    """Whether the first member has a version and a method that there are; an archive may have none."""
    beginning = beginning.removeprefix(_ZIP_SPANNED)
    if not beginning.startswith(b"PK\x03\x04"):
        return True
    if len(beginning) < _ZIP_MEMBER.size:
        return False
    _, version, _, method, *_ = _ZIP_MEMBER.unpack_from(beginning)
    # The upper byte names the system it was made on, where a program writes it here too.
    return version & 0xFF in _ZIP_VERSIONS and method in _ZIP_METHODS


def tar(beginning: bytes) -> bool:
    """Whether it has a magic number that is no text, or one and a checksum that is right."""
    start = TAR_MAGIC_END - len(TAR_MAGIC)
    if beginning[start:TAR_MAGIC_END] != TAR_MAGIC:
        return False
    return beginning[start : start + 8] in _TAR_VERSIONS or adds_up(beginning[:_TAR_BLOCK])


def adds_up(header: bytes) -> bool:
    """Whether the checksum of a tar header is right: of bytes, or of signed ones, as old programs do."""
    checksum = octal(header[148:156])
    counted = header[:148] + header[156:]
    total = sum(counted) + 8 * 0x20
    return checksum in {total, total - 256 * sum(byte >= 0x80 for byte in counted)}


def octal(field: bytes) -> int | None:
    """A number as tar headers write it; None for what is none."""
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None


def ar(beginning: bytes) -> bool:
    """Whether it has no member, or a first one whose header ends as they do."""
    return len(beginning) == _AR_MAGIC or beginning[_AR_HEADER] == b"`\n"


def sqlite(beginning: bytes) -> bool:
    """Whether the fractions that never change are there."""
    return beginning[21:24] == _SQLITE_FRACTIONS


def sqlite_log(beginning: bytes) -> bool:
    """Whether it has the one version that there is."""
    return beginning[4:8] == _SQLITE_LOG_VERSION


def lzma_alone(beginning: bytes) -> bool:
    """Whether size of dictionary and length are such as encoders write (lzma-file-format.txt, 1.1)."""
    if len(beginning) < _LZMA_HEADER.size + 1 or beginning[_LZMA_HEADER.size]:
        return False
    _, dictionary, length = _LZMA_HEADER.unpack_from(beginning)
    is_size = dictionary >= _LEAST_DICTIONARY and dictionary & (dictionary - 1) == 0
    return bool(is_size and (length == _UNKNOWN_LENGTH or length < _LONGEST_LZMA))


def lz4(beginning: bytes) -> bool:
    """Whether it has the one version that there is, and no reserved bit (lz4_Frame_format.md)."""
    return len(beginning) > _LZ4_FLAGS and beginning[_LZ4_FLAGS] & 0xC2 == 0x40


def utf16(beginning: bytes) -> bool:
    """Whether it is text: it has ASCII characters, and no character is zero."""
    order = "little" if beginning.startswith(b"\xff\xfe") else "big"
    high = beginning[3 if order == "little" else 2 :: 2]
    low = beginning[2 if order == "little" else 3 :: 2]
    return 2 * high.count(0) >= len(high) > 0 and 0 not in low


def utf32(beginning: bytes) -> bool:
    """Whether it begins with two characters of ASCII."""
    return beginning[5:8] == beginning[9:12] == b"\0\0\0" and beginning[4:5] > b"\0"

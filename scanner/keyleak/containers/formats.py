"""Containers by their first bytes, never by their names."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.containers.headers import (
    ar,
    gzip,
    lz4,
    lzma_alone,
    sqlite,
    sqlite_log,
    tar,
    utf16,
    utf32,
    xz,
    zip_member,
    zstd,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Format(Enum):
    """A format that is opened; compressed streams by the name that locations use."""

    GZIP = "gzip"
    ZLIB = "zlib"
    BZIP2 = "bz2"
    XZ = "xz"
    ZSTD = "zstd"
    LZMA = "lzma"
    LZIP = "lzip"
    UTF16 = "utf-16"
    UTF32 = "utf-32"
    ZIP = "zip"
    TAR = "tar"
    AR = "ar"
    PDF = "PDF"
    SQLITE = "SQLite"
    SQLITE_LOG = "SQLite write-ahead log"
    SQLITE_JOURNAL = "SQLite rollback journal"
    PYC = "pyc"
    JAVA_CLASS = "Java class"
    NOTEBOOK = "notebook"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    LZ4 = "lz4"
    SNAPPY = "snappy"
    COMPRESS = "compress (.Z)"
    CABINET = "cabinet"

    @property
    def is_opened(self) -> bool:
        """Whether it can be opened; if not, somebody has to unpack it before it can be scanned."""
        return self not in _UNOPENED

    @property
    def advice(self) -> str:
        """What to do about one that is not opened."""
        return f"is not opened ({self.value}): unpack it and scan what comes out"

    @property
    def is_compression(self) -> bool:
        """Whether it holds one content without a name."""
        return self in _COMPRESSIONS

    @property
    def is_sequential(self) -> bool:
        """Whether it can be read from front to back without being held."""
        # Text may begin like zlib, of which two bytes tell: it is held, so that it can be read as text too.
        return self is not Format.ZLIB and (self in _COMPRESSIONS or self in _SEQUENTIAL)

    @property
    def is_text(self) -> bool:
        """Whether it is text whose plain keys are found without opening it."""
        return self in _TEXTS


_COMPRESSIONS: Final = frozenset(
    {Format.GZIP, Format.ZLIB, Format.BZIP2, Format.XZ, Format.ZSTD, Format.LZMA, Format.LZIP}
)
_TEXTS: Final = frozenset({Format.UTF16, Format.UTF32})
_SEQUENTIAL: Final = frozenset({Format.TAR, Format.AR, *_TEXTS})
# What opens them takes native code of its own for each, on whatever a stranger made.
_UNOPENED: Final = frozenset(
    {Format.SEVEN_ZIP, Format.RAR, Format.LZ4, Format.SNAPPY, Format.COMPRESS, Format.CABINET}
)

LEADS: Final = frozenset({
    b"\x1f\x8b", b"BZ", b"\xfd7", b"\x28\xb5", b"PK", b"!<", b"%P", b"SQ", b"7\x7f", b"\xd9\xd5",
    b"x\x01", b"x\x5e", b"x\x9c", b"x\xda", b"]\0",
    b"LZ", b"7z", b"Ra", b"\x04\x22", b"\xff\x06", b"\x1f\x9d", b"MS", b"\xff\xfe",
    b"\xfe\xff", *(bytes([kind]) + b"\x2a" for kind in range(0x50, 0x60)),
})  # fmt: skip
"""The first two bytes of every format that is opened though no anchor stands in it; cheap to look for."""

MAGIC: Final[dict[bytes, Format]] = {
    b"\x1f\x8b\x08": Format.GZIP,
    b"\xfd7zXZ\0": Format.XZ,
    b"\x28\xb5\x2f\xfd": Format.ZSTD,
    b"PK\x03\x04": Format.ZIP,
    b"PK\x05\x06": Format.ZIP,
    b"PK\x07\x08PK\x03\x04": Format.ZIP,
    b"!<arch>\n": Format.AR,
    b"%PDF-": Format.PDF,
    b"SQLite format 3\0": Format.SQLITE,
    b"\x37\x7f\x06\x82": Format.SQLITE_LOG,
    b"\x37\x7f\x06\x83": Format.SQLITE_LOG,
    b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7": Format.SQLITE_JOURNAL,
    b"x\x01": Format.ZLIB,
    b"x\x5e": Format.ZLIB,
    b"x\x9c": Format.ZLIB,
    b"x\xda": Format.ZLIB,
    **{b"BZh%d1AY&SY" % level: Format.BZIP2 for level in range(1, 10)},
    # Frames that a decompressor skips, which some compressors write first (RFC 8878, 3.1.2).
    **{bytes([kind]) + b"\x2a\x4d\x18": Format.ZSTD for kind in range(0x50, 0x60)},
    b"]\0\0": Format.LZMA,
    b"LZIP\x01": Format.LZIP,
    b"7z\xbc\xaf\x27\x1c\0": Format.SEVEN_ZIP,
    b"Rar!\x1a\x07\0": Format.RAR,
    b"Rar!\x1a\x07\x01\0": Format.RAR,
    b"\x04\x22\x4d\x18": Format.LZ4,
    b"\xff\x06\0\0sNaPpY": Format.SNAPPY,
    b"\x1f\x9d\x90": Format.COMPRESS,
    b"MSCF\0\0\0\0": Format.CABINET,
    b"\xff\xfe\0\0": Format.UTF32,
    b"\xff\xfe": Format.UTF16,
    b"\xfe\xff": Format.UTF16,
}
BEGINNING: Final = 512
"""Bytes that tell every format."""

_HEADERS: Final[Mapping[Format, Callable[[bytes], bool]]] = {
    Format.GZIP: gzip,
    Format.XZ: xz,
    Format.ZSTD: zstd,
    Format.ZIP: zip_member,
    Format.TAR: tar,
    Format.AR: ar,
    Format.SQLITE: sqlite,
    Format.SQLITE_LOG: sqlite_log,
    Format.LZMA: lzma_alone,
    Format.LZ4: lz4,
    Format.UTF16: utf16,
    Format.UTF32: utf32,
}
# A static library begins with a list of symbols. Its members are object files, in which keys stand plainly.
_LIBRARY: Final = b"!<arch>\n/ "
_ARCHIVE: Final = b"!<arch>\n"
_PYC_END: Final = b"\r\n"
_PYC_HEADERS: Final = (16, 12, 8)  # of Python 3.7, 3.3 and 2
_JAVA_CLASS: Final = b"\xca\xfe\xba\xbe"


def recognise(beginning: bytes) -> Format | None:
    """The format of a content by its first bytes, or None for one that is not opened.

    A magic number with a header that cannot be is none: it stands in a text, or in a file made to hold it.
    """
    if beginning.startswith(_LIBRARY):
        return None
    if beginning[:2] in LEADS:
        for magic, form in MAGIC.items():
            if beginning.startswith(magic):
                return form if has_sound_header(form, beginning) else None
    return Format.TAR if has_sound_header(Format.TAR, beginning) else None


def has_sound_header(form: Format, beginning: bytes) -> bool:
    """Whether the fields behind the magic number are those of the format."""
    is_sound = _HEADERS.get(form)
    return is_sound is None or is_sound(beginning)


def recognise_text(content: bytes) -> Format | None:
    """Formats whose keys stand plainly in them, so that only a content with anchors is asked about."""
    if content.startswith(_ARCHIVE) and has_sound_header(Format.AR, content):
        return Format.AR
    if content[2:4] == _PYC_END and any(content[at : at + 1] in {b"\xe3", b"\x63"} for at in _PYC_HEADERS):
        return Format.PYC
    if content.startswith(_JAVA_CLASS):
        return Format.JAVA_CLASS
    if content.lstrip()[:1] == b"{" and b'"nbformat"' in content and b'"cells"' in content:
        return Format.NOTEBOOK
    return None

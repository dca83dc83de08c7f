"""Compressed streams, piece by piece, so that a bomb is noticed before it has gone off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from isal import isal_zlib

from keyleak.containers.formats import Format
from keyleak.containers.member import PIECE, ContainerError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a decompressor may take: `xz -9` needs 65 MiB, `zstd --ultra -22` 128 MiB.
_MEMORY: Final = 256 << 20
# Bytes that come out at a time: most members come whole, and nothing has to be put together.
_OUTPUT: Final = 4 << 20
_InflateError: Final[type[Exception]] = isal_zlib.error  # type: ignore[assignment]  # its stub says instance
# Four bytes of a zstd stream may stand for a block of 128 KiB.
_ZSTD_INPUT: Final = 256
_FRAME_HEADER, _SKIPPED = 8, 0x50
_LZIP_HEADER, _LZIP_TRAILER = 6, 20
# What another stream behind the first begins with.
_AGAIN: Final = {
    Format.BZIP2: b"BZh",
    Format.XZ: b"\xfd7zXZ",
    Format.LZMA: b"]\0\0",
    Format.LZIP: b"]",
}
_DAMAGED: Final = "is damaged, so what follows in it was not read"


class _Decompressor(Protocol):
    """`bz2.BZ2Decompressor` and `lzma.LZMADecompressor`."""

    eof: bool
    unused_data: bytes
    needs_input: bool

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so much more."""


def decompressed(form: Format, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What a compressed stream holds, in pieces.

    Args:
        form: how it is compressed.
        pieces: the stream.

    Raises:
        ContainerError: it is damaged or ends early.
    """
    if form in {Format.GZIP, Format.ZLIB}:
        return _inflated(pieces, 31 if form is Format.GZIP else 15)
    if form is Format.ZSTD:
        return _zstd(pieces)
    return _blocks(form, _as_lzma(pieces) if form is Format.LZIP else pieces)


def unpacked(form: Format, content: bytes, limit: int) -> bytes | None:
    """What a compressed text says; None for one that says more than `limit` bytes, and for a damaged one."""
    parts, length = [], 0
    try:
        for piece in decompressed(form, iter((content,))):
            parts.append(piece)
            length += len(piece)
            if length > limit:
                return None
    except ContainerError:
        return None
    return b"".join(parts)


def _inflated(pieces: Iterator[bytes], bits: int) -> Iterator[bytes]:
    inflate = isal_zlib.decompressobj(bits)
    rest = b""
    try:
        while data := rest or next(pieces, b""):
            if inflate.eof:
                # gzip files may be joined; zeros pad them on tapes, and what else follows is none of theirs.
                data = data.lstrip(b"\0")
                if data and not data.startswith(b"\x1f"):
                    return
                inflate, rest = (isal_zlib.decompressobj(bits), data) if data else (inflate, b"")
                continue
            yield inflate.decompress(data, _OUTPUT)
            rest = inflate.unconsumed_tail or inflate.unused_data
        if last := inflate.flush():
            yield last
    except _InflateError as error:
        raise ContainerError(_DAMAGED) from error
    if not inflate.eof:
        raise ContainerError("ends early")


def _blocks(form: Format, pieces: Iterator[bytes]) -> Iterator[bytes]:
    # Each is loaded only where it is met; no scan needs them otherwise.
    import bz2  # noqa: PLC0415
    import lzma  # noqa: PLC0415

    def new() -> _Decompressor:
        if form is Format.BZIP2:
            return cast("_Decompressor", bz2.BZ2Decompressor())
        kind = lzma.FORMAT_XZ if form is Format.XZ else lzma.FORMAT_ALONE
        return cast("_Decompressor", lzma.LZMADecompressor(kind, memlimit=_MEMORY))

    decompressor, data = new(), next(pieces, b"")
    try:
        while data or not decompressor.needs_input:
            yield decompressor.decompress(data, PIECE)
            if decompressor.eof:
                data = (decompressor.unused_data or next(pieces, b"")).lstrip(b"\0")
                if form is Format.LZIP:
                    data = _next_lzip(decompressor.unused_data, pieces)
                if not data.startswith(_AGAIN[form]):
                    return
                decompressor = new()
            else:
                data = next(pieces, b"") if decompressor.needs_input else b""
    except (OSError, lzma.LZMAError, EOFError, ValueError) as error:
        raise ContainerError(_DAMAGED) from error
    if not decompressor.eof:
        raise ContainerError("ends early")


def _as_lzma(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A stream of lzip as one of lzma, whose header it has in other words (https://www.nongnu.org/lzip/)."""
    yield from _lzma_header(b"", pieces)
    yield from pieces


def _lzma_header(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    while len(first) < _LZIP_HEADER and (piece := next(pieces, b"")):
        first += piece
    if len(first) < _LZIP_HEADER:
        return
    coded = first[_LZIP_HEADER - 1]
    size = 1 << (coded & 0x1F)
    size -= (size >> 4) * (coded >> 5)
    yield b"]" + size.to_bytes(4, "little") + b"\xff" * 8 + first[_LZIP_HEADER:]


def _next_lzip(rest: bytes, pieces: Iterator[bytes]) -> bytes:
    """The next of several joined streams, behind checksum and sizes of the one before; none at the end."""
    while len(rest) < _LZIP_TRAILER + _LZIP_HEADER and (piece := next(pieces, b"")):
        rest += piece
    rest = rest[_LZIP_TRAILER:]
    return next(_lzma_header(rest, pieces), b"") if rest.startswith(b"LZIP") else b""


def _zstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415

    def new() -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(max_window_size=_MEMORY >> 1).decompressobj()

    decompressor, data = new(), _without_skipped(next(pieces, b""), pieces)
    try:
        while data:
            # It gives back all that its input says, so that little is put in at a time.
            yield decompressor.decompress(data[:_ZSTD_INPUT])
            data = data[_ZSTD_INPUT:]
            if decompressor.eof:
                data = _without_skipped(decompressor.unused_data + data, pieces)
                if not data.startswith(b"\x28\xb5\x2f\xfd"):
                    return
                decompressor = new()
            data = data or next(pieces, b"")
    except zstandard.ZstdError as error:
        raise ContainerError(_DAMAGED) from error
    if not decompressor.eof:
        raise ContainerError("ends early")


def _without_skipped(data: bytes, pieces: Iterator[bytes]) -> bytes:
    """What follows the frames that are to be skipped."""
    while True:
        while len(data) < _FRAME_HEADER and (piece := next(pieces, b"")):
            data += piece
        if data[1:4] != b"\x2a\x4d\x18" or data[0] & 0xF0 != _SKIPPED:
            return data
        length = _FRAME_HEADER + int.from_bytes(data[4:_FRAME_HEADER], "little")
        while len(data) < length and (piece := next(pieces, b"")):
            length, data = length - len(data), piece
        data = data[length:]

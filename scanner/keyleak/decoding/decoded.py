"""A piece of text with an encoding undone, and how to get back to where it stood."""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.records import dataclass

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

# How far an encoded text is followed from its anchor, in either direction. A longer one is decoded in parts,
# so that what is found does not depend on where the window of a huge content begins.
REACH: Final = 8192
DEEPEST: Final = 8
"""Encodings and containers one inside the other. Archives that hold themselves never end otherwise."""


class Step(Enum):
    """An encoding that was undone, as locations name it."""

    BASE64 = "base64"
    HEX = "hex"
    PERCENT = "percent"
    ESCAPE = "escape"
    HTML = "html"
    QUOTED_PRINTABLE = "quoted-printable"
    UTF16 = "utf-16"
    BYTES = "byte list"
    GZIP = "gzip"
    ZLIB = "zlib"
    BZIP2 = "bz2"
    XZ = "xz"
    ZSTD = "zstd"
    LZMA = "lzma"


PACKED: Final = frozenset({Step.GZIP, Step.ZLIB, Step.BZIP2, Step.XZ, Step.ZSTD, Step.LZMA})
"""Steps that decompress."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an encoded text says."""

    step: Step
    data: bytes
    start: int
    """Offset of the encoded text."""
    end: int
    segments: tuple[tuple[int, int], ...]
    """Index in `data` and offset in the text where each evenly encoded part begins, in order."""
    ratio: tuple[int, int] = (1, 1)
    """Characters for bytes within a part: 4 for 3 in base64."""
    whole: bool = False
    """Whether `start` is where the encoded text begins: then that is its place, else each byte has one."""

    def origin(self, index: int) -> int:
        """Offset of the text that encodes `data[index]`."""
        first, offset = self.segments[max(0, bisect_right(self.segments, (index, 1 << 62)) - 1)]
        characters, count = self.ratio
        return offset + (index - first) * characters // count

    def place(self, index: int) -> int:
        """Offset that tells a reader where `data[index]` stands."""
        return self.start if self.whole else self.origin(index)


def substituted(
    step: Step,
    text: bytes,
    span: tuple[int, int],
    pattern: re.Pattern[bytes],
    value: Callable[[re.Match[bytes]], bytes],
) -> Decoded | None:
    """The text of a span with every escape replaced; None where it holds none.

    Args:
        step: the encoding.
        text: what the escapes stand in.
        span: where to look.
        pattern: an escape.
        value: what an escape stands for.
    """
    start, end = span
    pieces: list[bytes] = []
    segments = [(0, start)]
    length, copied = 0, start
    for escape in pattern.finditer(text, start, end):
        plain = text[copied : escape.start()]
        said = value(escape)
        length += len(plain)
        segments.append((length, escape.start()))
        length += len(said)
        segments.append((length, escape.end()))
        pieces += (plain, said)
        copied = escape.end()
    if copied == start:
        return None
    pieces.append(text[copied:end])
    return Decoded(step, b"".join(pieces), start, end, tuple(segments))


def line_around(text: bytes, start: int, end: int) -> tuple[int, int]:
    """The line, or as much of it as is within reach."""
    left = max(0, start - REACH)
    right = min(len(text), end + REACH)
    before = max(text.rfind(b"\n", left, start), text.rfind(b"\r", left, start))
    breaks = [at for at in (text.find(b"\n", end, right), text.find(b"\r", end, right)) if at >= 0]
    return (before + 1 if before >= 0 else left), min(breaks, default=right)

"""Lines and columns of byte offsets, for content that is read whole or in windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_UTF8_BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class LineStart:
    """Where the line begins that a content or window begins in."""

    line: int = 1
    break_at: int = -1
    """Offset in the whole content of the last line break, or what stands for it before the first line."""
    wide_break_at: int = -2
    """The same for UTF-16, where a line break is two bytes."""

    def after(self, content: bytearray, stop: int, base: int) -> LineStart:
        """The same for the offset `stop` further on in a window that begins at `base`."""
        last = content.rfind(b"\n", 0, stop)
        if last < 0:
            return self
        return LineStart(self.line + content.count(b"\n", 0, stop), base + last, base + last)


def first_line(beginning: bytes) -> LineStart:
    """The start of a content, past a byte order mark."""
    if beginning.startswith(_UTF8_BOM):
        return LineStart(break_at=len(_UTF8_BOM) - 1)
    if beginning.startswith(_UTF16_BOMS):
        return LineStart(wide_break_at=0)
    return LineStart()


def line_and_column(
    window: bytes, start: int, base: int, line_start: LineStart, *, wide: bool
) -> tuple[int, int]:
    """1-based line and column of an offset in a window.

    The column counts bytes; in UTF-16 it counts code units.

    Args:
        window: the content, or a window of it.
        start: offset in the window.
        base: where the window begins in the content.
        line_start: where the window's first line begins.
        wide: whether the key there is UTF-16.
    """
    last = window.rfind(b"\n", 0, start)
    if last < 0:
        line = line_start.line
        before = line_start.wide_break_at if wide else line_start.break_at
    else:
        line, before = line_start.line + window.count(b"\n", 0, start), base + last
    distance = base + start - before
    return line, max(1, distance // 2 if wide else distance)

"""Lines and columns of byte offsets, for content that is read whole or in windows."""

from __future__ import annotations

from typing import Final

from keyleak.records import dataclass

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

    def after(self, content: bytes, base: int) -> LineStart:
        """The same for what follows a piece of content that begins at `base`."""
        last = content.rfind(b"\n")
        if last < 0:
            return self
        return LineStart(self.line + content.count(b"\n"), base + last, base + last)


def first_line(beginning: bytes) -> LineStart:
    """The start of a content, past a byte order mark."""
    if beginning.startswith(_UTF8_BOM):
        return LineStart(break_at=len(_UTF8_BOM) - 1)
    if beginning.startswith(_UTF16_BOMS):
        return LineStart(wide_break_at=0)
    return LineStart()


class LineFinder:
    """Lines and columns of offsets in a window; asked in ascending order, each byte is counted once."""

    def __init__(self, window: bytes, base: int, line_start: LineStart) -> None:
        """Begin at the window's first byte.

        Args:
            window: the content, or a window of it.
            base: where the window begins in the content.
            line_start: where the window's first line begins.
        """
        self._window = window
        self._base = base
        self._first = line_start
        self._begin_again()

    def _begin_again(self) -> None:
        self._line = self._first.line
        self._break_at = self._first.break_at
        self._wide_break_at = self._first.wide_break_at
        self._counted = 0

    def at(self, start: int, *, wide: bool) -> tuple[int, int]:
        """1-based line and column of an offset; the column counts bytes, in UTF-16 code units.

        Args:
            start: offset in the window.
            wide: whether the key there is UTF-16.
        """
        if start < self._counted:
            self._begin_again()
        last = self._window.rfind(b"\n", self._counted, start)
        if last >= 0:
            self._line += self._window.count(b"\n", self._counted, start)
            self._break_at = self._wide_break_at = self._base + last
        self._counted = start
        if wide:
            return self._line, max(1, (self._base + start - self._wide_break_at) // 2)
        return self._line, max(1, self._base + start - self._break_at)

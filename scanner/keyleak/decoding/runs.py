"""Runs of an alphabet around an anchor, over wrapped lines too: what base64 and hexadecimal text stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.decoding.decoded import REACH
from keyleak.on_use import on_use
from keyleak.records import dataclass

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

# Between the lines of a wrapped text: a line break with indentation and the sign of a quotation or a comment,
# also one written as an escape.
_BREAK: Final = on_use(
    rb"(?:\r?\n[ \t]{0,64}(?:(?:[>|#*;]|//)[ \t]{0,8}){0,4}|\\r\\n[ \t]{0,64}|\\n[ \t]{0,64})"
)
_BEFORE_LINES: Final = b"\r\n \t>|#*;/+-"
# What a patch puts before each line that it takes or adds.
_PATCH_SIGNS: Final = frozenset({b"+", b"-"})
# Widths that encoders wrap at. Other lines are values that happen to stand one below the other.
_WIDTHS: Final = frozenset({60, 64, 70, 72, 75, 76, 80, 100, 120})
# The same within a document, which says itself where it ends: lines of any width, also as strings one below
# the other, joined by `+`, `.` or nothing.
_JOINT: Final = on_use(
    rb"(?:[\"'`][ \t]{0,8}(?:[+.&]|\\)?[ \t]{0,8}(?:\r?\n|\\r\\n|\\n)[ \t]{0,64}(?:[+.&][ \t]{0,8})?b?[\"'`]"
    rb"|[ \t]{0,8}\\?[ \t]{0,8}(?:\r?\n|\\r\\n|\\n)[ \t]{0,64}(?:(?:[>|#*;]|//)[ \t]{0,8}){0,4})"
)
# Between two strings that are put together, whatever they hold, and where a line goes on behind a backslash.
_JOINED: Final = on_use(
    rb"([\"'`])(?:[ \t]{0,8}[+.&]\s{0,64}|[ \t]{0,8}\\?\r?\n[ \t]{0,64}(?:[+.&][ \t]{0,8})?)b?\1|\\\r?\n"
)
# What may stand there too, where nothing was found without it: strings of a list that are joined, the soft
# break of quoted-printable text.
_LOOSELY_JOINED: Final = on_use(rb"([\"'`])\s{0,8}[+.&,]\s{0,64}b?\1|=\r?\n")
# The next argument or element, and no more of the text: the name of an encoding, of a place, a plain word.
_WORD: Final = on_use(rb"[a-z]{3,12}(?:-?[0-9]{1,3}(?:url|le|be)?)?[\"'`]")
_NARROWEST: Final = 16
_LONGEST_BREAK: Final = 110
# Of lines of any width at least so many characters, or nearly every word would be one.
_SHORTEST_LINE: Final = 4
_INDENTATION: Final = on_use(rb"[ \t]{0,64}")
# The line below ends with the text. If not, it is something else: `KEY=value`, `key: value`, a sentence.
_LINE_END: Final = on_use(rb"(?:=3[Dd]|=){0,2}[ \t]{0,8}(?:[\r\n\"'`,;)\]}<]|\\|\Z)")


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of an alphabet, as parts of one line each."""

    spans: tuple[tuple[int, int], ...]
    clipped: bool
    """Whether it goes on to the left beyond reach."""

    @property
    def start(self) -> int:
        """Offset of its first character."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Offset after its last character."""
        return self.spans[-1][1]

    def characters(self, text: bytes) -> bytes:
        """Its characters without what stands between the lines."""
        return b"".join(text[start:end] for start, end in self.spans)

    def before(self, offset: int) -> int:
        """How many of its characters stand before an offset."""
        return sum(min(end, offset) - start for start, end in self.spans if start < offset)


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Characters that make up a run."""

    characters: bytes
    openings: tuple[bytes, ...]
    """What a value of its own begins with: such a line does not continue the one before it."""
    documents: tuple[bytes, ...]
    """What documents begin with in it, so that several are not taken for one."""
    reach: int = REACH

    def __contains__(self, character: bytes) -> bool:
        return character != b"" and character in self.characters

    def in_order(self, text: bytes, run: Run, start: int, end: int) -> tuple[Run, ...]:
        """A run and those that more lines and strings make, where there are any; the likelier ones first.

        Args:
            text: where they stand.
            run: the run around `text[start:end]`.
            start: where an anchor begins.
            end: where it ends.
        """
        longer = {
            each.spans: each
            for each in (self._run_of_any_width(text, start, end), self._wrapped(text, start, end))
            if each.spans != run.spans
        }
        likely = [each for each in longer.values() if _is_likely(text, each)]
        return (*likely, run, *(each for each in longer.values() if each not in likely))

    def _run_of_any_width(self, text: bytes, start: int, end: int) -> Run:
        left, right = max(0, start - self.reach), min(len(text), end + self.reach)
        first = self._left_end(text, left, start)
        spans = [(first, self._right_end(text, end, right))]
        while (above := self._line_above(text, spans[0], left, any_width=True)) is not None:
            spans.insert(0, above)
        while (below := self._loosely_below(text, spans[-1], right)) is not None:
            spans.append(below)
        return Run(tuple(spans), clipped=spans[0][0] == left > 0)

    def _wrapped(self, text: bytes, start: int, end: int) -> Run:
        """The run over lines that are all as long as the first, whatever that is, but for the last."""
        left, right = max(0, start - self.reach), min(len(text), end + self.reach)
        sign = _patch_sign(text, start, left)
        first = self._left_end(text, left, start, sign)
        line = (first, self._right_end(text, end, right))
        above = self._lines_above(text, line, left, sign)
        width = above[0][1] - above[0][0] if above else line[1] - line[0]
        # The first line may stand behind a name, so that it is shorter than those that follow.
        spans = [*above, line]
        while (below := self._next_line(text, spans[-1][1], right, sign)) is not None:
            length = below[1] - below[0]
            if spans[-1] is not line and length > width:
                break
            spans.append(below)
            width = max(width, length)
            if length < width:
                break
        return Run(tuple(spans), clipped=spans[0][0] == left > 0)

    def _lines_above(
        self, text: bytes, line: tuple[int, int], left: int, sign: bytes
    ) -> list[tuple[int, int]]:
        """The whole lines before one, nearest last, as long as each other and not shorter than it."""
        found: list[tuple[int, int]] = []
        start = line[0]
        while True:
            at = _before_sign(text, start, left, sign)
            line_break = _last_break(text, max(left, at - _LONGEST_BREAK), at)
            if line_break is None or self._opens(text, start):
                return found
            first = self._left_end(text, left, line_break, sign)
            length, last = line_break - first, found[0] if found else line
            same = last[1] - last[0] if found else length
            if length < max(_SHORTEST_LINE, line[1] - line[0]) or length != same:
                return found
            found.insert(0, (first, line_break))
            start = first

    def _next_line(self, text: bytes, end: int, right: int, sign: bytes) -> tuple[int, int] | None:
        """The line below one that ends at an index, where it holds nothing else but a part of a run."""
        line_break = _BREAK.match(text, end, right)
        if line_break is None:
            return None
        below = _behind_sign(text, line_break.end(), right, sign)
        if self._opens(text, below):
            return None
        stop = self._right_end(text, below, right)
        shortest = 1 if text[stop : stop + 1] == b"=" else _SHORTEST_LINE
        is_more = below + shortest <= stop and _LINE_END.match(text, stop)
        return (below, stop) if is_more else None

    def run_at(self, text: bytes, start: int, end: int, *, unlimited: bool = False) -> Run:
        """The run around `text[start:end]`.

        Args:
            text: where it stands.
            start: where an anchor begins.
            end: where it ends.
            unlimited: whether to follow it to the right to its very end.
        """
        left = max(0, start - self.reach)
        right = len(text) if unlimited else min(len(text), end + self.reach)
        sign = _patch_sign(text, start, left) if unlimited else b""
        first = self._left_end(text, left, start, sign)
        spans = [(first, self._right_end(text, end, right))]
        while not unlimited and (above := self._line_above(text, spans[0], left)) is not None:
            spans.insert(0, above)
        if unlimited:
            while (below := self._document_below(text, spans[-1], right, sign)) is not None:
                spans.append(below)
        while not unlimited and (below := self._line_below(text, spans[-1], right)) is not None:
            spans.append(below)
        return Run(tuple(spans), clipped=spans[0][0] == left > 0)

    def _left_end(self, text: bytes, left: int, start: int, sign: bytes = b"") -> int:
        first = left + len(text[left:start].rstrip(self.characters))
        if sign and text[first : first + 1] == sign and text[first - 1 : first] in {b"\n", b""}:
            return first + 1
        # The letter of a line break that is written as an escape belongs to no alphabet.
        is_escape = left < first < start and text[first - 1 : first + 1] in {b"\\n", b"\\r", b"\\t"}
        return first + 1 if is_escape else first

    def _right_end(self, text: bytes, end: int, right: int) -> int:
        step = self.reach
        while end < right:
            piece = text[end : min(right, end + step)]
            rest = len(piece.lstrip(self.characters))
            end += len(piece) - rest
            if rest:
                break
            step *= 2
        return end

    def _line_above(
        self, text: bytes, span: tuple[int, int], left: int, *, any_width: bool = False
    ) -> tuple[int, int] | None:
        start, end = span
        line_break = _last_break(text, max(left, start - _LONGEST_BREAK), start)
        if line_break is None or self._opens(text, start):
            return None
        first = self._left_end(text, left, line_break)
        length = line_break - first
        is_full = _is_width(length) if any_width else length in _WIDTHS
        return (first, line_break) if is_full and length >= end - start else None

    def _line_below(self, text: bytes, span: tuple[int, int], right: int) -> tuple[int, int] | None:
        start, end = span
        joined = _JOINED.match(text, end, right)
        if joined is not None and not self._opens(text, joined.end()):
            stop = self._right_end(text, joined.end(), right)
            return (joined.end(), stop) if stop > joined.end() else None
        line_break = _BREAK.match(text, end, right)
        if line_break is None or end - start not in _WIDTHS or self._opens(text, line_break.end()):
            return None
        below = line_break.end()
        stop = self._right_end(text, below, right)
        is_more = below < stop <= below + end - start and _LINE_END.match(text, stop)
        return (below, stop) if is_more else None

    def _loosely_below(self, text: bytes, span: tuple[int, int], right: int) -> tuple[int, int] | None:
        if (below := self._line_below(text, span, right)) is not None:
            return below
        start, end = span
        joint = _LOOSELY_JOINED.match(text, end, right)
        if joint is None and _is_width(end - start):
            joint = _BREAK.match(text, end, right)
        if joint is None or self._opens(text, joint.end()):
            return None
        if b"," in joint[0] and _WORD.match(text, joint.end()):
            return None
        stop = self._right_end(text, joint.end(), right)
        is_more = joint.end() < stop and (joint[0][:1] in b"=\"'`" or stop - joint.end() <= end - start)
        return (joint.end(), stop) if is_more and _LINE_END.match(text, stop) else None

    def _document_below(
        self, text: bytes, span: tuple[int, int], right: int, sign: bytes
    ) -> tuple[int, int] | None:
        joint = _JOINT.match(text, span[1], right)
        if joint is None:
            return None
        below = _behind_sign(text, joint.end(), right, sign)
        if any(text.startswith(opening, below) for opening in self.documents):
            return None
        stop = self._right_end(text, below, right)
        return (below, stop) if below < stop and _LINE_END.match(text, stop) else None

    def _opens(self, text: bytes, start: int) -> bool:
        return any(text.startswith(opening, start) for opening in self.openings)


def _before_sign(text: bytes, start: int, left: int, sign: bytes) -> int:
    """Where a line of a patch begins whose sign and indentation end at an index."""
    line = text.rfind(b"\n", left, start) + 1
    is_prefix = sign and text.startswith(sign, line) and not text[line + 1 : start].strip(b" \t")
    return line if is_prefix else start


def _behind_sign(text: bytes, start: int, right: int, sign: bytes) -> int:
    """Where a line of a patch goes on behind its sign and indentation."""
    if not sign or text[start - 1 : start + 1] != b"\n" + sign:
        return start
    indented = _INDENTATION.match(text, start + 1, right)
    return indented.end() if indented else start + 1


def _patch_sign(text: bytes, start: int, left: int) -> bytes:
    """The sign of a patch before the line of an index: one that the line above or below begins with too."""
    line = text.rfind(b"\n", left, start) + 1
    sign = text[line : line + 1]
    if sign not in _PATCH_SIGNS:
        return b""
    above, below = text.rfind(b"\n", left, max(0, line - 1)) + 1, text.find(b"\n", start) + 1
    beside = (line > 0 and text.startswith(sign, above), below > 0 and text.startswith(sign, below))
    return sign if any(beside) else b""


def _is_likely(text: bytes, run: Run) -> bool:
    """Whether lines are wrapped as encoders do: each is full but for the last, which is shorter or padded.

    A line that is no multiple of four can be no text of its own.
    """
    widths = [last - first for first, last in run.spans]
    if len(widths) == 1 or len(set(widths[:-1])) != 1:
        return False
    # The padding may stand on a line of its own.
    behind = text[run.end : run.end + _LONGEST_BREAK].lstrip(_BEFORE_LINES)
    is_last = widths[-1] < widths[0] or behind.startswith(b"=")
    is_usual = len(widths) > 2 and widths[0] in _WIDTHS
    return widths[0] % 4 == 1 or is_last or is_usual


def _is_width(length: int) -> bool:
    """Whether an encoder may have wrapped its lines at it."""
    return length >= _NARROWEST and length % 4 == 0


def _last_break(text: bytes, left: int, start: int) -> int | None:
    """Where the line break begins that ends at `start`."""
    breaks: Iterator[re.Match[bytes]] = _BREAK.finditer(text, left, start)
    return next((found.start() for found in breaks if found.end() == start), None)

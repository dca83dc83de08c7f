r"""Keys that a program puts together: `"sk_live_" + "…"`, `["sk", "live", "…"].join("_")`, `f"{PREFIX}…"`.

Constants are folded as far as they stand in the text: joined by an operator or by adjacency, listed for a
`join`, put into a template, or named by a variable that is given a constant nearby. Nothing is evaluated.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.matching.engine import MAX_BODY
from keyleak.on_use import on_use
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.matching.compiled import CompiledRules

_MOST_PIECES: Final = 64
_LONGEST_KEY: Final = MAX_BODY + 16
_LIST_REACH: Final = 96
_ONE_STATEMENT: Final = 600
_USES: Final = 32  # of one variable that are looked at

_PIECE: Final = on_use(rb"[A-Za-z0-9_+/=-]{0,260}")
# Between the constants of one expression. A line comment may stand behind an operator.
_SPACE: Final = rb"(?:\s|//[^\n]{0,80}\n|\#[^\n]{0,80}\n){0,60}"
_OPEN: Final = rb"[fFrRbBuU@$]{0,2}[\"'`]"
_OPERATOR: Final = on_use(
    rb"[\"'`]" + _SPACE + rb"(?:\\\r?\n)?(?:\.\.|[+.&~]|<<|\|\|)(?:\s{0,20}\\\r?\n)?" + _SPACE + _OPEN
)
# Nothing but blanks: what follows must be the rest of a prefix or look like a part of a key, with a digit or
# letters of both cases by chance, and not like one of its own.
_MODE: Final = rb"(?=(?:live|test)_?[\"'`])"
_DRAWN: Final = rb"(?:[A-Za-z0-9_+/=-]{0,60}[0-9]|(?:[A-Za-z_+/=-]{0,24}[a-z][A-Z]){2})"
_BODY: Final = rb"(?![A-Za-z]{1,8}_(?:live|test)_)(?=" + _DRAWN + rb")(?=[A-Za-z0-9_+/=-]{8})"
_PART: Final = rb"(?:" + _MODE + rb"|" + _BODY + rb")"
_BELOW: Final = on_use(rb"[\"'`][ \t]{0,40}\\?\r?\n" + _SPACE + _OPEN + _PART)
_ADJACENT: Final = on_use(rb"[\"'`](?:\s{0,40}\\\r?\n)?" + _SPACE + _OPEN + _PART)
_CONTINUED: Final = on_use(rb"\\\r?\n[ \t]{0,40}|\\n\\\r?\n[ \t]{0,40}")
_INSIDE: Final = on_use(rb"[$#]?\{\s{0,4}[\"']|[\"']\s{0,4}\}")
_EXPLICIT: Final = (_OPERATOR, _CONTINUED, _INSIDE)
_COMMA: Final = on_use(rb"[\"'`]" + _SPACE + rb"," + _SPACE + _OPEN)

_SEPARATOR: Final = rb"[\"'`](?P<separator>_?)[\"'`]"
_JOIN_BEFORE: Final = on_use(
    rb"(?:" + _SEPARATOR + rb"\s{0,8}\.\s{0,8}join\s{0,4}\(\s{0,8}[\[(]"
    rb"|(?i:implode|\bjoin|String\.Join)\s{0,4}\(\s{0,8}[\"'`](?P<first>_?)[\"'`]\s{0,8},\s{0,8}"
    rb"(?:(?:array\s{0,4}\(|\[|new\s{0,4}\[\]\s{0,4}\{|new\s{1,4}String\[\]\s{0,4}\{)\s{0,8})?"
    rb"|(?P<go>strings\.Join\(\s{0,8}\[\]string\s{0,4}\{)\s{0,8})"
    rb"\s{0,40}" + _OPEN + rb"\Z"
)
_JOIN_AFTER: Final = on_use(
    rb"[\"'`],?" + _SPACE + rb"[\])}]\s{0,40}(?:\.\s{0,8}[jJ]oin\s{0,4}\(\s{0,8}" + _SEPARATOR
    + rb"|,\s{0,8}[\"'`](?P<last>_?)[\"'`]\s{0,8}\)|(?P<empty>\.\s{0,8}(?:join|concat)\b))"
)  # fmt: skip
_TYPE: Final = rb"(?:\s{0,4}:\s{0,4}[A-Za-z&'\[\]. ]{1,24}?|\s{1,4}[A-Za-z\[\].]{1,24})?"
_GIVEN: Final = rb"[\"'\]]{0,2}" + _TYPE + rb"\s{0,8}(?::=|=>|=|,|\s)\s{0,8}"
_KEYWORDS: Final = (
    rb"(?:const|let|var|val|final|static|private|public|protected|export|readonly|[sS]tring|auto|char)\b"
)
_ASSIGNED: Final = on_use(
    rb"(?<![A-Za-z0-9_$])(?!"
    + _KEYWORDS
    + rb")(?P<name>[A-Za-z_$][A-Za-z0-9_$]{0,60})"
    + _GIVEN
    + rb"(?:"
    + _OPEN
    + rb")?\Z"
)
_BEFORE_CONSTANT: Final = b"\"'`@$fFrRbBuU \t"
_GIVES: Final = (b"=", b">", b",", b":")
_ENDS: Final = on_use(rb"[\"'`;]|\r?\n|\Z")
_LONGEST_BEGINNING: Final = 24  # of a key that a variable names the beginning of


@dataclass(frozen=True, slots=True)
class Joined:
    """A key put together of pieces."""

    key: bytes
    pieces: tuple[tuple[int, int], ...]
    """Where each stands in the text, in the order of the key."""
    loosely: bool = False
    """Whether nothing but blanks joins some of them: so do strings of Python, but also words of a shell."""

    @property
    def first_length(self) -> int:
        """Length of the first piece."""
        start, end = self.pieces[0]
        return end - start

    @property
    def span(self) -> tuple[int, int]:
        """From the first piece to the last where they follow one another closely, else the last piece."""
        starts = [start for start, _ in self.pieces]
        (first, _), (start, end) = self.pieces[0], self.pieces[-1]
        close = starts == sorted(starts) and end - first < _ONE_STATEMENT
        return (first if close else start), end


def joined_keys(text: bytes, start: int, rules: CompiledRules) -> Iterator[Joined]:
    """Keys whose first piece begins at `start`; not those that stand there in one piece.

    Args:
        text: single-byte text.
        start: index of a prefix word or of the first part of one.
        rules: the compiled rules.
    """
    end = _end_of_piece(text, start)
    ways = (_by_operators, _by_join, _by_name)
    for found in (each for way in ways for each in way(text, start, end)):
        if len(found.pieces) > 1 and rules.prefixes.match(found.key) and len(found.key) <= _LONGEST_KEY:
            yield found


def _by_operators(text: bytes, start: int, end: int) -> Iterator[Joined]:
    # Nearly every key stands in one piece: that is told first.
    if not any(pattern.match(text, end) for pattern in (*_EXPLICIT, _ADJACENT)):
        return
    yield _joined(text, list(_pieces(text, start, _EXPLICIT)), b"")
    # Strings of Python and C stand one below the other; words of a shell, which nothing joins, mostly do not.
    yield _joined(text, list(_pieces(text, start, (*_EXPLICIT, _BELOW))), b"")
    yield replace(_joined(text, list(_pieces(text, start, (*_EXPLICIT, _ADJACENT))), b""), loosely=True)


def _by_join(text: bytes, start: int, end: int) -> Iterator[Joined]:
    if not _COMMA.match(text, end):
        return
    before = _JOIN_BEFORE.search(text, max(0, start - _LIST_REACH), start)
    pieces = list(_pieces(text, start, (_COMMA,)))
    after = _JOIN_AFTER.match(text, pieces[-1][1])
    for call in (before, after):
        if call is None:
            continue
        named = call.groupdict()
        if named.get("go") and after is None:
            continue
        for group in ("separator", "first", "last"):
            if named.get(group) is not None:
                yield _joined(text, pieces, named[group])
                return
        if named.get("empty"):
            yield _joined(text, pieces, b"")
            return


def _by_name(text: bytes, start: int, end: int) -> Iterator[Joined]:
    """A prefix that a variable names, and what is put behind the variable."""
    if end - start > _LONGEST_BEGINNING or not _ENDS.match(text, end):
        return
    # Most beginnings stand in a comparison or a call: told by one character, not by a search.
    before = text[max(0, start - 16) : start].rstrip(_BEFORE_CONSTANT)
    if not (before.endswith(_GIVES) or before[-1:].isalnum()):
        return
    assigned = _ASSIGNED.search(text, max(0, start - _LIST_REACH), start)
    if assigned is None or text.find(assigned["name"], end) < 0:
        return
    name = re.escape(assigned["name"])
    use = re.compile(
        rb"(?:[$#]?\{\s{0,4}%b\s{0,4}\}|\$%b[\"']{0,2}|(?<![A-Za-z0-9_$])\$?%b\s{0,8}(?:\.\.|[+.&~])\s{0,8}%b)"
        rb"(?P<body>[A-Za-z0-9_+/=-]{1,260})" % (name, name, name, _OPEN)
    )
    by_name = re.compile(
        rb"(?:[$#]?\{\s{0,4}%b\s{0,4}\}[$#]?\{\s{0,4}(?P<inside>[A-Za-z_]\w{0,60})\s{0,4}\}"
        rb"|(?<![A-Za-z0-9_$])\$?%b\s{0,8}(?:\.\.|[+.&~])\s{0,8}\$?(?P<named>[A-Za-z_]\w{0,60}))"
        % (name, name)
    )
    for count, found in enumerate(use.finditer(text, end)):
        if count == _USES:
            break
        rest = list(_pieces(text, found.start("body"), _EXPLICIT))
        yield _joined(text, [(start, end), *rest], b"")
    for count, found in enumerate(by_name.finditer(text, end)):
        if count == _USES:
            break
        if value := _constant(text, found["inside"] or found["named"]):
            yield _joined(text, [(start, end), value], b"")


def _constant(text: bytes, name: bytes) -> tuple[int, int] | None:
    """Where the constant stands that a name is given."""
    given = re.search(
        rb"(?<![A-Za-z0-9_])%b%b%b(?P<value>[A-Za-z0-9_+/=-]{8,260})[\"'`]"
        % (re.escape(name), _GIVEN, _OPEN),
        text,
    )
    return given.span("value") if given else None


def _pieces(text: bytes, start: int, between: tuple[re.Pattern[bytes], ...]) -> Iterator[tuple[int, int]]:
    place = start
    for _ in range(_MOST_PIECES):
        end = _end_of_piece(text, place)
        yield place, end
        following = next((found for pattern in between if (found := pattern.match(text, end))), None)
        if following is None or _end_of_piece(text, following.end()) == following.end():
            return
        place = following.end()


def _end_of_piece(text: bytes, start: int) -> int:
    found = _PIECE.match(text, start)
    return found.end() if found else start


def _joined(text: bytes, pieces: list[tuple[int, int]], separator: bytes) -> Joined:
    return Joined(separator.join(text[start:end] for start, end in pieces), tuple(pieces))

r"""Keys that a program puts together: `"sk_live_" + "…"`, `["sk", "live", "…"].join("_")`, `f"{PREFIX}…"`.

Constants are folded as far as they stand in the text: joined by an operator or by adjacency, listed for a
`join` or a format, appended to a variable, named by one that is given a constant. Nothing is evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.matching.engine import MAX_BODY
from keyleak.matching.expressions import (
    APPENDED,
    CLOSE,
    COMMAS,
    GIVEN,
    GIVEN_TYPED,
    OPEN,
    OPERATORS,
    SPACE,
    Joint,
    Part,
    Place,
    Span,
    accumulated,
    begins_in_interpolation,
    end_of_piece,
    folded,
    joint_of_constants,
    uses,
)
from keyleak.matching.lists import Spelled, completed, put_together
from keyleak.matching.wrapped import wrapped
from keyleak.on_use import on_use
from keyleak.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.matching.budget import Budget
    from keyleak.matching.compiled import CompiledRules

_LONGEST_KEY: Final = MAX_BODY + 16
_REACH: Final = 96
# What it costs to find a piece.
_PIECE: Final = 2048

# Nothing but blanks: what follows must be the rest of a prefix or look like a part of a key, with a digit or
# letters of both cases by chance, and not like one of its own.
_MODE: Final = rb"(?=(?:live|test)_?[\"'`])"
_DRAWN: Final = rb"(?:[A-Za-z0-9_+/=-]{0,60}[0-9]|(?:[A-Za-z_+/=-]{0,24}[a-z][A-Z]){2})"
_BODY: Final = rb"(?![A-Za-z]{1,8}_(?:live|test)_)(?=" + _DRAWN + rb")(?=[A-Za-z0-9_+/=-]{8})"
_PART: Final = rb"(?:" + _MODE + rb"|" + _BODY + rb")"
_BELOW: Final = joint_of_constants(
    rb"[\"'`][ \t]{0,40}\\?\r?\n" + SPACE + rb"(?=" + OPEN + _PART + rb")",
)
_ADJACENT: Final = joint_of_constants(rb"[\"'`]" + SPACE + rb"(?=" + OPEN + _PART + rb")")
# Words of a shell, partly in quotes.
_GLUED: Final = joint_of_constants(rb"(?=[\"'])(?=[\"']" + _BODY + rb")|[\"'](?=[\"']" + _BODY + rb")")
_EXPRESSION: Final = (OPERATORS, APPENDED)
_CONCAT: Final = on_use(rb"[\"'`)]\s{0,8}\.\s{0,8}(?i:concat)\s{0,4}\(")
_KEYWORDS: Final = (
    rb"(?:const|let|var|val|final|static|private|public|protected|export|readonly|[sS]tring|auto|char)\b"
)
_WORD: Final = rb"(?<![A-Za-z0-9_$])(?!" + _KEYWORDS + rb")(?P<name>[A-Za-z_$][A-Za-z0-9_$]{0,60})"
_MADE: Final = rb"(?:(?:new\s)?(?:\w{1,12}(?:\.|::))?(?:[sS]tring(?:Builder|Buffer)?|from|str)\()?"
_ASSIGNED: Final = on_use(_WORD + GIVEN + _MADE + OPEN + rb"?\Z")
_GROWN: Final = on_use(_WORD + rb"\s{0,8}(?:\+=|\.=|<<)\s{0,8}" + OPEN + rb"?\Z")
_TYPED: Final = on_use(_WORD + GIVEN_TYPED + OPEN + rb"?\Z")
_RECEIVER: Final = on_use(
    rb"(?<![\w.$])\$?(?P<name>(?:[A-Za-z_]\w{0,60}(?=\s{0,4}\.))?)(?:\s{0,4}\.)?\s{0,4}(?:append|Append|push_str|WriteString)\s{0,4}\("
    + OPEN
    + rb"\Z"
)
_LETTERS: Final = on_use(rb"(?<![A-Za-z0-9_])[fFrRbBuU@$+]{1,2}[\"'`]\Z")
_LETTERS_REACH: Final = 4
_QUOTES: Final = (b'"', b"'")
_GOES_ON: Final = on_use(
    rb"[A-Za-z0-9_+/=-]|%[A-Za-z_]|[$#]?\{|\\\(|\$|\\\r?\n|\\n\\|[\"'`]\s{0,4}\}|"
    + CLOSE
    + rb"\)?"
    + SPACE
    + rb"(?:"
    + OPEN
    + rb"|\)?[+.&~<|]|\.[a-z])"
)
_BEFORE_CONSTANT: Final = b"\"'`@$+fFrRbBuU \t"
_GIVES: Final = (b"=", b">", b",", b":")
_ENDS: Final = on_use(rb"[\"'`;]|\r?\n|\Z|\s{0,4}(?:\)|,|;|\n)")
_LONGEST_BEGINNING: Final = 64  # of a key that a variable names the beginning of


@dataclass(frozen=True, slots=True)
class Joined:
    """A key put together of pieces."""

    key: bytes
    pieces: tuple[Span, ...]
    """Where each stands in the text, in the order of the key."""
    span: Span
    """Where it is put together: what stands around that tells whose it is."""
    loosely: bool = False
    """Whether nothing but blanks joins some of them: so do strings of Python, but also words of a shell."""
    by_lines: bool = False
    """Whether it is one text over several lines."""

    @property
    def first_length(self) -> int:
        """Length of the first piece."""
        start, end = self.pieces[0]
        return end - start


def joined_keys(text: bytes, start: int, rules: CompiledRules, budget: Budget) -> Iterator[Joined]:
    """Keys whose first piece begins at `start`; not those that stand there in one piece.

    Args:
        text: single-byte text.
        start: index of a prefix word or of the first part of one.
        rules: the compiled rules.
        budget: what may be spent on pieces.
    """
    for found in joined_texts(text, start, end_of_piece(text, start), of_key=True):
        # Of lines one more is found each time.
        if not budget.spend(_PIECE * (1 if found.by_lines else len(found.pieces))):
            return
        if len(found.pieces) == 1 or not rules.prefixes.match(found.key) or len(found.key) > _LONGEST_KEY:
            continue
        # Two keys, one of which a patch takes away and the other it adds: `-k = "sk_…"`, `+k = "sk_…"`.
        if not any(rules.prefixes.match(text, piece) for piece, _ in found.pieces[1:]):
            yield found


def joined_texts(text: bytes, start: int, end: int, *, of_key: bool = False) -> Iterator[Joined]:
    """What is put together from the piece `text[start:end]` on.

    Args:
        text: single-byte text.
        start: where the first piece begins.
        end: where it ends.
        of_key: whether it must begin like a key; what does not is not followed.
    """
    first = Part(((start, end),), Place(end, opened=begins_in_interpolation(text, start)))
    for spelled, span in completed(text, start, Place(end)):
        yield _spelled(text, spelled, span)
    yield from _from(text, start, first, of_key=of_key)
    if (text[start - 1 : start] or b"=") == b"=" and text[end : end + 1] in _QUOTES:
        yield _joined(text, start, first, folded(text, first.place, (_GLUED,)), loosely=True)
    for pieces in wrapped(text, start, end):
        yield Joined(_key(text, pieces), pieces, (start, pieces[-1][1]), loosely=True, by_lines=True)
    yield from _by_name(text, start, first, of_key=of_key)


def _from(text: bytes, begin: int, first: Part, *, of_key: bool) -> Iterator[Joined]:
    """What an expression makes that begins with what has been read."""
    whole, so_far = Part((), first.place), first.pieces if of_key else ()

    def joined_by(*joints: Joint) -> Part:
        return folded(text, first.place, joints, so_far=so_far)

    # Nearly every key stands in one piece: that is told first.
    if not first.place.inside or _GOES_ON.match(text, first.place.at):
        whole = joined_by(*_EXPRESSION)
        yield _joined(text, begin, first, whole)
        if _CONCAT.match(text, first.place.at):
            yield _joined(text, begin, first, joined_by(*_EXPRESSION, COMMAS))
    if first.place.inside and _GOES_ON.match(text, first.place.at):
        # Strings of Python and C stand one below the other; words of a shell, which nothing joins, mostly
        # do not.
        yield _joined(text, begin, first, joined_by(*_EXPRESSION, _BELOW))
        yield _joined(text, begin, first, joined_by(*_EXPRESSION, _ADJACENT), loosely=True)
    read = Part((*first.pieces, *whole.pieces), whole.place)
    for spelled, span in put_together(text, begin, read, of_key=of_key):
        yield _spelled(text, spelled, span)


def _by_name(text: bytes, start: int, first: Part, *, of_key: bool) -> Iterator[Joined]:
    """A beginning that a variable is given, and what is put behind the variable."""
    if not _may_be_given(text, start):
        return
    before = text[max(0, start - _REACH) : start]
    for way in (_ASSIGNED, _TYPED, _GROWN, _RECEIVER):
        given = way.search(before)
        if given is not None and text.find(given["name"].lstrip(b"$"), first.place.at) >= 0:
            yield from _named(text, start, given["name"].lstrip(b"$"), first, of_key=of_key)


def _named(text: bytes, start: int, name: bytes, first: Part, *, of_key: bool) -> Iterator[Joined]:
    rest = folded(text, first.place, (OPERATORS,), so_far=first.pieces if of_key else ())
    more = accumulated(text, rest.place, name)
    if more.pieces:
        yield _joined(text, start, first, Part((*rest.pieces, *more.pieces), more.place))
    if not name or rest.place.at - start > _LONGEST_BEGINNING or not _ENDS.match(text, rest.place.at):
        return
    value = (*first.pieces, *rest.pieces)
    for use, place in uses(text, name, rest.place.at):
        yield from _from(text, use, Part(value, place), of_key=of_key)


def _may_be_given(text: bytes, start: int) -> bool:
    """Told by one character: most beginnings stand in a comparison or a call."""
    before = text[max(0, start - 16) : start].rstrip(_BEFORE_CONSTANT)
    return before.endswith((*_GIVES, b"(")) or before[-1:].isalnum()


def _joined(text: bytes, begin: int, first: Part, rest: Part, *, loosely: bool = False) -> Joined:
    pieces = (*first.pieces, *rest.pieces)
    return Joined(_key(text, pieces), pieces, (_opened(text, begin), max(begin, rest.place.at)), loosely)


def _opened(text: bytes, begin: int) -> int:
    """Where the constant begins in which something stands first, with the letters that say what it is."""
    opening = _LETTERS.search(text, max(0, begin - _LETTERS_REACH), begin)
    return opening.start() if opening else begin


def _spelled(text: bytes, spelled: Spelled, span: Span) -> Joined:
    return Joined(_key(text, spelled), tuple(each for each in spelled if isinstance(each, tuple)), span)


def _key(text: bytes, spelled: Spelled) -> bytes:
    return b"".join(each if isinstance(each, bytes) else text[slice(*each)] for each in spelled)

r"""Expressions that put strings together, in many languages: `"a" + b`, `f"{a}b"`, `a.append("b")`.

What is read is the small part that these languages share: constants, names that are given a constant nearby,
and what joins them. Nothing is evaluated.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from keyleak.on_use import on_use

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

Span: TypeAlias = tuple[int, int]

_MOST_PIECES: Final = 64
_DEEPEST: Final = 3  # constants named by constants
_OCCURRENCES: Final = 16  # of one name that are looked at
_REACH: Final = 80

_PIECE: Final = on_use(rb"[A-Za-z0-9_+/=-]{0,260}")
# Between what is joined: blanks, comments, and the sign that a line goes on, a backslash or in Basic a `_`.
SPACE: Final = (
    rb"\s{0,60}"
    rb"(?:(?:\\\r?\n|(?<=\s)_\r?\n|//[^\n]{0,80}\n|\#[^\n]{0,80}\n|/\*[^*]{0,80}\*/)\s{0,60}){0,20}"
)
OPEN: Final = rb"(?:[fFrRbBuU@$+]{0,2}\\{0,3}[\"'`])"
CLOSE: Final = rb"(?:\\{0,3}[\"'`])"
_NAME: Final = rb"[A-Za-z_]\w{0,60}"
# What holds a constant: `this.`, `self::`, `local.`, a reference, the sign of a variable.
_PATH: Final = rb"[&$@]?(?:[A-Za-z_]\w{0,40}(?:\.|::|->)){0,3}\$?"
# An entry of a mapping: `config["head"]`.
_ITEM: Final = rb"(?:[A-Za-z_]\w{0,40}\[[\"'])"
_OPERATOR: Final = rb"(?:\.\.|\+\+|<>|<<|\|\||[+.&~])"
# A full stop behind a name mostly asks for a member.
_BETWEEN_NAMES: Final = rb"(?:\.\.|\+\+|<>|<<|\|\||[+&~]|(?<=\s)\.(?=\s)|\.(?=\s?[$\"']))"
_APPENDING: Final = rb"\.\s{0,8}(?:append|Append|concat|Concat|plus|push_str|WriteString)\s{0,4}\("
_OPERAND: Final = on_use(
    rb"(?P<open>"
    + OPEN
    + rb")|"
    + _PATH
    + _ITEM
    + rb"?(?P<name>"
    + _NAME
    + rb")(?![\w(]|\s{0,4}(?:\(|:?=(?![=~>])))(?:[\"']\])?"
)
_HOLE: Final = on_use(
    rb"[$#]?\{\s{0,4}" + _PATH + rb"(?P<braced>" + _NAME + rb")\s{0,4}\}"
    rb"|\\\(\s?" + _PATH + rb"(?P<bracketed>" + _NAME + rb")\s?\)"
    rb"|\$\((?P<made>" + _NAME + rb")\)|%(?P<batch>" + _NAME + rb")%"
    rb"|\$(?P<bare>" + _NAME + rb")"
)  # fmt: skip
# An interpolation that holds a constant, where it opens and where it closes; the sign that a line goes on.
_OPENS: Final = on_use(rb"[$#]?\{\s{0,4}[\"']")
_CLOSES: Final = on_use(rb"[\"']\s{0,4}\}")
_OPENED: Final = on_use(rb"[$#]?\{\s{0,4}[\"']\Z")
_OPENING_REACH: Final = 8
_NEXT_LINE: Final = on_use(rb"\\\r?\n[ \t]{0,40}|\\n\\\r?\n[ \t]{0,40}")
_SIGN: Final = rb"[ \t]{0,8}(?::=|=>|=|,|:|[ \t])\s{0,8}"
GIVEN: Final = rb"[\"'\]]{0,2}(?:[ \t]{0,4}:[ \t]{0,4}[A-Za-z&'\[\]. ]{1,24}?)?" + _SIGN
GIVEN_TYPED: Final = rb"[ \t]{1,4}[A-Za-z\[\].]{1,24}" + _SIGN
"""The same where a type stands behind the name: `var key string = "…"`."""
_GIVEN_HERE: Final = on_use(
    rb"(?:" + GIVEN + rb"|" + GIVEN_TYPED + rb")(?:(?P<open>" + OPEN + rb")|(?<=[=\s]))(?=[A-Za-z0-9_+/=-])"
)
_HELD_BY: Final = on_use(_PATH + _ITEM + rb"?\Z")
_PART_OF_OTHER: Final = on_use(rb"[\w$.>:]\Z")
_OPERATED: Final = on_use(
    rb"(?:[\"']\])?" + SPACE + rb"(?:" + _BETWEEN_NAMES + rb"|" + _APPENDING + rb"|,)|\s{0,8}\)"
)
_HOLE_OPENS: Final = on_use(rb"(?:[$#]?\{\s{0,4}" + _PATH + rb"|\\\(\s?" + _PATH + rb"|\$\(|%)\Z")
_HOLE_CLOSES: Final = on_use(rb"\s{0,4}[})]|%")
_MORE: Final = on_use(
    CLOSE
    + rb"?[\s;)]{0,80}\$?(?P<name>(?:"
    + _NAME
    + rb")?)(?:\s{0,8}(?:\+=|\.=|<<|"
    + _APPENDING
    + rb")|(?<!\w)append\()"
    + SPACE
)
_BARE_VALUE: Final = on_use(rb"(?<=\+=)[A-Za-z0-9_+/=-]{1,260}(?=\r?\n|\Z|;)")
# A dot without blanks before a name in lower case belongs to what it names: `client.version`, `"…".length`.
_PROPERTY: Final = on_use(rb"(?<=[^.\s]\.)(?=[A-Za-z_]*[a-z])[A-Za-z_]")
BEGINNINGS: Final = (b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_", b"pk_live_", b"pk_test_")
# How prefix words begin of which parts are searched for, and how they go on.
_FAMILIES: Final = frozenset({b"sk", b"rk"})
_MODES: Final = (b"live_", b"test_", b"prod_", b"dev_", b"sandbox_", b"sbox_", b"hackathon_")
# Bodies behind `sk_` alone: UUIDs and other hexadecimal digits, or long.
_HEXADECIMAL: Final = b"0123456789abcdef-"
_SHORTEST_BODY: Final = 16
_TELLING: Final = 24
_NEVER: Final = on_use(rb"(?!)")
_BESIDE_NAMES: Final = frozenset({b"$", b"{", b'"', b"'", b"`"})
_BARE_ENDS: Final = frozenset({b"", b"\n", b"\r", b";"})


class Joint(NamedTuple):
    """What may stand between two operands."""

    inside: re.Pattern[bytes]
    """Behind a constant, its closing quote included."""
    outside: re.Pattern[bytes]
    """Behind a name."""


def joint(expression: bytes) -> Joint:
    """The joint of a sign, with blanks around it."""
    return Joint(on_use(CLOSE + SPACE + expression + SPACE), on_use(SPACE + expression + SPACE))


def joint_of_constants(expression: bytes) -> Joint:
    """A joint that stands behind constants alone; `expression` includes their closing quote."""
    return Joint(on_use(expression), _NEVER)


# What makes a string of another kind of a constant before it is joined: `std::string("a") + "b"`.
_CONVERTED: Final = rb"(?:\)|\.(?:to_string|to_owned|into|freeze|toString)\(?\)?){0,3}"
OPERATORS: Final = Joint(
    on_use(CLOSE + rb"(?:" + _CONVERTED + SPACE + rb"\+\+?|" + SPACE + _OPERATOR + rb")" + SPACE),
    on_use(rb"(?:[\"']\])?" + SPACE + _BETWEEN_NAMES + SPACE),
)
APPENDED: Final = joint(rb"(?:\)" + SPACE + rb"){0,2}" + _APPENDING)
COMMAS: Final = joint(rb",")


class Place(NamedTuple):
    """How far an expression has been read."""

    at: int
    inside: bool = True
    """Whether that is in a constant, before its closing quote."""
    opened: bool = False
    """Whether that constant is one in an interpolation, so that its closing quote and bracket lead back."""


class Part(NamedTuple):
    """Operands of an expression."""

    pieces: tuple[Span, ...]
    place: Place


def folded(
    text: bytes,
    place: Place,
    joints: tuple[Joint, ...],
    depth: int = 0,
    so_far: tuple[Span, ...] = (),
) -> Part:
    """All that is joined to what has been read.

    Args:
        text: single-byte text.
        place: behind the first piece.
        joints: what may join.
        depth: how many names have been followed.
        so_far: the pieces before, where it is known that a key must begin with them.
    """
    pieces: list[Span] = []
    beginning = list(so_far)
    for _ in range(_MOST_PIECES):
        part = _rest_of_constant(text, place, depth) or next_operand(text, place, joints, depth)
        if part is None or begins_another(text, part):
            break
        pieces += part.pieces
        place = part.place
        if beginning:
            beginning += part.pieces
            if not may_begin_key(text, beginning):
                break
            if sum(end - start for start, end in beginning) >= _TELLING:
                beginning = []
    return Part(tuple(pieces), place)


def may_begin_key(text: bytes, pieces: Iterable[Span], separator: bytes = b"") -> bool:
    """Whether a key can begin with some pieces: a prefix word that is split, or a short one and a body."""
    beginning = separator.join(text[start : min(end, start + _TELLING)] for start, end in pieces)
    if beginning[:2] not in _FAMILIES:
        return True
    mode = beginning[3:]
    if beginning[2:3] not in {b"", b"_"}:
        return False
    return (
        len(mode) >= _SHORTEST_BODY
        or any(word.startswith(mode) or mode.startswith(word) for word in _MODES)
        or not mode.strip(_HEXADECIMAL)
    )


def begins_another(text: bytes, part: Part) -> bool:
    """Whether another key begins in some operands."""
    return any(text.startswith(BEGINNINGS, start) for start, _ in part.pieces)


def next_operand(text: bytes, place: Place, joints: tuple[Joint, ...], depth: int = 0) -> Part | None:
    """The operand behind a joint, or None where nothing is joined."""
    for each in joints:
        found = (each.inside if place.inside else each.outside).match(text, place.at)
        if found is None or _PROPERTY.match(text, found.end()):
            continue
        if part := operand(text, found.end(), depth):
            return part
    return None


def operand(text: bytes, start: int, depth: int = 0) -> Part | None:
    """The constant that begins at an index, or that the name there stands for."""
    found = _OPERAND.match(text, start)
    if found is None:
        return None
    if found["open"]:
        return _rest_of_constant(text, Place(found.end()), depth)
    value = constant(text, found["name"], start, depth)
    return Part(value, Place(found.end(), inside=False)) if value else None


def _rest_of_constant(text: bytes, place: Place, depth: int) -> Part | None:
    """What goes on in a constant: text, a name in brackets, the next line."""
    if not place.inside:
        return None
    if hole := _HOLE.match(text, place.at):
        value = constant(text, hole[hole.lastgroup or 0], place.at, depth)
        return Part(value, Place(hole.end())) if value else None
    start, opened = place.at, place.opened
    if opens := _OPENS.match(text, start):
        start, opened = opens.end(), True
    elif opened and (closes := _CLOSES.match(text, start)):
        start, opened = closes.end(), False
    elif goes_on := _NEXT_LINE.match(text, start):
        start = goes_on.end()
    end = end_of_piece(text, start)
    return Part(((start, end),), Place(end, opened=opened)) if end > start else None


def begins_in_interpolation(text: bytes, start: int) -> bool:
    """Whether the constant that begins at an index is one in an interpolation: `${"sk_live_"}`."""
    return _OPENED.search(text, max(0, start - _OPENING_REACH), start) is not None


def constant(text: bytes, name: bytes, use: int, depth: int = 0) -> tuple[Span, ...]:
    """The pieces of the constant that a name is given, nearest before its use or else behind it."""
    if depth == _DEEPEST:
        return ()
    for at in chain(_occurrences_before(text, name, use), _occurrences(text, name, use + len(name))):
        given = _GIVEN_HERE.match(text, at + len(name))
        if given is None or at < use < given.end():
            continue
        end = end_of_piece(text, given.end())
        if given["open"] or text[end : end + 1] in _BARE_ENDS:
            return ((given.end(), end), *folded(text, Place(end), (OPERATORS,), depth + 1).pieces)
    return ()


def _occurrences_before(text: bytes, name: bytes, stop: int) -> Iterator[int]:
    """Where a name stands that is no part of a longer one, backwards from an index."""
    at = text.rfind(name, 0, stop)
    for _ in range(_OCCURRENCES):
        if at < 0:
            return
        if _is_whole(text, name, at):
            yield at
        at = text.rfind(name, 0, at)


def _occurrences(text: bytes, name: bytes, start: int) -> Iterator[int]:
    """Where a name stands that is no part of a longer one."""
    at = text.find(name, start)
    for _ in range(_OCCURRENCES):
        if at < 0:
            return
        if _is_whole(text, name, at):
            yield at
        at = text.find(name, at + len(name))


def _is_whole(text: bytes, name: bytes, at: int) -> bool:
    return not (_is_word(text[at - 1 : at]) or _is_word(text[at + len(name) : at + len(name) + 1]))


def _is_word(character: bytes) -> bool:
    return character.isalnum() or character == b"_"


def end_of_piece(text: bytes, start: int) -> int:
    """Where the run of key characters ends that begins at an index."""
    found = _PIECE.match(text, start)
    return found.end() if found else start


def uses(text: bytes, name: bytes, start: int) -> Iterator[tuple[int, Place]]:
    """Where a name is the first operand: where that begins, and the place behind it.

    Args:
        text: single-byte text.
        name: of a constant.
        start: where to begin to look.
    """
    for at in _occurrences(text, name, start):
        end, near = at + len(name), max(0, at - _REACH)
        closes = _HOLE_CLOSES.match(text, end)
        if closes and (opens := _HOLE_OPENS.search(text, near, at)):
            yield opens.start(), Place(closes.end())
        elif _OPERATED.match(text, end):
            path = _HELD_BY.search(text, near, at)
            begin = path.start() if path else at
            if not _PART_OF_OTHER.search(text, near, begin):
                yield begin, Place(end, inside=False)
        elif text[at - 1 : at] == b"$" and text[end : end + 1] in _BESIDE_NAMES:
            yield at - 1, Place(end)


def accumulated(text: bytes, place: Place, name: bytes) -> Part:
    """What is appended to a variable in statements of their own: `key += "…"`, `b.append("…")`."""
    pieces: list[Span] = []
    while len(pieces) < _MOST_PIECES:
        more = _MORE.match(text, place.at)
        part = _appended(text, more.end()) if more and more["name"] == name else None
        if part is None:
            break
        rest = folded(text, part.place, (OPERATORS,))
        pieces += (*part.pieces, *rest.pieces)
        place = rest.place
    return Part(tuple(pieces), place)


def _appended(text: bytes, start: int) -> Part | None:
    bare = _BARE_VALUE.match(text, start)
    return Part((bare.span(),), Place(bare.end())) if bare else operand(text, start)

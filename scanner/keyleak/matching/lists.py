r"""Lists that a call puts together: `["sk", "live", "…"].join("_")`, `format("%s%s", "sk_live_", "…")`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from keyleak.matching.expressions import (
    CLOSE,
    COMMAS,
    OPEN,
    OPERATORS,
    SPACE,
    Joint,
    Part,
    Place,
    Span,
    begins_another,
    folded,
    joint,
    may_begin_key,
    next_operand,
    operand,
)
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Element: TypeAlias = tuple[Span, ...]
"""The pieces of one element."""
Spelled: TypeAlias = tuple[Span | bytes, ...]
"""Pieces and what a call puts between them."""

_REACH: Final = 160
_MOST_ELEMENTS: Final = 64
_TELLING_ELEMENTS: Final = 6  # by then it is known whether a key can begin with them
_WORDS: Final = joint(rb"")  # of a shell

_SEPARATOR: Final = rb"[\"'`](?P<separator>_?)[\"'`]"
_ARRAY: Final = (
    rb"(?:(?:array\s{0,4}\(|@?[\[({]|new\s{0,4}(?:[Ss]tring)?\s{0,4}\[\]\s{0,4}\{|\[\]string\s{0,4}\{)"
    rb"\s{0,40})"
)
# Join of a list, also of the arguments: `implode('_', […])`, `String.join("_", …)`, `!Join ["", […]]`.
_JOIN_OF: Final = (
    rb"(?i:implode|(?:\w{1,20}\.)?\bjoin|!Join|\"Fn::Join\"\s{0,4}:)\s{0,4}[(\[]"
    rb"\s{0,8}[\"'`](?P<first>_?)[\"'`]\s{0,8},\s{0,8}" + _ARRAY + rb"?"
)
_CALL_BEFORE: Final = on_use(
    rb"(?:"
    + _SEPARATOR
    + rb"\s{0,8}\.\s{0,8}join\s{0,4}\(\s{0,8}[\[(]|"
    + _JOIN_OF
    + rb"|(?P<go>strings\.Join\(\s{0,8}\[\]string\s{0,4}\{)"
    rb"|(?P<empty>(?i:string\.concat|\bconcat|\bpaste0)!?\s{0,4}\(\s{0,8}\{?|-join\s{0,4}\(?))"
    rb"\s{0,40}" + OPEN + rb"?\Z"
)
_CALL_AFTER: Final = on_use(
    CLOSE
    + rb"?,?"
    + SPACE
    + rb"[\])}](?:\s{0,40}\.\s{0,8}(?:[jJ]oin|joinToString)\s{0,4}\(\s{0,8}"
    + _SEPARATOR
    + rb"|\s{0,40},\s{0,8}[\"'`](?P<last>_?)[\"'`]\s{0,8}\)"
    rb"|\s{0,40}(?P<empty>\.\s{0,8}(?:join\b(?!\s{0,4}\()|concat\b|joined\(\)))"
    rb"|\s{1,4}-join\s{1,4}[\"'](?P<behind>_?)[\"'])"
)
_NAMED: Final = on_use(
    rb"(?<!\w)(?P<name>[A-Za-z_]\w{0,60})(?:\s{0,4}:\s{0,4}[\w<>\[\]]{1,24}|\[\])?\s{0,8}:?=\s{0,8}"
    + _ARRAY
    + OPEN
    + rb"\Z"
)
_LIST_ENDS: Final = on_use(CLOSE + rb"?,?" + SPACE + rb"[\])}]")

# Told first: nearly every key stands in no list.
_GOES_ON: Final = on_use(CLOSE + rb"?" + SPACE + rb"(?:,|" + OPEN + rb"|\$)")
_IN_LIST: Final = on_use(rb"(?:[\[({,%\s]|-f)" + OPEN + rb"?\Z")
_OF_CONSTANTS: Final = on_use(CLOSE + SPACE + rb"," + SPACE + OPEN)
_NEAR: Final = 8

_HOLE: Final = on_use(rb"%(?:\d\$)?[sv@]|\{\d?\}")
_TEMPLATE: Final = on_use(rb"(?:[A-Za-z0-9_+/=-]|%(?:\d\$)?[sv@]|\{\d?\}){2,160}")
_CALLED: Final = (
    rb"(?:\b[A-Za-z_]\w{0,20}\.)?(?P<call>\w{0,2}[pP]rintf|[fF]ormat[!:]?)(?P<bracket>\s{0,4}\()?\s{0,20}"
)
# Between a template and its first argument; in a shell nothing but blanks.
_ARGUMENTS: Final = (
    rb"(?:\s{0,20},|\s{0,8}%|\s{0,8}-f\b|\s{0,8}\.\s{0,4}format(?:ted)?\s{0,4}(?=\()|(?P<blank>(?=\s)))"
    rb"\s{0,20}[(\[]?\s{0,20}"
)
_FORMAT_BEFORE: Final = on_use(
    rb"(?:"
    + _CALLED
    + rb")?"
    + OPEN
    + rb"(?P<template>[^\"'`\n]{2,160})"
    + CLOSE
    + _ARGUMENTS
    + OPEN
    + rb"?\Z"
)
_FORMAT_CALL: Final = on_use(_CALLED + OPEN + rb"[^\"'`\n]{0,80}\Z")
_FORMAT_BEHIND: Final = on_use(rb"[^\"'`\n]{0,80}" + CLOSE + _ARGUMENTS)


def put_together(
    text: bytes, begin: int, first: Part, *, of_key: bool = False
) -> Iterator[tuple[Spelled, Span]]:
    """What calls make of the list that begins with an element: what they spell, and where the call stands.

    Args:
        text: single-byte text.
        begin: where the first element begins.
        first: what has been read of it.
        of_key: whether it must begin like a key; what does not is not followed.
    """
    # The cheapest first: this is asked of every key.
    if not _GOES_ON.match(text, first.place.at):
        return
    before = text[max(0, begin - _REACH) : begin]
    if not _OF_CONSTANTS.match(text, first.place.at) and not _names_a_call(before):
        return
    if not _IN_LIST.search(before, max(0, len(before) - _NEAR)):
        return
    offset = begin - len(before)
    formats = _FORMAT_BEFORE.search(before)
    is_shell = formats is not None and formats["call"] == b"printf" and formats["bracket"] is None
    elements, place = _elements(text, first, _WORDS if is_shell else COMMAS, of_key=of_key)
    if len(elements) == 1:
        return
    if formats and _is_call(formats):
        for spelled in _filled(formats["template"], elements):
            yield spelled[1:], (offset + formats.start(), place.at)
    yield from _joined(text, elements, (before, offset), place)


def _names_a_call(before: bytes) -> bool:
    # Written out: a loop over the words takes five times as long.
    return (
        b"%" in before
        or b"-f" in before
        or b"oin" in before
        or b"ormat" in before
        or b"rintf" in before
        or b"oncat" in before
        or b"mplode" in before
        or b"paste0" in before
    )


def _joined(
    text: bytes, elements: Sequence[Element], before: tuple[bytes, int], place: Place
) -> Iterator[tuple[Spelled, Span]]:
    behind, offset = before
    call, after = _CALL_BEFORE.search(behind), _CALL_AFTER.match(text, place.at)
    begin = offset + (call.start() if call else len(behind))
    for found in (call, after):
        separator = _separator(found, after) if found else None
        if separator is not None:
            yield _with(elements, separator), (begin, max(place.at, after.end() if after else 0))
            return
    named = _NAMED.search(behind)
    if named and _LIST_ENDS.match(text, place.at):
        for separator, span in _calls_with(text, named["name"], place.at):
            yield _with(elements, separator), span


def _separator(found: re.Match[bytes], after: re.Match[bytes] | None) -> bytes | None:
    named = found.groupdict()
    if named.get("go") and after is None:
        return None
    for group in ("separator", "first", "last", "behind"):
        if named.get(group) is not None:
            return bytes(named[group])
    return b"" if named.get("empty") else None


def _calls_with(text: bytes, name: bytes, start: int) -> Iterator[tuple[bytes, Span]]:
    """Calls that join the list of a name: their separators, and where they stand."""
    escaped = re.escape(name)
    call = re.compile(
        rb"[\"'`](?P<a>_?)[\"'`]\s{0,4}\.\s{0,4}join\s{0,4}\(\s{0,4}%b\s{0,4}\)"
        rb"|(?<!\w)\$?%b\s{0,4}\.\s{0,4}(?:join|Join|joinToString)\s{0,4}\(\s{0,4}[\"'`](?P<b>_?)[\"'`]"
        rb"|(?:\w{1,20}\.)?(?i:implode|join)\s{0,4}\(\s{0,4}[\"'`](?P<c>_?)[\"'`]\s{0,4},\s{0,4}\$?%b\s{0,4}\)"
        rb"|(?i:join)\s{0,4}\(\s{0,4}%b\s{0,4},\s{0,4}[\"'`](?P<d>_?)[\"'`]"
        rb"|(?<!\w)%b\.(?:join\b(?!\s{0,4}\()|joined\(\)|concat\(\))(?P<e>)"
        rb"|\$%b\s{1,4}-join\s{1,4}[\"'](?P<f>_?)[\"']" % ((escaped,) * 6)
    )
    for found in call.finditer(text, start):
        yield found[found.lastgroup or 0], found.span()


def completed(text: bytes, begin: int, place: Place) -> Iterator[tuple[Spelled, Span]]:
    """What a format makes of a template that holds a key's first characters: `"sk_live_{}".format("…")`.

    Args:
        text: single-byte text.
        begin: where the template's piece begins.
        place: behind that piece.
    """
    if not place.inside or not _HOLE.match(text, place.at):
        return
    template = _TEMPLATE.match(text, begin)
    behind = template and _FORMAT_BEHIND.match(text, template.end())
    if template is None or behind is None:
        return
    called = _FORMAT_CALL.search(text, max(0, begin - _REACH), begin)
    is_shell = called is not None and called["call"] == b"printf" and not called["bracket"]
    if called is None and (b"," in behind[0] or behind["blank"] is not None):
        return
    first = operand(text, behind.end())
    if first is not None:
        elements, end = _elements(text, first, _WORDS if is_shell else COMMAS)
        for spelled in _filled(template[0], elements):
            yield ((begin, place.at), *spelled[1:]), (called.start() if called else begin, end.at)


def _is_call(found: re.Match[bytes]) -> bool:
    """Whether a template stands in a call, or behind its template a sign that says the same."""
    signs = found[0][found.end("template") - found.start() :]
    return found["call"] is not None or b"%" in signs or b"-f" in signs or b"format" in signs


def _filled(template: bytes, elements: Sequence[Element]) -> Iterator[Spelled]:
    spelled: list[Span | bytes] = []
    at = count = 0
    for hole in _HOLE.finditer(template):
        digits = re.sub(rb"\D", b"", hole[0])
        number = count if not digits else int(digits) - (hole[0][:1] == b"%")
        count += 1
        if not 0 <= number < len(elements):
            return
        spelled += (template[at : hole.start()], *elements[number])
        at = hole.end()
    if count:
        yield (*spelled, template[at:])


def _elements(
    text: bytes, first: Part, separator: Joint, *, of_key: bool = False
) -> tuple[list[Element], Place]:
    """The elements of a list from the first on, and the place behind them."""
    elements, place = [first.pieces], first.place
    while len(elements) < _MOST_ELEMENTS and (part := next_operand(text, place, (separator,))):
        if begins_another(text, part):
            break
        rest = folded(text, part.place, (OPERATORS,))
        elements.append((*part.pieces, *rest.pieces))
        place = rest.place
        if of_key and len(elements) < _TELLING_ELEMENTS and not _may_begin_key(text, elements):
            break
    return elements, place


def _may_begin_key(text: bytes, elements: Sequence[Element]) -> bool:
    pieces = [piece for element in elements for piece in element]
    return may_begin_key(text, pieces) or may_begin_key(text, pieces, b"_")


def _with(elements: Sequence[Element], separator: bytes) -> Spelled:
    spelled: list[Span | bytes] = []
    for element in elements:
        spelled += (separator, *element)
    return tuple(spelled[1:])

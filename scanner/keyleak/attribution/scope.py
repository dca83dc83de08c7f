"""What a key is given to and what stands near it: names, enclosing calls, and texts from near to far."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import Reach
from keyleak.matching.boundary import is_left_boundary
from keyleak.matching.statement import key_shaped
from keyleak.on_use import on_use
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from keyleak.matching.statement import Around

# What stands between a name and its value; a default value may stand behind a call that reads the name, and a
# second result that is no value before the sign: `key, err := …`.
_GLUE: Final = on_use(
    rb"(?i:\\(?:u00|x)(?:2[0-9a-f]|3[a-f]|5[bd]|7[bcd])|\\t|%[0-9a-f]{2}|&(?:quot|apos|nbsp|gt|#[0-9]{2,3}|#x[0-9a-f]{2});"
    rb"|->|:-|[\"'`\s\\:=>,(|?\[{<@)\]+]|\b(?:bearer|basic|value|default(?:_?value)?|fallback|string|or|str)\b|--(?:body|value|data)\b"
    rb"|,\s?(?:_|err|ok)\s?:?=|\s\.\s|&(?:'static\s)?str\b|\.(?:unwrap_or|or|get|default)[a-z_]{0,12}\("
    rb"|</?[a-z][a-z0-9:.-]{0,24}(?:\s[^<>]{0,60})?>){1,80}\Z"
)
_CHAIN: Final = on_use(rb"(?:[A-Za-z0-9_$.-]|->|::|\[[\"']?|[\"']?\]){1,120}\Z")
# Between an enclosing bracket and its name no comma, which would make it another argument's; no blank line.
_OPENER_GLUE: Final = on_use(rb"[\\\"'` \t:=>(\[]{0,40}(?:\r?\n[\\\"'` \t:=>(\[]{0,40})?\Z")
_NOT_NAME: Final = on_use(rb"[^A-Za-z0-9]+")
# The bracket of a terminal's colour code opens nothing.
_BRACKET: Final = on_use(rb"(?<!\x1b)[()\[\]{}]")
# A break behind a backslash goes on. Literals stand first: then `re` skips to the bytes they begin with.
_BREAK: Final = on_use(rb"\n(?<!\\\n)(?<!\\\r\n)|\r(?!\n)|\\r\\n|\\n")
_BLANK: Final = on_use(rb"\s*\Z")
_PARENT: Final = on_use(rb"([ \t]*)(?:- )?[\"']?([A-Za-z0-9_.-]{1,80})[\"']?\s*:\s*(?:[|>&][^\s]*)?\s*\Z")
_ASSIGNED: Final = on_use(
    rb"(?<![A-Za-z0-9_$])([A-Za-z_$][A-Za-z0-9_$.-]{0,80})(?:\s*,\s*\w{1,20})?\s*(?::\s*[\w<>\[\]]{1,40}\s*)?(?::=|=(?![=>])|[\"']?\s?:(?![:=]))"
)
# Calls around the value, with nothing else given to them.
_WRAPPED: Final = on_use(rb"[^;,={}]*\([^;,={}]*(?:[\"'],[^;,={}]*)?")
_SIGNS: Final = ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&quot;", b'"'))
# An element that holds something, and what an attribute calls it.
_TAG: Final = on_use(
    rb"<(?P<end>/?)(?P<element>[A-Za-z][\w:.-]{0,60})"
    rb"(?:[^<>]{0,80}?\s(?:name|key|id)=[\"']?(?P<name>[\w.-]{1,60}))?[^<>]{0,200}(?<!/)>"
)
_SECTION: Final = on_use(rb"(?m)^[ \t]*\[\[?[ \t]*([A-Za-z0-9_.:\" -]{1,80}?)[ \t]*\]\]?[ \t]*\r?$")
# A manifest that holds keys is called after what they are for.
_MANIFEST: Final = on_use(
    rb"(?m)^metadata:[ \t]*\r?\n(?:[ \t]+[^\n]*\n){0,8}?[ \t]+name:[ \t]*[\"']?([A-Za-z0-9_.-]{1,80})|^---"
)
_TOP_LEVEL: Final = on_use(rb"(?m)^[^\s#][^\n]*")
_CARRIED: Final = on_use(
    rb"(?i)(?:\bauthorization\b|\bbearer\b|\bbasic\b|\bx-[a-z-]{0,20}key\b)[^;\r\n]{0,80}\Z"
)
# Key-shaped text: what stands on its line, or on its side of the line, belongs to it.
_KEY: Final = on_use(key_shaped(rb"ak"))
# A publishable key before the secret one, as HTTP Basic may hold both.
_PAIR: Final = on_use(rb"pk_(?:live|test)_[A-Za-z0-9]{12,}:\Z")
_SEPARATOR: Final = on_use(rb"[,;{&\s](?=[^,;{&\s]*\Z)")

_TAIL: Final = 240
_CALL_REACH: Final = 700
_LINE_REACH: Final = 512
_DEEPEST: Final = 4
_BLOCK_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a key stands."""

    names: tuple[bytes, ...]
    """What the value is given to, words joined by `_`: the name itself, then behind those of the mappings,
    sections and calls that hold it."""
    assignee: bytes
    """The variable that gets what calls make of the value, empty where there is none."""
    calls: tuple[bytes, ...]
    """The text before and with each bracket around the value, innermost first."""
    is_carried: bool
    """Whether it stands where a request carries a key."""
    line: bytes
    """The line of the key, without what belongs to other keys on it."""
    texts: tuple[tuple[Reach, bytes], ...]
    """Texts around the key without what belongs to other keys, nearest first."""


def scope_of(around: Around) -> Scope:
    """The scope of a key."""
    around = replace(around, before=_PAIR.sub(b"", around.before))
    cut = _end_of_others(around.before)
    before, after = around.before[cut:], _until_others(around.after)
    line = before[_last_end(_BREAK, before) :][-_LINE_REACH:] + b"\n" + _first_line(after)[:_LINE_REACH]
    openers = tuple(_openers(around.before))
    calls = tuple(around.before[max(0, opener - 80) : opener + 1] for opener in openers)
    return Scope(
        names=tuple(dict.fromkeys(_names(around.before, openers))),
        assignee=_assignee(around.before[_last_end(_BREAK, around.before) :]),
        calls=tuple(call[_last_end(_BREAK, call) :] for call in calls),
        is_carried=_CARRIED.search(before[_last_end(_BREAK, before) :]) is not None,
        line=line,
        texts=(
            *_in_brackets(around.before[cut:], after, [max(0, opener - cut) for opener in openers]),
            (Reach.STATEMENT, line),
            (Reach.BLOCK, b"\n".join(_block(around))),
            (Reach.STATEMENT, b"\n".join(line for line in _parents(around.before) if not any(_keys(line)))),
        ),
    )


def lines_without_keys(text: bytes) -> list[bytes]:
    """The lines of a text that hold no key."""
    return [line for line in _BREAK.split(text) if not any(_keys(line))]


def _keys(text: bytes) -> Iterator[re.Match[bytes]]:
    return (found for found in _KEY.finditer(text) if is_left_boundary(text, found.start()))


def _names(before: bytes, openers: tuple[int, ...]) -> Iterator[bytes]:
    own = _chain(_GLUE.sub(b"", before[-_TAIL:]))
    yield own
    outer = own
    keys = (_joined(found[2]) for line in _parents(before) if (found := _PARENT.match(line)))
    for holder in (*_elements(before), *_holders(before, openers), *keys):
        outer = b"_".join(part for part in (holder, outer) if part)
        yield outer
    sections = [found[1] for found in _SECTION.finditer(before)]
    if sections and own:
        yield _joined(sections[-1]) + b"_" + own
    manifests = list(_MANIFEST.finditer(before))
    if manifests and _is_data(before[manifests[-1].end() :]):
        yield _joined(manifests[-1][1] or b"") + b"_" + own


def _is_data(text: bytes) -> bool:
    """Whether a manifest is at its data by the end of a text."""
    lines = [found[0] for found in _TOP_LEVEL.finditer(text)]
    return bool(lines) and lines[-1].startswith((b"data:", b"stringData:"))


def _assignee(line: bytes) -> bytes:
    """The variable that gets what calls make of the value: `stripeKey = decode("…")`, `KEY=$(echo …`."""
    found = _ASSIGNED.search(line)
    return _joined(found[1]) if found and _WRAPPED.fullmatch(line, found.end()) else b""


def _elements(before: bytes) -> Iterator[bytes]:
    """The elements of XML and HTML, escaped or not, that hold the end of a text, innermost first."""
    text = before[-_CALL_REACH:]
    for escaped, sign in _SIGNS:
        text = text.replace(escaped, sign)
    closed = 0
    for tag in reversed(list(_TAG.finditer(text))):
        if tag["end"]:
            closed += 1
        elif closed:
            closed -= 1
        else:
            yield _joined(tag["element"] + b"_" + (tag["name"] or b""))


def _holders(before: bytes, openers: tuple[int, ...]) -> Iterator[bytes]:
    for opener in openers:
        head = before[max(0, opener - _TAIL) : opener]
        yield _chain(_OPENER_GLUE.sub(b"", head))


def _parents(before: bytes) -> Iterator[bytes]:
    """The lines that hold the last one, by indentation: keys of YAML mappings, definitions, blocks."""
    lines = _BREAK.split(before)
    indent = _indent(lines[-1])
    for line in reversed(lines[:-1][-_BLOCK_LINES * 2 :]):
        if indent == 0:
            return
        if _BLANK.match(line):
            continue
        depth = _indent(line)
        if depth < indent:
            indent = depth
            yield line


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" \t"))


def _chain(text: bytes) -> bytes:
    found = _CHAIN.search(text)
    return _joined(found[0]) if found else b""


def _joined(name: bytes) -> bytes:
    return _NOT_NAME.sub(b"_", name).strip(b"_")


def _openers(before: bytes) -> Iterator[int]:
    """Brackets that are open at the end of a text, innermost first."""
    closed = found = 0
    start = max(0, len(before) - _CALL_REACH)
    for bracket in reversed(list(_BRACKET.finditer(before, start))):
        if bracket[0] in b")]}":
            closed += 1
        elif closed:
            closed -= 1
        else:
            yield bracket.start()
            found += 1
            if found == _DEEPEST:
                return


def _in_brackets(before: bytes, after: bytes, openers: list[int]) -> Iterator[tuple[Reach, bytes]]:
    """What each bracket around the key holds besides the one in it, from the innermost outwards.

    A call is one statement.
    """
    inner, closed = len(before), 0
    for depth, opener in enumerate(openers):
        closing = _closing(after, depth)
        inside, rest = before[opener:inner], after[closed:closing]
        if inside.startswith(b"(") or not _BREAK.search(before, opener):
            yield Reach.STATEMENT, inside + b"\n" + rest
        else:
            lines = [*_BREAK.split(inside), *_BREAK.split(rest)] if depth else _branch(inside, rest)
            yield Reach.BLOCK, b"\n".join(line for line in lines if not any(_keys(line)))
        inner, closed = opener, closing


def _branch(before: bytes, after: bytes) -> list[bytes]:
    """The lines around the key up to one that is indented less: there another branch begins."""
    *above, own = _BREAK.split(before)
    rest, *below = _BREAK.split(after)
    indent = _indent(own)

    def is_within(line: bytes) -> bool:
        return _indent(line) >= indent or _BLANK.match(line) is not None

    return [*reversed(list(takewhile(is_within, reversed(above)))), own, rest, *takewhile(is_within, below)]


def _closing(after: bytes, depth: int) -> int:
    """Where the bracket closes that is open `depth` brackets outside the innermost one."""
    open_brackets = 0
    for bracket in _BRACKET.finditer(after, 0, _CALL_REACH):
        if bracket[0] in b"([{":
            open_brackets += 1
        elif open_brackets:
            open_brackets -= 1
        elif depth == 0:
            return bracket.start()
        else:
            depth -= 1
    return min(len(after), _CALL_REACH)


def _block(around: Around) -> list[bytes]:
    """The lines around, up to a blank one or one that is indented less; without those of other keys."""
    *lines_before, own = _BREAK.split(around.before)
    lines_after = _BREAK.split(around.after)[1:]
    indent = _indent(own)
    before = list(_neighbours(reversed(lines_before), indent))[::-1]
    return [*_of_no_key(before, indent), *_of_no_key(_neighbours(iter(lines_after), indent), indent)]


def _of_no_key(lines: Iterable[bytes], indent: int) -> Iterator[bytes]:
    """Lines that belong to no key: what a line holds that is indented more belongs together."""
    groups: list[list[bytes]] = []
    for line in lines:
        if groups and _indent(line) > indent:
            groups[-1].append(line)
        else:
            groups.append([line])
    for opening, *held in groups:
        if not any(any(_keys(line)) for line in (opening, *held)):
            yield from (opening, *held)


def _neighbours(lines: Iterator[bytes], indent: int) -> Iterator[bytes]:
    for _, line in zip(range(_BLOCK_LINES), lines, strict=False):
        if _BLANK.match(line) or _indent(line) < indent:
            return
        yield line


def _first_line(text: bytes) -> bytes:
    found = _BREAK.search(text)
    return text[: found.start()] if found else text


def _until_others(after: bytes) -> bytes:
    """What stands behind a key, up to what belongs to the next one: its brackets, its line, its argument."""
    following = next(_keys(after), None)
    if following is None:
        return after
    until = after[: _first_open(after, following.start())]
    line_start = _last_start(_BREAK, until)
    if line_start is not None:
        return until[:line_start]
    separator = _SEPARATOR.search(until)
    return until[: separator.start()] if separator else b""


def _first_open(text: bytes, end: int) -> int:
    """Where the outermost bracket stands that is opened and not closed before an end."""
    opened: list[int] = []
    for bracket in _BRACKET.finditer(text, 0, end):
        if bracket[0] in b"([{":
            opened.append(bracket.start())
        elif opened:
            opened.pop()
    return opened[0] if opened else end


def _end_of_others(before: bytes) -> int:
    """Where what belongs to the key before this one ends: its line, and the brackets that it stands in."""
    end = max((found.end() for found in _keys(before)), default=0)
    if end == 0:
        return 0
    line_end = _BREAK.search(before, end)
    cut, depth = line_end.end() if line_end else end, 0
    for bracket in _BRACKET.finditer(before, end):
        if bracket[0] in b"([{":
            depth += 1
        elif depth:
            depth -= 1
        else:
            cut = max(cut, bracket.end())
    return cut


def _last_start(pattern: re.Pattern[bytes], text: bytes) -> int | None:
    return max((found.start() for found in pattern.finditer(text)), default=None)


def _last_end(pattern: re.Pattern[bytes], text: bytes) -> int:
    return max((found.end() for found in pattern.finditer(text)), default=0)

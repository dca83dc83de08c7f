"""Where a variable that holds a key is used further on: what it is given to there, the key is given to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import Evidence, Kind, Reach
from keyleak.attribution.gathering import given_at, nearby
from keyleak.attribution.scope import scope_of
from keyleak.matching.statement import around
from keyleak.on_use import on_use
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyleak.attribution.scope import Scope
    from keyleak.attribution.signals import Signals
    from keyleak.matching.budget import Budget
    from keyleak.matching.statement import Around

_TYPE: Final = rb"(?:\s{0,4}:\s{0,4}[&'\w<>\[\]? ]{1,40}?)?"
_SIGN: Final = rb"\s{0,4}(?::=|=(?![=>~])|<-)"
# The variable, constant or field that a line sets, up to its value. No member of another object: the same
# name elsewhere may be another's.
_DEFINITION: Final = on_use(
    rb"(?:\A|[\s;{$@(]|\b(?:self|this|cls|exports)(?:\.|->))@?([A-Za-z_]\w+)"
    + _TYPE
    + _SIGN
    + rb"[^=;{}]{0,160}\Z"
)
_ELIXIR_ATTRIBUTE: Final = on_use(rb"\A\s*@([a-z_]\w+) [\"'][^=;{}]{0,40}\Z")
_SET: Final = on_use(_TYPE + _SIGN)
_KEY_NAME: Final = on_use(rb"\s{0,4}:(?!:)")
# What gives the name another value besides an assignment to it alone: `for key in`, `as key`, `{ key } =`,
# `key, err :=`.
_NAMED_ANEW: Final = on_use(rb"\b(?:as|import)\s{1,4}\Z")
_LISTED: Final = on_use(rb"(?:\bfor(?:each)?\b[\s($]{1,4}(?:(?:const|let|var)\s)?|[({\[,]\s{0,4}|\A\s*)\Z")
_LIST_SET: Final = on_use(
    rb"\s{0,4}(?:\b(?:in|of)\b|(?:,\s{0,4}[\w$]{1,40}\s{0,4}){0,4}[)}\]]?\s{0,4}(?::=|=(?![=>])))"
)
_FUNCTION: Final = on_use(rb"\b(?:def|function|func|fun|fn|sub)\b[^()\n]{0,80}\([^()\n]{0,200}\Z")
_ARROW: Final = on_use(rb"[^()\n]{0,200}\)?\s*=>")
_MEMBER: Final = on_use(rb"(?<![A-Za-z0-9_])(?!(?:self|this|cls|static|exports)\b)[a-z_]\w*\)?(?:\.|->)\Z")
_HEAD: Final = 256
_MOST_USES: Final = 6
# A name that stands everywhere is that of many things.
_MOST_PLACES: Final = 64
# What it costs to search a content for a name, to look at a place where it stands, and around one.
_SEARCHED_AT_ONCE: Final = 8
_PLACE: Final = 256
_SCOPE: Final = 6144
_AT: Final = 5
_AROUND: Final = 19


class Uses:
    """Where the variables of a content are used; each name is looked for once."""

    def __init__(self, text: bytes) -> None:
        """Begin with nothing known of a content in single bytes."""
        self._text = text
        self._places: dict[bytes, Sequence[_Place]] = {}
        self._scopes: dict[tuple[int, int], Scope] = {}

    def of(self, where: Around, budget: Budget | None = None) -> list[Scope]:
        """The surroundings of the uses of the variable that a key is assigned to.

        Args:
            where: what stands around the key in the content.
            budget: what that may cost; None for whatever it costs.
        """
        text = self._text
        line = where.before[max(where.before.rfind(b"\n"), where.before.rfind(b"\r")) + 1 :]
        name = _defined(line)
        if not name or (budget and not budget.spend(len(text) // _SEARCHED_AT_ONCE)):
            return []
        start = text.find(where.before)
        if start < 0:
            return []
        uses = _uses(text, self._places_of(name, budget), start + len(where.before))
        return [self._scope(use, use + len(name)) for use in uses[:_MOST_USES] if _may_look(budget)]

    def _places_of(self, name: bytes, budget: Budget | None) -> Sequence[_Place]:
        known = self._places.get(name)
        if known is None:
            known = self._places[name] = tuple(_places(self._text, name))
            if budget:
                budget.spend(_PLACE * len(known))
        return known

    def _scope(self, start: int, end: int) -> Scope:
        known = self._scopes.get((start, end))
        if known is None:
            known = self._scopes[start, end] = scope_of(around(self._text, start, end))
        return known


def _may_look(budget: Budget | None) -> bool:
    return budget is None or budget.spend(_SCOPE)


def at_uses(
    scopes: Sequence[Scope], signals: Iterable[Signals], imported: Mapping[bytes, str]
) -> Iterator[Evidence]:
    """What the variable is given to, and what stands there; see `imported_names`."""
    chosen = list(signals)
    for scope in scopes:
        for each in (*given_at(scope, chosen, imported), *nearby(scope, chosen)):
            if each.reach in {Reach.GIVEN, Reach.STATEMENT}:
                yield _in_use(each, Reach.USE, _AT)
            elif each.kind in {Kind.HOST, Kind.CALL, Kind.PACKAGE}:
                yield _in_use(each, Reach.BLOCK, _AROUND)


def _in_use(evidence: Evidence, reach: Reach, distance: int) -> Evidence:
    line = f"where it is used: {evidence.line}"
    return replace(evidence, reach=reach, distance=distance, line=line, in_use=True)


def _defined(line: bytes) -> bytes:
    """The name that a line sets to what follows it, empty where it does not."""
    found = _DEFINITION.search(line) or _ELIXIR_ATTRIBUTE.search(line)
    return b"" if found is None or _is_in_call(line[: found.start(1)]) else found[1]


def _is_in_call(line: bytes) -> bool:
    return line.count(b"(") > line.count(b")")


@dataclass(frozen=True, slots=True)
class _Place:
    """A place where a name stands."""

    text: bytes
    start: int
    end: int
    line: bytes
    """What stands before it on its line."""

    @property
    def is_another(self) -> bool:
        """Whether from here on the name stands for something else: it is set, or a parameter."""
        if _SET.match(self.text, self.end) and not _is_in_call(self.line):
            return True
        if _NAMED_ANEW.search(self.line) or (
            _LISTED.search(self.line) and _LIST_SET.match(self.text, self.end) and not self._is_argument
        ):
            return True
        is_listed = _is_in_call(self.line) or not self.line.strip()
        return bool(_FUNCTION.search(self.line) or (is_listed and _ARROW.match(self.text, self.end)))

    @property
    def _is_argument(self) -> bool:
        """Whether it is the name of an argument: `get(url, key=…`."""
        return _is_in_call(self.line) and _SET.match(self.text, self.end) is not None

    @property
    def is_use(self) -> bool:
        """Whether the value stands here: no string, no name of an argument or a key, no other's member."""
        before, after = self.text[self.start - 1 : self.start], self.text[self.end : self.end + 1]
        if (before in {b'"', b"'"} and after == before) or _MEMBER.search(self.line):
            return False
        if _SET.match(self.text, self.end):
            return False
        begins = self.line.rstrip()[-1:] in {b"", b"{", b",", b"("}
        return not (begins and _KEY_NAME.match(self.text, self.end))


def _uses(text: bytes, places: Sequence[_Place], position: int) -> list[int]:
    """Where a name stands for the value that it gets at a position: until it gets another one."""
    if len(places) > _MOST_PLACES:
        return []
    others = [
        each.start
        for each in places
        if each.is_another and not (each.start < position and b"\n" not in text[each.start : position])
    ]
    first = position if others else 0
    last = min((other for other in others if other > position), default=len(text))
    return [each.start for each in places if first <= each.start < last and each.is_use]


def _places(text: bytes, name: bytes) -> Iterator[_Place]:
    start = text.find(name)
    for _ in range(_MOST_PLACES * 4):
        if start < 0:
            return
        end = start + len(name)
        if not (_goes_on(text[max(0, start - 2) : start][::-1]) or _goes_on(text[end : end + 2])):
            line_start = max(text.rfind(b"\n", 0, start), text.rfind(b"\r", 0, start)) + 1
            yield _Place(text, start, end, text[max(line_start, start - _HEAD) : start])
        start = text.find(name, end)


def _goes_on(beside: bytes) -> bool:
    """Whether what stands beside a name belongs to it: `secret-key` is no use of `secret`."""
    character = beside[1:] if beside.startswith(b"-") else beside[:1]
    return character.isalnum() or character == b"_"

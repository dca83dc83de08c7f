"""Evidence for issuers: what a key is given to, its statement, its block, its file and its project."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from keyleak.attribution.evidence import Evidence, Kind, Reach
from keyleak.attribution.imports import issuer_of_call, places_of
from keyleak.matching.match import GivenBy
from keyleak.on_use import on_use
from keyleak.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyleak.attribution.scope import Scope
    from keyleak.attribution.signals import Signals
    from keyleak.matching.match import Match

# A name with a value of its own says nothing of the value beside it.
_OWN_VALUE: Final = on_use(rb"[A-Za-z0-9_]{0,40}[\"'`\]]{0,3}\s{0,4}(?::(?!:)|=|,\s{0,4}[\"'`])")
_NAMES_A_VALUE: Final = on_use(rb"[a-z0-9_-]{0,40}[\"'`\]]{0,3}\s{0,4}(?::(?!:)|=)")
_COMMENT: Final = on_use(rb"(?:^|(?<=\s))(?:#|//|--\s|/\*|\*\s|<!--|;).*")
# The object that is worked with; the provider that a setting, a branch or a cell of a table names.
_USED: Final = on_use(rb"\.[a-z_]|::|->")
_PROVIDER: Final = on_use(
    rb"(?:provider|gateway|processor|service|vendor|psp|adapter|driver|issuer)[\"'`\])}]{0,3}\s{0,4}(?:=>|[:=,])"
    rb"\s{0,4}[\"'`:]?\Z|\b(?:case|when)\s{1,4}[\"'`:]?\Z|\bconfig\s{1,4}:[a-z_]{1,40},\s{0,4}:\Z"
)
_CALLED: Final = on_use(
    rb"(?<![a-z])(?:name|slug|code|type|id|label|title|platform)[\"'`]{0,2}\s{0,4}(?:=>|[:=])\s{0,4}[\"'`:]?\Z"
    rb"|(?:\A|\|)[\s*`]{0,8}\Z"
)
_CALLED_END: Final = on_use(rb"[\"'`*]{0,2}\s{0,4}(?:[,;}\]|]|\Z|\([a-z0-9. /-]{1,40}\)\s{0,4}\|)")
_ADDRESS: Final = on_use(rb"\bhttps?://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})")
_NOBODYS: Final = on_use(rb"\A(?:127|10|192\.168)\.|\b(?:w3|json-schema|schemastore)\.org\Z")
_CARRIER: Final = on_use(
    rb"auth(?:orization)?\b|bearer|basic\b|api[_-]?key|--token|-u\b|\"(?:key|secret|token)\"\s{0,4}:"
)
_GENERIC: Final = frozenset(
    b"api key keys secret secrets live test testing prod production dev development stage staging token"
    b" private server backend auth authorization bearer basic payment payments pay billing checkout default"
    b" app env environ config settings client credential credentials password value current old new main"
    b" const let var static final string str public process getenv get this self header headers base user"
    b" options opts req request http https res response curl curlopt userpwd provider providers gateway"
    b" gateways service services vendor vendors integrations data apikey"
    b" builder init new create make set add with".split()
)
# What a call calls, with what a generic one is of.
_CALLEE: Final = on_use(rb"([\w.:\\<>-]{1,80})[ \t]{0,2}\(\Z")
_NOT_WORD: Final = on_use(rb"\W+")
_CAMEL: Final = on_use(rb"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")
# Texts are numbered through from the innermost bracket to the block, so both begin alike.
_DISTANCES: Final = {
    Reach.GIVEN: 0,
    Reach.USE: 5,
    Reach.STATEMENT: 10,
    Reach.BLOCK: 10,
    Reach.FILE: 20,
    Reach.MANIFEST: 30,
    Reach.REPOSITORY: 40,
}
_Where: TypeAlias = tuple[Reach, int]
_PLACES: Final = {
    Reach.STATEMENT: "in the same statement",
    Reach.BLOCK: "in the lines around it",
    Reach.FILE: "in the same file",
}


def given(
    match: Match, scope: Scope, signals: Iterable[Signals], imported: Mapping[bytes, str]
) -> Iterator[Evidence]:
    """What the value is given to; see `imported_names` for what the file imports."""
    for issuer in signals:
        by_call = list(_by_call(scope, issuer, imported))
        # What `new Flora({apiKey: …})` makes a name of is the call once more, not the issuer's own name.
        own_names = scope.names[:1] if by_call and issuer.namesakes else scope.names
        by_name = list(_by_name(own_names, scope.assignee, issuer))
        yield from by_name
        yield from by_call
        recipients = {each.by for each in match.assigned_to if each.issuer == issuer.issuer}
        if GivenBy.NAME in recipients and all(each.kind is not Kind.NAME for each in by_name):
            yield evidence_of(issuer, (Reach.GIVEN, 0), Kind.NAME, "given to its name for a key")
        if GivenBy.CALL in recipients:
            yield evidence_of(issuer, (Reach.GIVEN, 1), Kind.CALL, "given to its client or command")
        if GivenBy.PLACE in recipients:
            yield evidence_of(
                issuer, (Reach.STATEMENT, 0), Kind.CARRIER, "carried beside its host or package"
            )


def given_at(scope: Scope, signals: Iterable[Signals], imported: Mapping[bytes, str]) -> Iterator[Evidence]:
    """What the variable that holds the value is given to at a place where it is used."""
    for issuer in signals:
        yield from _by_name(scope.names, scope.assignee, issuer)
        yield from _by_call(scope, issuer, imported)


def _by_call(scope: Scope, issuer: Signals, imported: Mapping[bytes, str]) -> Iterator[Evidence]:
    calls = [call for call in scope.calls if call.endswith(b"(")]
    for depth, call in enumerate(calls):
        found = issuer.calls.last_in(call.lower())
        if found:
            yield evidence_of(issuer, (Reach.GIVEN, depth), Kind.CALL, f"argument of {shown(found)}")
            return
        if issuer_of_call(call, imported) == issuer.issuer:
            line = f"argument of what is imported from {shown(issuer.brand)}"
            yield evidence_of(issuer, (Reach.GIVEN, depth), Kind.CALL, line)
            return
        if issuer.brands_names and _is_called_after(call, issuer.brand):
            line = f"argument of what is called after {shown(issuer.brand)}"
            yield evidence_of(issuer, (Reach.GIVEN, depth + 1), Kind.BRAND, line)
            return


def _is_called_after(call: bytes, brand: bytes) -> bool:
    """Whether a class, a namespace or what makes them generic begins with a brand: `PaymongoClient(`."""
    callee = _CALLEE.search(call)
    return callee is not None and any(
        brand in {first.lower(), b"".join(words[:2]).lower()}
        for part in _NOT_WORD.split(callee[1])
        if part[:1].isupper() and (words := _CAMEL.findall(part)) and (first := words[0])
    )


def _by_name(names: Sequence[bytes], assignee: bytes, issuer: Signals) -> Iterator[Evidence]:
    for depth, name in (*enumerate(names), (0, assignee)):
        found = issuer.names and issuer.names.search(name)
        if found and not _is_brand(found[0], issuer):
            yield evidence_of(issuer, (Reach.GIVEN, depth), Kind.NAME, f"given to {shown(found[0])}")
            return
    for depth, name in (*enumerate(names), (0, assignee)):
        kind = _kind_of_name(name, issuer)
        if kind:
            where = (Reach.BLOCK if depth and kind is Kind.BRAND else Reach.GIVEN, depth)
            yield evidence_of(issuer, where, kind, f"given to a name with {shown(issuer.brand)} in it")
            return


def _is_brand(found: bytes, issuer: Signals) -> bool:
    """Whether a name is the issuer's own and nothing more."""
    return found.lower().replace(b"_", b"").replace(b"-", b"") == issuer.brand


def _kind_of_name(name: bytes, issuer: Signals) -> Kind | None:
    """What a name with the issuer's in it says; with only `api`, `key` and the like it is one for its key.

    An ordinary word says something where nothing else stands beside it.
    """
    rest = None if issuer.namesakes else _rest_of_name(name, issuer.brand)
    if rest is None:
        return None
    generic = all(map(_is_generic_word, rest))
    if issuer.brands_names:
        return Kind.NAME if rest and generic else Kind.BRAND
    return Kind.BRAND if generic and issuer.brand not in _GENERIC else None


def _rest_of_name(name: bytes, brand: bytes) -> list[bytes] | None:
    """The words of a name without the one that is a brand, or two neighbours that are: `pay_stack`."""
    words = [word.lower() for word in _CAMEL.findall(name)]
    for index, word in enumerate(words):
        for last in (index + 1, index + 2):
            if brand.startswith(word) and b"".join(words[index:last]) == brand:
                return words[:index] + words[last:]
    return None


def is_generic(name: bytes) -> bool:
    """Whether a name says nothing of whose key it is: `API_KEY`, `secretKey`, `KEY2`; `ACME_KEY` does."""
    return all(map(_is_generic_word, re.findall(rb"[A-Z]?[a-z]+|[A-Z]+", name)))


def _is_generic_word(word: bytes) -> bool:
    return len(word) <= 2 or word.lower() in _GENERIC


def nearby(scope: Scope, signals: Iterable[Signals]) -> Iterator[Evidence]:
    """What stands in the statement and the block, nearest first for each issuer."""
    chosen = list(signals)
    for step, (reach, text) in enumerate(scope.texts):
        where, lower = (reach, step), text.lower()
        is_carrier = reach is Reach.STATEMENT and _CARRIER.search(lower)
        for issuer in chosen:
            if is_carrier and issuer.namesakes:
                yield evidence_of(issuer, where, Kind.CARRIER, "carried in a request")
            if issuer.may_stand_in(lower):
                in_use = scope.is_carried and reach is Reach.STATEMENT
                yield from (replace(each, in_use=in_use) for each in _words(issuer, where, lower))
                yield from _brand(issuer, where, lower)
                yield from _mentions(issuer, where, text) if reach is Reach.STATEMENT else ()


def _words(issuer: Signals, where: _Where, lower: bytes) -> Iterator[Evidence]:
    for kind, words in issuer.words:
        found = words.first_in(lower)
        if found:
            yield evidence_of(issuer, where, kind, f"{shown(found)} {_PLACES[where[0]]}")


def _brand(issuer: Signals, where: _Where, lower: bytes) -> Iterator[Evidence]:
    """The issuer's name in a text; more than a mention where code uses it or a setting names it."""
    if issuer.brand not in lower:
        return
    kinds = {kind for line in lower.split(b"\n") for kind in _brand_kinds(issuer.brand, where[0], line)}
    if issuer.namesakes:
        # In a host or the name of a package it is no second signal.
        kinds = {Kind.WORD} if re.search(rb"(?<![\w./@-])" + issuer.brand + rb"(?![\w./-])", lower) else set()
    elif not issuer.brands_names:
        kinds &= {Kind.BRAND}
    if kinds:
        kind = Kind.BRAND if Kind.BRAND in kinds else Kind.WORD
        yield evidence_of(issuer, where, kind, f"{shown(issuer.brand)} {_PLACES[where[0]]}")


def _brand_kinds(brand: bytes, reach: Reach, line: bytes) -> Iterator[Kind]:
    text = _COMMENT.sub(b"", line) if brand in line else b""
    for end in _ends_of_word(brand, text):
        start = end - len(brand)
        is_called = _CALLED.search(text, 0, start) and _CALLED_END.match(text, end)
        if is_called or _PROVIDER.search(text, 0, start):
            yield Kind.BRAND
        elif not _NAMES_A_VALUE.match(text, end):
            yield Kind.BRAND if reach is Reach.STATEMENT and _USED.match(text, end) else Kind.WORD


def _ends_of_word(word: bytes, text: bytes) -> Iterator[int]:
    """Where a word ends that stands between other characters than letters and digits."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum():
            yield end
        start = text.find(word, end)


def _mentions(issuer: Signals, where: _Where, text: bytes) -> Iterator[Evidence]:
    """Names of the issuer's key without a value of their own, as in a comment."""
    for found in issuer.names.finditer(text) if issuer.names else ():
        if not _OWN_VALUE.match(text, found.end()) and not _is_brand(found[0], issuer):
            yield evidence_of(issuer, where, Kind.NAME, f"{shown(found[0])} {_PLACES[where[0]]}")
            return


def has_address(scope: Scope) -> bool:
    """Whether an address of the net stands in the statement of a key."""
    texts = (text for reach, text in scope.texts if reach is Reach.STATEMENT)
    return any(not _NOBODYS.search(found[1]) for text in texts for found in _ADDRESS.finditer(text))


def in_file(
    lower: bytes, signals: Iterable[Signals], packages: Sequence[tuple[bytes, int]]
) -> Iterator[Evidence]:
    """What a file imports and talks to.

    Args:
        lower: the file's beginning in lower case, lines with keys left out.
        signals: the issuers to look for.
        packages: what it imports; see `imported_packages`.
    """
    hosts = {found[1] for found in _ADDRESS.finditer(lower) if not _NOBODYS.search(found[1])}
    for issuer in signals:
        yield from _words(issuer, (Reach.FILE, 0), lower)
        own = next((words for kind, words in issuer.words if kind is Kind.HOST), None)
        if own and hosts and all(map(own.first_in, hosts)):
            line = "its host is the only one that the file talks to"
            yield evidence_of(issuer, (Reach.FILE, 0), Kind.ONLY_HOST, line)
        if places_of(issuer, packages):
            yield evidence_of(
                issuer, (Reach.FILE, 0), Kind.PACKAGE, f"the file imports {shown(issuer.brand)}"
            )


def evidence_of(issuer: Signals, where: _Where, kind: Kind, what: str) -> Evidence:
    """A piece of evidence, with the issuer that it speaks for in words."""
    reach, step = where
    return Evidence(
        issuer.issuer, reach, _DISTANCES[reach] + min(step, 9), kind, f"{what} ({issuer.display})"
    )


def shown(word: bytes) -> str:
    """A word of the rules as evidence writes it."""
    return repr(word.decode("ascii", "replace"))

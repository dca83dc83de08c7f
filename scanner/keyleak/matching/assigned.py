"""Keys found by what they are given to: a name, header, flag or SDK call of an issuer.

FLORA documents no body, and its keys may begin `ak_`, which a dozen products use. So a value is looked for
where something of FLORA's stands: beside one of its names, in one of its calls, or behind a carrier
(`Authorization: Bearer`, `--api-key`, `apiKey:`, `WithAPIKey(`) on a line with its host or package.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.matching.boundary import is_left_boundary
from keyleak.matching.engine import MAX_BODY
from keyleak.matching.entropy import shannon_entropy
from keyleak.matching.match import GivenBy
from keyleak.matching.occurrences import Occurrences
from keyleak.matching.prefixed import body_reason
from keyleak.matching.view import REACH_BEFORE
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyleak.matching.compiled import CompiledRules, IssuerWords, Shape
    from keyleak.matching.prefixed import Shaped
    from keyleak.rulebook.model import KeyRule

# Between a name and its value: an escape, space, quotes, brackets, an operator, a block's mark, a default's
# comma or call, a type, a tag, an option, a word or two.
_GLUE: Final = (
    rb"(?:\\u00[0-9a-f]{2}|\\x[0-9a-f]{2}|%[0-9a-f]{2}|&(?:quot|apos|nbsp|gt|#[0-9]{2,3}|#x[0-9a-f]{2});"
    rb"|\s{1,80}+|[\"'`\]\)}]|\\(?!u00|x[0-9a-f]{2})"
    rb"|:=|=>|==?|\|\||\?\?|\?:|[|>][+-]|[:,|(>@{\[]|</?[a-z]{1,12}>"
    rb"|&(?:'static\s)?str\b|--(?:body|value|data)\b"
    rb"|\.(?:unwrap_or|or|get|default)[a-z_]{0,12}\("
    rb"|\b(?:string|value|default(?:_?value)?|fallback|bearer|str|or)\b){1,14}?"
)
_BODY: Final = rb"(?P<value>[A-Za-z0-9_+/.~=-]{16,260})"
_VALUE: Final = rb"(?<![A-Za-z0-9_+/.~$-])" + _BODY
_AFTER_NAME: Final = on_use(rb"(?i:" + _GLUE + rb")" + _BODY)
_CARRIER: Final = on_use(
    rb"(?i:(?<![a-z0-9])"
    rb"(?:--api-key|--token|--user|-u|bearer|(?:x-)?api[_-]?key|api[_-]?token|secret(?:[_-]?key)?|token|WithAPIKey)"
    rb"(?:[\"'`\]\)}\\\s]|:=|=>|=|[:,(]|\bbearer\b){1,8}?)" + _VALUE
)
_DIRECT: Final = on_use(rb"\s{0,8}[\"'`]" + _VALUE)
_SDK_OPTION: Final = on_use(rb"WithAPIKey\(\s{0,8}[\"`]" + _VALUE)

_WORD_REACH: Final = 64
_CALL_REACH: Final = 600
# The longest name, its suffix, and what `_GLUE` may put behind them.
_NAME_REACH: Final = 240
_IMPORT_REACH: Final = 4096
_LINE_REACH: Final = 512
# What a carrier or an option matches with its value, and the end of a call with the blanks in it.
_LONGEST_CARRIER: Final = 400
_LONGEST_END: Final = 80
_BACKSLASH: Final = ord("\\")
# A blank line or a semicolon ends a call.
_CALL_END: Final = on_use(rb";|\n[ \t]{0,64}\r?\n")
_NAME_SUFFIX: Final = on_use(rb"(?:[_-][A-Za-z0-9]{1,12}){0,2}(?![A-Za-z0-9_-])")
# A call, a subscript, or the name of the next field.
_REFERENCE: Final = on_use(rb"[(\[]|\.[A-Za-z_]+\s*\(|[\"'](?:\]?\s{0,8}(?::|=>))")
# Beginnings by which other products know their own keys, and publishable ones, which are no secret.
_OF_ANOTHER: Final = on_use(
    rb"pk_|AIza|AKIA|ASIA|gh[opsu]_|github_pat_|glpat-|gsk_|hf_|xox[abps]-|sk-(?:ant|proj|or)-|https?://"
)


class Assigned(NamedTuple):
    """A value given to something of an issuer's."""

    start: int
    end: int
    prefix: str
    rule: KeyRule
    issuer: str
    by: GivenBy


class Assignments:
    """The values in one text that are given to something of an issuer's; asked hit by hit, in order."""

    def __init__(self, text: bytes, rules: CompiledRules) -> None:
        """Begin with nothing known.

        Args:
            text: single-byte text.
            rules: the compiled rules.
        """
        self._text = text
        self._rules = rules
        self._areas = {issuer.issuer: _Areas(issuer, text) for issuer in rules.issuers}
        self._keys: dict[tuple[str, int, int], Assigned | None] = {}

    def at(
        self, stem: tuple[int, int], within: range | None = None, *, everywhere: bool = True
    ) -> Iterator[Assigned]:
        """Values that belong to the context words around a stem.

        Args:
            stem: where the stem stands in the text.
            within: where a value must begin to count; None for anywhere.
            everywhere: whether to look for more than what is given to a name.
        """
        stood = self._text[slice(*stem)]
        for issuer in self._rules.issuers:
            if not issuer.may_hold(stood):
                continue
            values = self._areas[issuer.issuer].values(stem, everywhere=everywhere)
            found = {(span, by) for span, by in values if not within or span[0] in within}
            for span, by in sorted(found, key=lambda value: (value[0], value[1].value)):
                key = self._key(issuer, span)
                if key is not None:
                    yield key._replace(by=by)

    def _key(self, issuer: IssuerWords, span: tuple[int, int]) -> Assigned | None:
        known = (issuer.issuer, *span)
        if known not in self._keys:
            vetoed = self._areas[issuer.issuer].is_vetoed(span)
            self._keys[known] = None if vetoed else _as_key(self._text, span, issuer, self._rules)
        return self._keys[known]


class _Areas:
    """Where an issuer's words stand in a text, and the values in their reach."""

    def __init__(self, issuer: IssuerWords, text: bytes) -> None:
        self._text = text
        # A call is looked at from its name on, a line from its beginning.
        self._on_lines, self._in_calls = (Occurrences(_CARRIER, text, _LONGEST_CARRIER) for _ in range(2))
        self._line: tuple[tuple[int, int], list[tuple[int, int]]] = ((0, 0), [])
        self._names, self._calls, self._places, self._vetoes = (
            words and Occurrences(words, text, _WORD_REACH)
            for words in (issuer.names, issuer.calls, issuer.places, issuer.veto)
        )
        self._options = Occurrences(_SDK_OPTION, text, _LONGEST_CARRIER)
        self._ends = Occurrences(_CALL_END, text, _LONGEST_END)

    def values(
        self, stem: tuple[int, int], *, everywhere: bool = True
    ) -> Iterator[tuple[tuple[int, int], GivenBy]]:
        """The values that something around a stem gives to the issuer, and how; see `Assignments.at`."""
        text = self._text
        for _, end in _words_around(self._names, stem):
            found = _AFTER_NAME.match(text, _name_end(text, end))
            if found:
                yield found.span("value"), GivenBy.NAME
        if not everywhere:
            return
        for start, end in _words_around(self._calls, stem):
            for span in (*self._on_line(start, end), *self._in_call(end)):
                yield span, GivenBy.CALL
        for start, end in _words_around(self._places, stem):
            options = self._options.between(end, end + _IMPORT_REACH)
            for span in (*self._on_line(start, end), *(found.span("value") for found in options)):
                yield span, GivenBy.PLACE

    def is_vetoed(self, span: tuple[int, int]) -> bool:
        """Whether a word of a namesake stands on the line of a value."""
        line = _line(self._text, *span)
        return self._vetoes is not None and self._vetoes.next_from(*line) is not None

    def _on_line(self, start: int, end: int) -> Sequence[tuple[int, int]]:
        line = _line(self._text, start, end)
        if self._line[0] != line:
            self._line = (line, [found.span("value") for found in self._on_lines.between(*line)])
        return self._line[1]

    def _in_call(self, end: int) -> Iterator[tuple[int, int]]:
        stop = min(len(self._text), end + _CALL_REACH)
        call_end = self._ends.next_from(end, stop)
        stop = call_end.start() if call_end else stop
        yield from (found.span("value") for found in self._in_calls.between(end, stop))
        direct = _DIRECT.match(self._text, end, stop)
        if direct:
            yield direct.span("value")


def refused_values(
    text: bytes, stem: tuple[int, int], rules: CompiledRules
) -> Iterator[tuple[tuple[int, int], str]]:
    """Values given to an issuer's names that are placeholders or samples, and why; see `Assignments`."""
    stood = text[slice(*stem)]
    for issuer in rules.issuers:
        if not issuer.may_hold(stood):
            continue
        for (start, end), _ in _Areas(issuer, text).values(stem):
            if rules.family.match(text, start):
                continue  # of the family: judged by its prefix
            for shape in (*issuer.context_shapes, *_kinds(issuer, text, start)):
                found = shape.pattern.fullmatch(text, start, end)
                reason = body_reason(found[0], rules) if found else None
                if reason:
                    yield (start, end), reason
                    break


def claimed_shapes(text: bytes, shaped: Shaped, rules: CompiledRules) -> tuple[KeyRule, ...]:
    """The rules of a shaped key without those whose keys are given to other names than this one."""
    elsewhere = {
        shape.rule.id
        for shape in rules.shapes[shaped.prefix]
        if shape.names is not None and not _is_given_to(shape, text, shaped.start)
    }
    return tuple(rule for rule in shaped.rules if rule.id not in elsewhere)


def _words_around(words: Occurrences | None, stem: tuple[int, int]) -> Iterator[tuple[int, int]]:
    if words is not None:
        yield from (found.span() for found in words.containing(*stem, _WORD_REACH))


def _name_end(text: bytes, end: int) -> int:
    """Past a suffix of the name: `FLORA_API_KEY_PROD`."""
    suffix = _NAME_SUFFIX.match(text, end)
    return suffix.end() if suffix else end


def _line(text: bytes, start: int, end: int) -> tuple[int, int]:
    """The line around a span, as far as it is within reach; one that ends in a backslash goes on."""
    first, stop = max(0, start - _LINE_REACH), min(len(text), end + _LINE_REACH)
    before = text.rfind(b"\n", first, start)
    while before > 0 and text[before - 1] == _BACKSLASH:
        before = text.rfind(b"\n", first, before)
    after = text.find(b"\n", end, stop)
    while after > 0 and text[after - 1] == _BACKSLASH:
        after = text.find(b"\n", after + 1, stop)
    if after > end and text[after - 1 : after] == b"\r" and text[after - 2] != _BACKSLASH:
        after -= 1
    return max(before + 1, first), after if after >= 0 else stop


def _as_key(text: bytes, span: tuple[int, int], issuer: IssuerWords, rules: CompiledRules) -> Assigned | None:
    """The value as a key with one of the issuer's own prefixes, else as a random value."""
    start, end = span
    for shape in issuer.context_shapes:
        found = shape.pattern.match(text, start, end + 1)
        if found:
            prefix = next(word for word in shape.rule.prefixes if found[0].startswith(word.encode()))
            if not _is_random(found[0][len(prefix) :], shape, rules):
                return None
            return Assigned(start, found.end(), prefix, shape.rule, issuer.issuer, GivenBy.NAME)
    if rules.family.match(text, start) and is_left_boundary(text, start):
        # A key of the family: `prefixed` judges it, this only tells to whom it is given.
        rule = (*issuer.assigned_shapes, *issuer.context_shapes)[0].rule
        return Assigned(start, end, "", rule, issuer.issuer, GivenBy.NAME)
    return _random_value(text, span, issuer, rules)


def _random_value(
    text: bytes, span: tuple[int, int], issuer: IssuerWords, rules: CompiledRules
) -> Assigned | None:
    start, end = span
    value = text[start:end].rstrip(b".")
    if _REFERENCE.match(text, end) or len(value) > MAX_BODY or _OF_ANOTHER.match(value):
        return None
    # What is encoded is as random as what it says: a blank in a Kubernetes secret is a blank.
    plain = _said_in_base64(value) or value
    for shape in _kinds(issuer, text, start):
        if (
            shape.pattern.fullmatch(value)
            and shape.pattern.fullmatch(plain)
            and _is_random(value, shape, rules)
            and _is_random(plain, shape, rules)
        ):
            return Assigned(start, start + len(value), "", shape.rule, issuer.issuer, GivenBy.NAME)
    return None


def _said_in_base64(value: bytes) -> bytes | None:
    """The text that a value is the base64 of; None where it is of none, as what chance draws is."""
    try:
        said = binascii.a2b_base64(value, strict_mode=True).strip()
    except binascii.Error:
        return None
    return said if said.isascii() and said.decode("ascii").isprintable() else None


def _kinds(issuer: IssuerWords, text: bytes, start: int) -> list[Shape]:
    """The kinds that a value can be: those whose name it is given to, else those without names."""
    named = [shape for shape in issuer.assigned_shapes if _is_given_to(shape, text, start)]
    return named or [shape for shape in issuer.assigned_shapes if shape.names is None]


def _is_given_to(shape: Shape, text: bytes, start: int) -> bool:
    """Whether one of a kind's names stands before a value, with nothing but glue between them."""
    if shape.names is None:
        return False
    for name in shape.names.finditer(text, max(0, start - _NAME_REACH), start):
        given = _AFTER_NAME.match(text, _name_end(text, name.end()))
        if given and given.start("value") == start:
            return True
    return False


def _is_mixed(value: bytes) -> bool:
    """Digits among letters, or long with both cases: short values without digits are mostly identifiers."""
    has_digit = any(character in b"0123456789" for character in value)
    has_letter = value.lower() != value.upper()
    both_cases = value not in {value.lower(), value.upper()}
    return has_letter and (has_digit or (both_cases and len(value) >= 32))


def _is_random(value: bytes, shape: Shape, rules: CompiledRules) -> bool:
    return (
        _is_mixed(value)
        and shannon_entropy(value) >= shape.rule.min_entropy
        and body_reason(value, rules) is None
    )


assert _IMPORT_REACH + MAX_BODY < REACH_BEFORE

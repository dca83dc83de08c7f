"""The rulebook made ready for matching, once per process."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from keyleak.findings import Strength
from keyleak.matching.anchors import anchors_of, is_found_by_words
from keyleak.on_use import made_on_use, on_use
from keyleak.records import dataclass
from keyleak.rulebook.model import FoundBy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.matching.anchors import Anchor
    from keyleak.rulebook.model import Issuer, KeyRule, PlaceholderWords, Rulebook, Sample

# A shape must fit the whole run of key characters, or a longer key of another kind would be cut short. Only a
# decisive one may be followed by `-` or `_`, which then belong to the text around it.
_NOT_ALPHANUMERIC: Final = rb"(?![A-Za-z0-9])"
_NOT_KEY_CHARACTER: Final = rb"(?![A-Za-z0-9_-])"
# A letter or digit before a word is no part of it where it ends an escape: a line break in JSON, `%0A`.
_AFTER_ESCAPE: Final = rb"|(?<=\\[nrt])|(?<=\\u00[0-9A-Fa-f]{2})|(?<=%[0-9A-Fa-f]{2}))"
_NAME_BEGINS: Final = rb"(?:(?<![A-Za-z0-9])" + _AFTER_ESCAPE
_WORD_BEGINS: Final = rb"(?:(?<![A-Za-z0-9_])" + _AFTER_ESCAPE


@dataclass(frozen=True, slots=True)
class Shape:
    """A key rule and its compiled pattern, which matches from the prefix to the right boundary."""

    rule: KeyRule
    pattern: re.Pattern[bytes]
    decodes_to: re.Pattern[bytes] | None
    names: re.Pattern[bytes] | None = None
    """Names whose values are of this kind."""


@dataclass(frozen=True, slots=True)
class IssuerWords:
    """The context words of an issuer whose keys are found by them."""

    issuer: str
    names: re.Pattern[bytes] | None
    calls: re.Pattern[bytes] | None
    places: re.Pattern[bytes] | None
    veto: re.Pattern[bytes] | None
    context_shapes: tuple[Shape, ...]
    assigned_shapes: tuple[Shape, ...]
    spelled: bytes
    """Its names, calls and places in lower case without separators: a quick way to say no."""

    def may_hold(self, stem: bytes) -> bool:
        """Whether a stem, as it stands in a text, can be part of one of these words."""
        return _unseparated(stem) in self.spelled


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """Everything matching needs."""

    anchors: tuple[Anchor, ...]
    prefixes: re.Pattern[bytes]
    family: re.Pattern[bytes]
    """Prefix words of trusted rules whose keys are reported wherever they stand."""
    shapes: dict[str, tuple[Shape, ...]]
    """By prefix word."""
    issuers: tuple[IssuerWords, ...]
    placeholders: PlaceholderWords
    samples: frozenset[str]
    grown_samples: tuple[Sample, ...]

    def is_sample(self, body: bytes) -> bool:
        """Whether a vendor publishes this body as an example."""
        if hashlib.sha256(body).hexdigest() in self.samples:
            return True
        return any(
            hashlib.sha256(body[: sample.length]).hexdigest() == sample.sha256
            for sample in self.grown_samples
        )


def compile_rules(rulebook: Rulebook) -> CompiledRules:
    """The rulebook made ready."""
    by_prefix: dict[str, list[Shape]] = {}
    for rule in rulebook.keys:
        for prefix in rule.prefixes:
            by_prefix.setdefault(prefix, []).append(_shape(rule))
    words = tuple(words for words in map(_issuer_words, rulebook.issuers) if words)
    family = {
        word
        for rule in rulebook.keys
        if rule.found_by is FoundBy.PREFIX and rule.provenance.is_trusted
        for word in rule.prefixes
    }
    samples = [sample for issuer in rulebook.issuers for sample in issuer.samples]
    return CompiledRules(
        anchors=anchors_of(rulebook),
        prefixes=_longest_first(by_prefix),
        family=_longest_first(family),
        shapes={prefix: tuple(shapes) for prefix, shapes in by_prefix.items()},
        issuers=words,
        placeholders=rulebook.placeholders,
        samples=frozenset(sample.sha256 for sample in samples),
        grown_samples=tuple(sample for sample in samples if sample.length),
    )


def _shape(rule: KeyRule) -> Shape:
    boundary = _NOT_ALPHANUMERIC if rule.strength is Strength.DECISIVE else _NOT_KEY_CHARACTER
    pattern = made_on_use(
        lambda: b"(?:" + _any_of(rule.prefixes) + b")(?:" + rule.pattern.encode() + b")" + boundary
    )
    decodes_to = on_use(rule.decodes_to.encode()) if rule.decodes_to else None
    return Shape(rule, pattern, decodes_to, name_pattern(rule.names))


def _longest_first(words: Iterable[str]) -> re.Pattern[bytes]:
    return on_use(_any_of(sorted(words, key=len, reverse=True)))


def _issuer_words(issuer: Issuer) -> IssuerWords | None:
    if not is_found_by_words(issuer):
        return None
    context = issuer.context
    words = (*context.names, *context.headers, *context.calls, *context.hosts, *context.packages)
    return IssuerWords(
        issuer=issuer.issuer,
        names=name_pattern((*context.names, *context.headers)),
        calls=word_pattern(context.calls),
        places=word_pattern((*context.hosts, *context.packages)),
        veto=word_pattern(context.veto),
        context_shapes=tuple(_shape(rule) for rule in issuer.keys if rule.found_by is FoundBy.CONTEXT),
        assigned_shapes=tuple(_shape(rule) for rule in issuer.keys if rule.found_by is FoundBy.ASSIGNMENT),
        spelled=_unseparated("\n".join(words).encode()),
    )


def _unseparated(word: bytes) -> bytes:
    return word.lower().translate(None, b"_-")


def name_pattern(names: Iterable[str]) -> re.Pattern[bytes] | None:
    """A pattern of variable names: any case, `_` and `-` optional, not inside another word; None without any.

    `FLORA_API_KEY` matches `flora-api-key`, `floraApiKey` and `VITE_FLORA_API_KEY`, not `POSIFLORA_API_KEY`.
    """
    every = tuple(names)
    return made_on_use(lambda: _name_expression(every)) if every else None


def _name_expression(names: Iterable[str]) -> bytes:
    plain = [b"[_-]?".join(re.escape(part.encode()) for part in re.split("[_-]", name)) for name in names]
    pascal = [_pascal_case(name) for name in names]
    return (
        _NAME_BEGINS
        + b"(?i:"
        + b"|".join(plain)
        + b")(?![a-z0-9])|(?<=[a-z])(?:"
        + b"|".join(pascal)
        + b")(?![a-z])"
    )


def _pascal_case(name: str) -> bytes:
    return b"".join(re.escape(part.capitalize().encode()) for part in re.split("[_-]", name) if part)


def word_pattern(words: Iterable[str]) -> re.Pattern[bytes] | None:
    """A pattern of words as they are written, in any case, not inside a longer word on the left."""
    every = tuple(words)
    if not every:
        return None
    return made_on_use(lambda: rb"(?i)" + _WORD_BEGINS + b"(?:" + _any_of(every) + b")")


def _any_of(words: Iterable[str]) -> bytes:
    return b"|".join(re.escape(word.encode()) for word in words)

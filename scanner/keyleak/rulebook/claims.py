"""What rule files claim against each other: each name once, each decisive shape once, built-in words alone.

A decisive shape says whose a key is, whatever stands around it, so two rules with one would undo each other.
A rule file that came with a repository is held to more: what it looks for must be beside what trusted files
look for, never across it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.errors import RuleError
from keyleak.findings import Strength
from keyleak.rulebook.template import TemplateError, expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keyleak.rulebook.model import Issuer, KeyRule

_SEEDS: Final = range(3)
# Compiling what is searched for takes longer with each word; a company has some tens.
_MOST_WORDS: Final = 2_000
_NOT_ALPHANUMERIC: Final = r"(?![A-Za-z0-9])"


def refuse_claims(issuers: Sequence[Issuer], files: Sequence[tuple[str, str]]) -> None:
    """Refuse rule files that take what another one has.

    Args:
        issuers: of every rule file, trusted ones first.
        files: the name and the text of each one's file, to find lines in.

    Raises:
        RuleError: with the file, the line and what it takes.
    """
    _refuse_duplicates(issuers, [name for name, _ in files])
    _refuse_shared_shapes([rule for issuer in issuers for rule in issuer.keys])
    trusted = [issuer for issuer in issuers if issuer.provenance.is_trusted]
    claims, room = _Claims(trusted), _MOST_WORDS
    for issuer, (file, text) in zip(issuers, files, strict=True):
        if issuer.provenance.is_trusted:
            continue
        room -= sum(len(rule.prefixes) for rule in issuer.keys) + sum(1 for _ in _words_of(issuer))
        if room < 0:
            raise RuleError(file, None, f"a repository's rules have at most {_MOST_WORDS:,} words in all")
        claims.refuse(issuer, file, text)


def _refuse_duplicates(issuers: Iterable[Issuer], files: Iterable[str]) -> None:
    seen_issuers: set[str] = set()
    seen_keys: dict[str, str] = {}
    for issuer, file in zip(issuers, files, strict=True):
        if issuer.issuer in seen_issuers:
            raise RuleError(file, None, f"issuer {issuer.issuer!r} has a rule file already")
        seen_issuers.add(issuer.issuer)
        for key in issuer.keys:
            if key.id in seen_keys:
                raise RuleError(
                    key.file, key.line, f"key id {key.id!r} is used in {seen_keys[key.id]} already"
                )
            seen_keys[key.id] = key.file


def _refuse_shared_shapes(rules: Iterable[KeyRule]) -> None:
    decisive = [_Decisive(rule) for rule in rules if rule.strength is Strength.DECISIVE and rule.prefixes]
    for index, later in enumerate(decisive):
        for earlier in decisive[:index]:
            if later.shares_with(earlier):
                rule, other = later.rule, earlier.rule
                raise RuleError(
                    rule.file,
                    rule.line,
                    f"{rule.id} claims the decisive shape of {other.id} ({other.file}); such a shape says "
                    "whose a key is, so it is one rule's only: make it strong",
                )


class _Decisive:
    """A rule with a decisive shape."""

    def __init__(self, rule: KeyRule) -> None:
        self.rule = rule
        words = "|".join(re.escape(prefix) for prefix in rule.prefixes)
        self._shape = re.compile(f"(?:{words})(?:{rule.pattern}){_NOT_ALPHANUMERIC}")

    def shares_with(self, other: _Decisive) -> bool:
        """Whether one text can have both shapes, as far as the patterns and their examples show."""
        if not set(self.rule.prefixes) & set(other.rule.prefixes):
            return False
        return (
            self.rule.pattern == other.rule.pattern
            or self._matches_any(other.rule)
            or other._matches_any(self.rule)
        )

    def _matches_any(self, other: KeyRule) -> bool:
        return any(self._shape.search(text) for text in _examples(other))


def _examples(rule: KeyRule) -> Iterator[str]:
    for template in rule.examples:
        try:
            yield from (expand(template, seed) for seed in _SEEDS)
        except TemplateError as error:
            raise RuleError(rule.file, rule.line, f"{rule.id}: {error}") from error


class _Claims:
    """What trusted rule files have: names, prefix words, and words around keys."""

    def __init__(self, trusted: Sequence[Issuer]) -> None:
        self._names = {
            _bare(name): issuer.issuer for issuer in trusted for name in (issuer.issuer, issuer.name)
        }
        self._prefixes = {
            prefix: rule.id for issuer in trusted for rule in issuer.keys for prefix in rule.prefixes
        }
        self._words = {_bare(word): (word, issuer.issuer) for issuer in trusted for word in _words_of(issuer)}

    def refuse(self, issuer: Issuer, file: str, text: str) -> None:
        """Refuse the file of an issuer that takes any of it."""
        for word, what in self._taken(issuer):
            raise RuleError(
                file,
                text.count("\n", 0, max(0, text.find(word))) + 1,
                f"{word!r} {what}; a rule file that came with a repository may not speak for other issuers' "
                "keys (name its folder with --rules if you trust it)",
            )

    def _taken(self, issuer: Issuer) -> Iterator[tuple[str, str]]:
        for name in (issuer.issuer, issuer.name):
            if owner := self._names.get(_bare(name)):
                yield name, f"is what {owner!r} is called"
        for prefix in (prefix for rule in issuer.keys for prefix in rule.prefixes):
            if owner := self._owner_of(prefix):
                yield prefix, f"are the first characters of keys of {owner!r}"
        for word in _words_of(issuer):
            if found := self._holder_of(word):
                yield word, f"would be found in {found[0]!r}, a word of {found[1]!r}"

    def _owner_of(self, prefix: str) -> str | None:
        """The rule among whose keys are some that begin with a prefix word, or the other way round."""
        return next(
            (
                owner
                for own, owner in self._prefixes.items()
                if own.startswith(prefix) or prefix.startswith(own)
            ),
            None,
        )

    def _holder_of(self, word: str) -> tuple[str, str] | None:
        """The word that one would be found in, and whose it is."""
        bare = _bare(word)
        return next((found for own, found in self._words.items() if bare in own), None)


def _words_of(issuer: Issuer) -> Iterator[str]:
    context = issuer.context
    for words in (context.names, context.headers, context.hosts, context.packages, context.calls):
        yield from words
    yield from (*context.ids, *context.weak)
    for rule in issuer.keys:
        yield from rule.names


def _bare(word: str) -> str:
    """A word as matching compares it: without regard to case and separators."""
    return re.sub(r"[_\s-]", "", word.lower())

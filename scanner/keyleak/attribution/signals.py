"""The words by which an issuer is known, each pattern compiled when a content mentions the issuer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import Kind
from keyleak.findings import Strength
from keyleak.matching.boundary import is_left_boundary
from keyleak.matching.compiled import name_pattern
from keyleak.on_use import made_on_use
from keyleak.records import dataclass
from keyleak.rulebook.pattern import widths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.rulebook.model import Issuer, KeyRule

_SHORTEST_STEM: Final = 2
# An identifier goes on after its prefix.
_ID_REST: Final = rb"[a-z0-9]{6}"


@dataclass(frozen=True, slots=True)
class Words:
    """Words to look for in text that was put into lower case."""

    pattern: re.Pattern[bytes] | None
    """Begins with literals, so that `re` skips to the bytes they begin with; None where there is no word."""

    @classmethod
    def of(cls, words: Iterable[str], then: bytes = b"") -> Words:
        """Make words ready, with a pattern of what must follow them."""
        every = tuple(words)
        return cls(made_on_use(lambda: _any_of(every) + then) if every else None)

    def first_in(self, lower: bytes) -> bytes | None:
        """The first of the words that does not stand inside a longer one."""
        return next((found[0] for found in self._all_in(lower)), None)

    def last_in(self, lower: bytes) -> bytes | None:
        """The word at the very end of the text, if there is one."""
        return next((found[0] for found in self._all_in(lower) if found.end() == len(lower)), None)

    def _all_in(self, lower: bytes) -> Iterator[re.Match[bytes]]:
        if self.pattern is not None:
            yield from (
                each for each in self.pattern.finditer(lower) if is_left_boundary(lower, each.start())
            )


@dataclass(frozen=True, slots=True)
class Signals:
    """The words of one issuer."""

    issuer: str
    display: str
    brand: bytes
    """Its name in lower case without separators."""
    brands_names: bool
    """Whether that name says something as a part of a longer one: no ordinary word, nobody else's name."""
    stems: tuple[bytes, ...]
    """Lower-case texts of which one stands wherever any word of it does; a quick way to say no."""
    names: re.Pattern[bytes] | None
    words: tuple[tuple[Kind, Words], ...]
    """Calls, hosts, packages and identifiers."""
    calls: Words
    package: bytes
    """The issuer's id, which packages of its name begin with."""
    packages: tuple[str, ...]
    """Names of its packages in lower case; those that end with `/` are scopes."""
    veto: Words
    own_veto: Words
    """Veto words that hold the brand: they name a namesake wherever they stand in a file."""
    namesakes: bool
    """Others are called the same: its name alone needs no veto in the file, anything else a second signal."""

    def may_stand_in(self, lower: bytes) -> bool:
        """Whether any of its words can stand in a text that is in lower case; a quick no."""
        return any(stem in lower for stem in self.stems)


def _any_of(words: Iterable[str]) -> bytes:
    return b"(?:" + b"|".join(re.escape(word.lower().encode()) for word in words) + b")"


def signals_of(issuer: Issuer) -> Signals:
    """The words of an issuer, made ready."""
    context = issuer.context
    brand = issuer.issuer.replace("-", "").encode()
    calls = Words.of(context.calls)
    kinds = (
        (Kind.CALL, calls),
        (Kind.HOST, Words.of(context.hosts)),
        # A package with the issuer's bare name is one where it is imported.
        (
            Kind.PACKAGE,
            Words.of(word for word in context.packages if word.replace("-", "") != brand.decode()),
        ),
        (Kind.ID, Words.of(context.ids, then=_ID_REST)),
    )
    own_veto = [word for word in context.veto if brand in word.encode()]
    return Signals(
        issuer=issuer.issuer,
        display=issuer.name,
        brand=brand,
        brands_names=not (issuer.namesakes or issuer.common_word),
        stems=_stems(issuer, brand),
        names=name_pattern((*context.names, *context.headers)),
        words=tuple((kind, words) for kind, words in kinds if words.pattern),
        calls=calls,
        package=issuer.issuer.encode(),
        packages=_packages(issuer),
        veto=Words.of(context.veto),
        own_veto=Words.of(own_veto),
        namesakes=issuer.namesakes,
    )


def _packages(issuer: Issuer) -> tuple[str, ...]:
    # A package that is called by an ordinary word, or as others are, may be anybody's.
    own = () if issuer.namesakes or issuer.common_word else (issuer.issuer, f"@{issuer.issuer}/")
    return tuple(word.lower() for word in (*issuer.context.packages, *own))


def is_open(rule: KeyRule) -> bool:
    """Whether a rule's shape fits bodies of nearly every length, so that fitting it says nothing."""
    if rule.strength is not Strength.WEAK:
        return False
    least, most = widths(rule.pattern)
    return most >= 2 * least


def _telling_part(name: str) -> str:
    """The first part of a name that says something: not the `x` of `x-flora-api-key`."""
    parts = re.split("[_-]", name)
    return next((part for part in parts if len(part) > _SHORTEST_STEM), parts[0])


def _stems(issuer: Issuer, brand: bytes) -> tuple[bytes, ...]:
    context = issuer.context
    words = [
        *map(_telling_part, (*context.names, *context.headers)),
        *context.calls, *context.hosts, *context.packages, *context.ids, *context.veto,
    ]  # fmt: skip
    lower = sorted({word.lower().encode() for word in words if word} | {brand}, key=len)
    return tuple(
        word for index, word in enumerate(lower) if not any(shorter in word for shorter in lower[:index])
    )

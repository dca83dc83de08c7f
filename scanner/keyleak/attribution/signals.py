"""The words by which an issuer is known, compiled once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import Kind
from keyleak.findings import Strength
from keyleak.matching.compiled import name_pattern, word_pattern
from keyleak.rulebook.pattern import widths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.rulebook.model import Issuer, KeyRule

# A pattern that leaves the length of a body this open fits nearly every key of the family.
_OPEN_LENGTH: Final = 100
# An identifier goes on after its prefix.
_ID_REST: Final = rb"[A-Za-z0-9]{6}"


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
    words: tuple[tuple[Kind, re.Pattern[bytes]], ...]
    """Calls, hosts, packages and identifiers."""
    calls: re.Pattern[bytes] | None
    imports: re.Pattern[bytes]
    """The statement that imports a package of the issuer's name."""
    packages: tuple[str, ...]
    """Package names in lower case."""
    veto: re.Pattern[bytes] | None
    own_veto: re.Pattern[bytes] | None
    """Veto words that hold the brand: they name a namesake wherever they stand in a file."""
    namesakes: bool
    """Others are called the same: its name alone needs no veto in the file, anything else a second signal."""
    open_shape: bool
    """Some of its keys may have nearly any body: that a body fits says nothing."""


def signals_of(issuer: Issuer) -> Signals:
    """The compiled words of an issuer."""
    context = issuer.context
    brand = issuer.issuer.replace("-", "").encode()
    kinds = (
        (Kind.CALL, word_pattern(context.calls)),
        (Kind.HOST, word_pattern(context.hosts)),
        (Kind.PACKAGE, word_pattern(context.packages)),
        (Kind.ID, _id_pattern(context.ids)),
    )
    own_veto = [word for word in context.veto if brand in word.encode()]
    return Signals(
        issuer=issuer.issuer,
        display=issuer.name,
        brand=brand,
        brands_names=not (issuer.namesakes or issuer.common_word),
        stems=_stems(issuer, brand),
        names=name_pattern((*context.names, *context.headers)),
        words=tuple((kind, pattern) for kind, pattern in kinds if pattern),
        calls=word_pattern(context.calls),
        imports=_import_pattern(issuer.issuer),
        packages=tuple(word.lower() for word in (*context.packages, issuer.issuer)),
        veto=word_pattern(context.veto),
        own_veto=word_pattern(own_veto),
        namesakes=issuer.namesakes,
        open_shape=any(is_open(rule) for rule in issuer.keys),
    )


def is_open(rule: KeyRule) -> bool:
    """Whether a rule's shape fits nearly every body, so that fitting it says nothing."""
    least, most = widths(rule.pattern)
    return rule.strength is Strength.WEAK and most - least >= _OPEN_LENGTH


def _stems(issuer: Issuer, brand: bytes) -> tuple[bytes, ...]:
    context = issuer.context
    words = [
        *(re.split("[_-]", name)[0] for name in (*context.names, *context.headers)),
        *context.calls, *context.hosts, *context.packages, *context.ids, *context.veto,
    ]  # fmt: skip
    lower = sorted({word.lower().encode() for word in words if word} | {brand}, key=len)
    return tuple(
        word for index, word in enumerate(lower) if not any(shorter in word for shorter in lower[:index])
    )


def _id_pattern(prefixes: Iterable[str]) -> re.Pattern[bytes] | None:
    words = b"|".join(re.escape(prefix.encode()) for prefix in prefixes)
    return re.compile(rb"(?<![A-Za-z0-9_])(?:" + words + b")" + _ID_REST) if words else None


def _import_pattern(name: str) -> re.Pattern[bytes]:
    package = re.escape(name.encode())
    return re.compile(
        rb"(?im)(?:^[ \t]*(?:import|from|use|using|gem|include|require)\b|\brequire\(|\bfrom\b)"
        rb"[\s\"'(@\\]{1,4}" + package + rb"(?![a-z0-9_])"
    )

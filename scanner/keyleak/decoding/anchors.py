"""The literals that encoded keys are found by: what stays the same of a prefix word in each encoding.

They are searched together with the plain ones. Of `sk_live_` the part `k_live_` is encoded, so that one
literal serves `rk_live_` too. Text encoded twice has literals of its own, and base64 three times over. What
is encoded more often is found where something outside it is: a whole value, a document, an archive.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from keyleak.decoding.decoded import Step
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# What `sk_live_`, `rk_live_`, `sk_test_` and `rk_test_` share.
_FAMILY: Final = frozenset({"k_live_", "k_test_"})
# A shorter literal stands in too much that is no key.
_SHORTEST_LITERAL: Final = 6
# Longer ones say no more and take five times as long to compile.
_LONGEST_LITERAL: Final = 12
# A value encoded again and again begins alike in every round.
_ROUNDS: Final = 5
_UNDERSCORES: Final[Mapping[Step, tuple[bytes, ...]]] = {
    Step.PERCENT: (b"%5F", b"%5f", b"%255F", b"%255f"),
    Step.ESCAPE: (b"\\x5f", b"\\x5F", b"\\u005f", b"\\u005F", b"\\u{5f}", b"\\u{5F}"),
    Step.HTML: (b"&#95;", b"&#x5f;", b"&#x5F;", b"&lowbar;", b"&amp;#95;"),
    Step.QUOTED_PRINTABLE: (b"=5F", b"=5f"),
}
_EVERY_CHARACTER: Final[Mapping[Step, tuple[str, ...]]] = {
    Step.PERCENT: ("%%%02x", "%%%02X"),
    Step.ESCAPE: ("\\x%02x", "\\x%02X", "\\u%04x", "\\u%04X", "\\\\u%04x", "\\\\u%04X"),
    Step.HTML: ("&#%d;", "&#x%x;", "&#x%X;"),
    Step.QUOTED_PRINTABLE: ("=%02X", "=%02x"),
}
# Those that are looked for together with another encoding: every literal lengthens the start.
_USUAL_FORMS: Final[Mapping[Step, tuple[str, ...]]] = {
    Step.PERCENT: ("%%%02X", "%%%02x"),
    Step.ESCAPE: ("\\x%02x", "\\u%04x"),
    Step.HTML: ("&#%d;",),
}
_USUAL_UNDERSCORES: Final = (b"%5F", b"\\x5f", b"\\u005f", b"&#95;")
# What documents begin with in base64, once or twice, and hexadecimal: gzip, xz, bz2, zstd, zip. zlib only
# behind a quote, for its two bytes alone say too little.
DOCUMENTS: Final = (b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh91AY&SY", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
"""What is a document, where it is what a text says from its first byte on."""
_QUOTED_ZLIB: Final = tuple(
    quote + b"eJ" + last for quote in (b'"', b"'") for last in (b"w", b"x", b"y", b"z")
)


@dataclass(frozen=True, slots=True)
class EncodedAnchor:
    """One literal of an encoding."""

    step: Step
    literal: bytes
    phase: int = 0
    """In base64 and hexadecimal: index of its first character in its group of four or two."""
    opens: bool = False
    """Whether a whole document begins with it."""
    needs_context: bool = False
    """Whether what is decoded is a key only beside a name of its issuer."""
    with_body: bool = False
    """See `keyleak.matching.engine.Searched`: an encoded word stands for itself."""


def encoded_anchors(
    prefixes: Iterable[str], context_prefixes: Iterable[str], names: Iterable[str]
) -> tuple[EncodedAnchor, ...]:
    """Every literal for the encoded forms of the words that keys are found by.

    Compiling takes longer with each, so the words of the family get every form and the others the usual ones.

    Args:
        prefixes: prefix words that are searched for everywhere.
        context_prefixes: prefix words too short for that: as the beginning of a whole value only.
        names: beginnings of names beside which keys stand, as environment files write them.
    """
    found: dict[bytes, EncodedAnchor] = {}
    for anchor in _anchors(sorted(set(prefixes)), sorted(set(context_prefixes)), sorted(set(names))):
        if len(anchor.literal) >= _SHORTEST_LITERAL or anchor.opens or anchor.needs_context:
            literal = anchor.literal[:_LONGEST_LITERAL]
            if literal not in found:
                found[literal] = anchor if literal == anchor.literal else replace(anchor, literal=literal)
    return tuple(found.values())


def _anchors(
    prefixes: Iterable[str], context_prefixes: Iterable[str], names: Iterable[str]
) -> Iterator[EncodedAnchor]:
    tails = dict.fromkeys(word[1:].encode() for word in prefixes if word[1:] in _FAMILY)
    for tail in tails:
        yield from _base64(tail)
        yield from _hexadecimal(tail)
        yield from _base64(b"\0".join(tail[at : at + 1] for at in range(len(tail))) + b"\0")
        yield from _escaped(tail)
        yield from _twice(tail)
        yield from _escaped_and_encoded(tail)
    for word in (word.encode() for word in prefixes):
        if word[1:].decode() in _FAMILY:
            yield from _as_whole_value(word, _ROUNDS)
        else:
            yield from _base64(word)
            yield EncodedAnchor(Step.HEX, word.hex().encode())
    for short in context_prefixes:
        for anchor in _as_whole_value(short.encode(), 2):
            yield replace(anchor, needs_context=True)
    for name in names:
        yield from _base64(name.encode())
    yield from _documents()


def _documents() -> Iterator[EncodedAnchor]:
    for document in DOCUMENTS:
        yield EncodedAnchor(Step.BASE64, _stable(document, 0), opens=True)
        yield EncodedAnchor(Step.BASE64, _stable(_stable(document, 0), 0), opens=True)
        yield EncodedAnchor(Step.HEX, document.hex().encode(), opens=True)
    for literal in _QUOTED_ZLIB:
        yield EncodedAnchor(Step.BASE64, literal, opens=True)


def _stable(word: bytes, lead: int) -> bytes:
    """The base64 characters that `word` alone decides where `lead` bytes stand before it in its group."""
    first, last = -(-lead * 8 // 6), (lead + len(word)) * 8 // 6
    return base64.b64encode(b"\0" * lead + word)[first:last]


def _base64(word: bytes) -> Iterator[EncodedAnchor]:
    for lead in range(3):
        yield EncodedAnchor(Step.BASE64, _stable(word, lead), -(-lead * 8 // 6) % 4)


def _hexadecimal(word: bytes) -> Iterator[EncodedAnchor]:
    yield EncodedAnchor(Step.HEX, word.hex().encode())
    yield EncodedAnchor(Step.HEX, word.hex().upper().encode())


def _twice(word: bytes) -> Iterator[EncodedAnchor]:
    for inner in _base64(word):
        for outer in _base64(inner.literal):
            yield outer
            yield from _base64(outer.literal)
        yield EncodedAnchor(Step.HEX, inner.literal.hex().encode())
    for digits in _hexadecimal(word):
        yield from _base64(digits.literal)
        yield EncodedAnchor(Step.HEX, digits.literal.hex().encode())


def _escaped_and_encoded(word: bytes) -> Iterator[EncodedAnchor]:
    """Escapes inside base64 and hexadecimal, and base64 with every character escaped."""
    for step, forms in _USUAL_FORMS.items():
        for form in forms:
            escaped = _with_every(form, word[:2])
            yield from _base64(escaped)
            yield EncodedAnchor(Step.HEX, escaped.hex().encode())
            for inner in _base64(word):
                yield EncodedAnchor(step, _with_every(form, inner.literal[:3]))
    for underscore in _USUAL_UNDERSCORES:
        yield from _base64(word.replace(b"_", underscore))


def _with_every(form: str, text: bytes) -> bytes:
    return b"".join((form % character).encode() for character in text)


def _escaped(word: bytes) -> Iterator[EncodedAnchor]:
    first, _, rest = word.partition(b"_")
    for step, underscores in _UNDERSCORES.items():
        for underscore in underscores:
            # Before a backslash there may be more of them, in a string in a string.
            before = b"" if step is Step.ESCAPE and rest else first
            yield EncodedAnchor(step, before + underscore + rest.removesuffix(b"_"))
    for at in range(1, len(word)):
        for soft_break in (b"=\n", b"=\r\n"):
            yield EncodedAnchor(Step.QUOTED_PRINTABLE, word[:at] + soft_break + word[at:])
    for step, forms in _EVERY_CHARACTER.items():
        for form in forms:
            yield EncodedAnchor(step, _with_every(form, word[:3]))


def _as_whole_value(word: bytes, rounds: int) -> Iterator[EncodedAnchor]:
    literal = word
    for _ in range(rounds):
        literal = _stable(literal, 0)
        yield EncodedAnchor(Step.BASE64, literal)

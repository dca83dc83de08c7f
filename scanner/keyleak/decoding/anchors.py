"""The literals that encoded keys are found by: what stays the same of a prefix word in each encoding.

They are searched together with the plain ones. Of `sk_live_` the part `k_live_` is encoded, so that one
literal serves `rk_live_` too. Text encoded twice has literals of its own, and base64 up to four times over.
What is encoded in base64 more often begins alike, whatever it says; escapes of escapes are a row of escapes.
"""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.decoding.decoded import Step
from keyleak.matching.beginning import ESCAPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# What `sk_live_`, `rk_live_`, `sk_test_` and `rk_test_` share.
_FAMILY: Final = frozenset({"k_live_", "k_test_"})
# A shorter literal stands in too much that is no key.
_SHORTEST_LITERAL: Final = 5
# Longer ones say no more and take five times as long to compile.
_LONGEST_LITERAL: Final = 12
_LONGEST_LIST: Final = 32
# A value encoded again and again begins alike in every round.
_ROUNDS: Final = 5
_OFTEN: Final = 5
# Printable ASCII, what begins a line or has a byte order mark.
_TEXT_BEGINS: Final = (*range(0x20, 0x7F), *b"\t\n\r\xef\xbb\xfe\xff")
# One character of a word, escaped between two that are not.
_ONE_CHARACTER: Final[Mapping[Step, tuple[str, ...]]] = {
    Step.PERCENT: ("%%%02x", "%%%02X"),
    Step.ESCAPE: ("\\x%02x", "\\x%02X", "\\u%04x", "\\u%04X", "\\u{%x}", "\\u{%X}", "\\%03o"),
    Step.HTML: ("&#%d;", "&#x%x;", "&#x%X;"),
}
_LEADS: Final = b"sr"
_UNDERSCORES: Final[Mapping[Step, tuple[bytes, ...]]] = {
    Step.PERCENT: (b"%255F", b"%255f", b"%25255F", b"%25255f", b"%2525255F", b"%2525255f"),
    Step.ESCAPE: (b"\\_",),
    Step.HTML: (b"&lowbar;", b"&UnderBar;", b"&amp;#95;"),
    Step.QUOTED_PRINTABLE: (b"=5F", b"=5f"),
}
_EVERY_CHARACTER: Final[Mapping[Step, tuple[str, ...]]] = {
    Step.PERCENT: ("%%%02x", "%%%02X", "%%25%02x", "%%25%02X", "%%u%04x", "%%u%04X"),
    Step.ESCAPE: (
        "\\x%02x", "\\x%02X", "\\u%04x", "\\u%04X", "\\\\u%04x", "\\\\u%04X", "\\u{%x}", "\\u{%X}",
        "\\u{%04x}", "\\x{%02x}", "\\U%08x", "\\%03o", "\\0%o",
        "\\u005cu%04x", "\\u005cx%02x", "\\x5cx%02x", "\\x5cu%04x",
    ),
    Step.HTML: (
        "&#%d;", "&#x%x;", "&#x%X;", "&#%04d;", "&#x%04x;", "&#x%04X;", "&#38;#%d;", "&amp;#%d;",
        "&amp;amp;#%d;",
    ),
    Step.QUOTED_PRINTABLE: ("=%02X", "=%02x"),
}  # fmt: skip
# How lists write a byte, and what stands between two; one byte a line, indented, in a list that is printed.
_LISTED: Final = (
    *itertools.product(("%d",), (",", ", ", " ", ",\n  ", ",\n    ", ",\n      ", ",\n        ")),
    *itertools.product(("0x%02x", "0x%02X"), (",", ", ")),
    *itertools.product(("%02x", "%02X"), (" ", ":")),
    *itertools.product(("'%c'", '"%c"'), (",", ", ")),
)
# Those that are looked for together with another encoding: every literal lengthens the start.
_USUAL_FORMS: Final[Mapping[Step, tuple[str, ...]]] = {
    Step.PERCENT: ("%%%02X", "%%%02x"),
    Step.ESCAPE: ("\\x%02x", "\\u%04x"),
    Step.HTML: ("&#%d;",),
}
# The marks of one kind of escape written as escapes of another kind.
_QUOTED_FORMS: Final[Mapping[Step, tuple[str, ...]]] = {
    Step.PERCENT: ("%%5Cx%02x", "%%5Cu%04x", "%%5cu%04x", "%%26%%23%d%%3B", "%%26%%23x%x%%3B"),
    Step.ESCAPE: ("\\u0026#%d;", "\\u0026#x%x;", "\\u0025%02X"),
    Step.HTML: ("&#92;x%02x", "&#92;u%04x", "&#37;%02X"),
}
_USUAL_UNDERSCORES: Final = (b"%5F", b"\\x5f", b"\\u005f", b"&#95;")
# What documents begin with in base64, once or twice, and hexadecimal: gzip, xz, bz2, zstd, zip, lzma. zlib
# only behind a quote or a sign, for its two bytes alone say too little.
DOCUMENTS: Final = (
    b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh91AY&SY", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"]\0\0\x80\0",
)  # fmt: skip
"""What is a document, where it is what a text says from its first byte on."""
QUOTES: Final = frozenset({b'"', b"'", b"=", b" ", b"."})
"""What may stand in a literal before the encoded text."""
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class EncodedAnchor(NamedTuple):
    """One literal of an encoding. There are some eight hundred at each start, so they are tuples."""

    step: Step
    literal: bytes
    phase: int = 0
    """In base64 and hexadecimal: index of its first character in its group of four or two."""
    opens: bool = False
    """Whether a whole document begins with it."""
    needs_context: bool = False
    """Whether what is decoded is a key only beside a name of its issuer."""
    with_body: bool = False
    """See `keyleak.matching.engine.Searched`: of escapes that are searched for in a row."""


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
        is_sure = anchor.opens or anchor.needs_context or anchor.with_body
        if len(anchor.literal) >= _SHORTEST_LITERAL or is_sure:
            longest = _LONGEST_LIST if anchor.step is Step.BYTES else _LONGEST_LITERAL
            literal = anchor.literal[:longest]
            if literal not in found:
                found[literal] = anchor if literal == anchor.literal else anchor._replace(literal=literal)
    return tuple(found.values())


def _anchors(
    prefixes: Iterable[str], context_prefixes: Iterable[str], names: Iterable[str]
) -> Iterator[EncodedAnchor]:
    tails = dict.fromkeys(word[1:].encode() for word in prefixes if word[1:] in _FAMILY)
    for tail in tails:
        yield from _base64(tail)
        # Four characters tell, and text that is split behind them is found.
        yield from _hexadecimal(tail[:4])
        yield from _utf16(tail)
        yield from _escaped(tail)
        yield from _twice(tail)
        yield from _escaped_and_encoded(tail)
    if tails:
        yield from _three_times()
    for word in (word.encode() for word in prefixes):
        if word[1:].decode() in _FAMILY:
            yield from _as_whole_value(word, _ROUNDS)
            yield from _split(word)
        else:
            yield from _base64(word)
            yield EncodedAnchor(Step.HEX, word.hex().encode())
    for short in context_prefixes:
        for anchor in (*_as_whole_value(short.encode(), 2), *_with_each_escaped(short.encode())):
            yield anchor._replace(needs_context=True)
    for name in names:
        yield from _base64(name.encode())
    if tails:
        yield from _again_and_again()
        yield from _rows()
    yield from _documents()


def _again_and_again() -> Iterator[EncodedAnchor]:
    """How whole texts begin in base64 five times over; encoded more often they begin like one of these."""
    for first, second in itertools.product(_TEXT_BEGINS, repeat=2):
        # What follows does not reach into the characters that are searched for.
        text = bytes((first, second)) + bytes(4)
        for _ in range(_OFTEN):
            text = base64.b64encode(text)
        yield EncodedAnchor(Step.BASE64, text[:_SHORTEST_LITERAL])


def _rows() -> Iterator[EncodedAnchor]:
    """Every character escaped, whatever it is: escapes of escapes, of base64."""
    for escape in ESCAPES:
        step = Step.PERCENT if escape == b"%" else Step.ESCAPE
        yield EncodedAnchor(step, escape, with_body=True)
    for signs in (b"&#", b"\\u", b"\\x", b"%2", b"%3", b"%4", b"%5", b"%6", b"%7", b"6b5", b"6B5"):
        for form in ("&#%d;", "&#x%x;", "&#x%X;"):
            yield EncodedAnchor(Step.HTML, _with_every(form, signs))


def _documents() -> Iterator[EncodedAnchor]:
    for document in DOCUMENTS:
        for text in dict.fromkeys((_stable(document, 0), _stable(document, 0).translate(_URL_SAFE))):
            yield EncodedAnchor(Step.BASE64, text, opens=True)
        yield EncodedAnchor(Step.BASE64, _stable(_stable(document, 0), 0), opens=True)
        for digits in _hexadecimal(document):
            yield digits._replace(opens=True)
    for quote in sorted(QUOTES):
        for last in (b"w", b"x", b"y", b"z"):
            yield EncodedAnchor(Step.BASE64, quote + b"eJ" + last, opens=True)
        yield EncodedAnchor(Step.HEX, quote + b"789c", opens=True)


def _stable(word: bytes, lead: int) -> bytes:
    """The base64 characters that `word` alone decides where `lead` bytes stand before it in its group."""
    first, last = -(-lead * 8 // 6), (lead + len(word)) * 8 // 6
    return base64.b64encode(b"\0" * lead + word)[first:last]


def _base64(word: bytes) -> Iterator[EncodedAnchor]:
    for lead in range(3):
        yield EncodedAnchor(Step.BASE64, _stable(word, lead), -(-lead * 8 // 6) % 4)


def _split(word: bytes) -> Iterator[EncodedAnchor]:
    """The two halves of a word, so that its base64 is found wherever a line breaks in it."""
    for lead in range(3):
        text, phase = _stable(word, lead), -(-lead * 8 // 6) % 4
        for start in (0, len(text) - _SHORTEST_LITERAL):
            half = text[start : start + _SHORTEST_LITERAL]
            yield EncodedAnchor(Step.BASE64, half, (phase + start) % 4)


def _hexadecimal(word: bytes) -> Iterator[EncodedAnchor]:
    yield EncodedAnchor(Step.HEX, word.hex().encode())
    yield EncodedAnchor(Step.HEX, word.hex().upper().encode())


def _utf16(word: bytes) -> Iterator[EncodedAnchor]:
    """UTF-16 inside base64 and hexadecimal, in either byte order."""
    wide = b"\0".join(word[at : at + 1] for at in range(len(word))) + b"\0"
    yield from _base64(wide)
    yield from _hexadecimal(wide)


def _three_times() -> Iterator[EncodedAnchor]:
    """A whole value, `sk_` and what follows, encoded three times; base64 three times is found elsewhere."""
    once = (_stable(b"sk_", 0), b"sk_".hex().encode(), b"sk_".hex().upper().encode())
    for text in once:
        for again in (_stable(text, 0), text.hex().encode(), text.hex().upper().encode()):
            yield EncodedAnchor(Step.BASE64, _stable(again, 0))
            yield from _hexadecimal(again)


def _twice(word: bytes) -> Iterator[EncodedAnchor]:
    for inner in _base64(word):
        for outer in _base64(inner.literal):
            yield outer
            for third in _base64(outer.literal):
                yield third
                yield from _base64(third.literal)
        yield from _hexadecimal(inner.literal)
    for digits in _hexadecimal(word):
        yield from _base64(digits.literal)
        yield EncodedAnchor(Step.HEX, digits.literal.hex().encode())


def _escaped_and_encoded(word: bytes) -> Iterator[EncodedAnchor]:
    """Escapes inside base64 and hexadecimal, and base64 with every character escaped."""
    for step, forms in _USUAL_FORMS.items():
        for form in forms:
            escaped = _with_every(form, word[:2])
            yield from _base64(escaped)
            yield from _hexadecimal(escaped)
            for inner in _base64(word):
                yield EncodedAnchor(step, _with_every(form, inner.literal[:3]))
    for underscore in _USUAL_UNDERSCORES:
        yield from _base64(word.replace(b"_", underscore))


def _with_each_escaped(word: bytes) -> Iterator[EncodedAnchor]:
    """The beginning of a word, each character of it escaped in the usual way."""
    for step, forms in _USUAL_FORMS.items():
        for form in forms:
            yield EncodedAnchor(step, _with_every(form, word[:3]))


def _with_every(form: str, text: bytes) -> bytes:
    return b"".join((form % character).encode() for character in text)


def _escaped(word: bytes) -> Iterator[EncodedAnchor]:
    first, _, rest = word.partition(b"_")
    for step, underscores in _UNDERSCORES.items():
        for underscore in underscores:
            yield EncodedAnchor(step, first + underscore + rest.removesuffix(b"_"))
    yield from _with_one(word)
    # UTF-16 as a literal of bytes.
    for zero in ("\\x00", "\\u0000"):
        yield EncodedAnchor(Step.ESCAPE, zero.join(word[:3].decode()).encode())
    for byte, between in _LISTED:
        # Whole bytes, for what ends in blanks slows the search down.
        yield EncodedAnchor(Step.BYTES, between.join(byte % character for character in word[:3]).encode())
    for at in range(1, len(word)):
        for soft_break in (b"=\n", b"=\r\n"):
            yield EncodedAnchor(Step.QUOTED_PRINTABLE, word[:at] + soft_break + word[at:])
    for step, forms in (*_EVERY_CHARACTER.items(), *_QUOTED_FORMS.items()):
        for form in forms:
            yield EncodedAnchor(step, _with_every(form, word[:3]))


def _with_one(word: bytes) -> Iterator[EncodedAnchor]:
    """A word with one of its characters escaped."""
    for step, forms in _ONE_CHARACTER.items():
        for form in forms:
            for lead in _LEADS:
                yield EncodedAnchor(step, (form % lead).encode() + word[:2])
            yield EncodedAnchor(step, _with_every(form, word[:1]) + word[1:3])
            for at in range(1, len(word)):
                escaped = _with_every(form, word[at : at + 1])
                yield EncodedAnchor(step, _before(word, at, step) + escaped + word[at + 1 : at + 2])


def _before(word: bytes, at: int, step: Step) -> bytes:
    """What of a word stands in a literal before the one character that is escaped."""
    if at + 1 == len(word):
        return word[at - 2 : at]  # behind it stands the rest of the key
    # Before a backslash there may be more of them, in a string in a string.
    return b"" if step is Step.ESCAPE else word[at - 1 : at]


def _as_whole_value(word: bytes, rounds: int) -> Iterator[EncodedAnchor]:
    literal = word
    # The first six characters alone, so that text is found that is split behind them.
    yield EncodedAnchor(Step.BASE64, _stable(word[:6], 0))
    for _ in range(rounds):
        literal = _stable(literal, 0)
        yield EncodedAnchor(Step.BASE64, literal)

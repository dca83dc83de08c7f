"""Strategies for keys, what stands around them and how they are encoded.

Keys come from the seeded template generator and are drawn by seed: shrinking then yields another random key
and never a body of zeros, which the placeholder filter would rightly reject.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from keyleak.attribution.attributor import Attributor
from keyleak.matching.matcher import Matcher
from keyleak.matching.placeholders import placeholder_reason
from keyleak.matching.re_engine import ReEngine
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from keyleak.rulebook.model import Rulebook

# Every shape that the built-in rules know: the issuer whose shape it is, and the template of a whole key.
SHAPES: Final = (
    ("stripe", "sk_live_51${base62:97}"),
    ("stripe", "sk_test_51${base62:97}"),
    ("stripe", "sk_test_${base62:24}"),
    ("stripe", "sk_live_${base62:34}"),
    ("stripe", "rk_live_51${base62:97}"),
    ("stripe", "rk_test_${base62:24}"),
    ("clerk", "sk_live_${base62:42}"),
    ("clerk", "sk_test_${base62:64}"),
    ("paystack", "sk_live_${hex:40}"),
    ("paystack", "sk_test_${hex:40}"),
    ("workos", "sk_live_${base64:key_01${crockford:24},${base62:25}}"),
    ("workos", "sk_test_${base64:key_01${crockford:24},${base62:25}}"),
    ("flora", "sk_live_${base64url:43}"),
    ("flora", "sk_test_${base62:16}"),
    ("sk-family", "sk_live_${hex:32}"),
    ("sk-family", "sk_live_${HEX:16}"),
    ("sk-family", "sk_test_${alnum:28}"),
    ("sk-family", "sk_live_${base64url:133}"),
    ("sk-family", "sk_live_${base62:250}"),
    ("sk-family", "rk_live_${base62:250}"),
)
TEMPLATES: Final = tuple(template for _, template in SHAPES)

# What may follow a key, by the issue: each of these ends it.
NEIGHBOURS: Final = (
    ",",
    ")",
    "<",
    "&",
    ".",
    "]",
    ":",
    "/",
    "@",
    '\\"',
    "",
    "\n",
    "\r\n",
    " ",
    "'",
    '"',
    "}",
    ";",
    "\0",
)
ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be", "utf-16", "latin-1")

WORD: Final = frozenset((string.ascii_letters + string.digits + "_").encode())
KEY_BYTES: Final = WORD | frozenset(b"-")
# Behind a short body these say that somebody shortened it or that a program completes it.
CUT_OFF: Final = (b"...", b"**", b"${", b"#{", b"{{", b"%s", b"%d", "…".encode())


@dataclass(frozen=True)
class Planted:
    """A key made for a test."""

    issuer: str
    text: str

    @property
    def data(self) -> bytes:
        return self.text.encode()

    @property
    def body(self) -> str:
        """What follows the prefix word."""
        return self.text.split("_", 2)[2]


@cache
def rulebook() -> Rulebook:
    """The built-in rules, read once."""
    return load_rulebook()


@cache
def matcher() -> Matcher:
    """A matcher of the built-in rules on the fastest engine."""
    return Matcher(rulebook())


@cache
def attributor() -> Attributor:
    """An attributor of the built-in rules."""
    return Attributor(rulebook())


@cache
def pure_matcher() -> Matcher:
    """The same on Python's `re`."""
    return Matcher(rulebook(), ReEngine(matcher().rules.anchors))


def found_in(content: bytes) -> list[tuple[bytes, int, int]]:
    """Key, start and end of every match."""
    return [(match.secret.reveal(), match.start, match.end) for match in matcher().match(content)]


def reported_on(content: bytes) -> dict[bytes, set[str]]:
    """Every key that is reported, and the ids of the rules on which it is."""
    grounds = [(match, attributor().weigh(match).grounds) for match in matcher().match(content)]
    return {match.secret.reveal(): {rule.id for rule in rules} for match, rules in grounds if rules}


def planted_keys() -> st.SearchStrategy[Planted]:
    """Keys of every built-in shape."""
    return st.builds(
        lambda shape, seed: Planted(shape[0], expand(shape[1], seed)),
        st.sampled_from(SHAPES),
        st.integers(0, 5000),
    ).filter(lambda key: _is_no_placeholder(key.body))


def bodies() -> st.SearchStrategy[str]:
    """Random bodies of every alphabet and every permitted length."""
    return st.builds(
        lambda alphabet, length, seed: expand(f"${{{alphabet}:{length}}}", seed),
        st.sampled_from(("base62", "hex", "HEX", "alnum", "base64url")),
        st.integers(16, 250),
        st.integers(0, 5000),
    ).filter(_is_no_placeholder)


def _is_no_placeholder(body: str) -> bool:
    """Chance draws an `xxxx` now and then; how seldom is measured in test_placeholders.py."""
    return placeholder_reason(body, rulebook().placeholders) is None


def bytes_before() -> st.SearchStrategy[bytes]:
    """Arbitrary bytes after which a key may begin."""
    return st.binary(max_size=80).filter(lambda before: not before or before[-1] not in WORD)


def bytes_after() -> st.SearchStrategy[bytes]:
    """Arbitrary bytes, or a neighbour with arbitrary bytes behind it, before which a key may end.

    Left out are `=` and `+` (padding and base64, which may belong to a key) and marks of a shortened key.
    """
    neighbours = st.builds(
        lambda neighbour, rest: neighbour.encode() + (rest if neighbour else b""),
        st.sampled_from(NEIGHBOURS),
        st.binary(max_size=40),
    )
    return (st.binary(max_size=80) | neighbours).filter(
        lambda after: (not after or after[0] not in KEY_BYTES | set(b"=+")) and not after.startswith(CUT_OFF)
    )


def texts_before() -> st.SearchStrategy[str]:
    """Arbitrary text, in any script, after which a key may begin."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=30).filter(
        lambda text: not text or not (text[-1].isascii() and ord(text[-1]) in WORD)
    )


def texts_after() -> st.SearchStrategy[str]:
    """Arbitrary text before which a key may end."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=30).filter(
        lambda text: (
            not text
            or (
                not (text[0].isascii() and (ord(text[0]) in KEY_BYTES or text[0] in "=+"))
                and not text.encode().startswith(CUT_OFF)
            )
        )
    )

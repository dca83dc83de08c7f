"""A text of which a part was decoded from the text outside, and the way back to where that stands."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from keyleak.on_use import on_use
from keyleak.records import dataclass

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from keyleak.decoding.decoded import Decoded, Step
    from keyleak.matching.match import Rejection

# Text around an encoded one that may say whose key it holds.
_CONTEXT: Final = 1024
# The call that decodes: to what its result is given, the key is given. Also the sign of hexadecimal text.
_DECODER: Final = on_use(
    rb"[A-Za-z0-9_.:]{0,64}(?:fromhex|unhexlify|atob|[bB](?:ase)?64_?(?:decode|decodestring|decode64)?|decode64"
    rb"|DecodeString|FromBase64String|Buffer\.from|unquote|unescape|decodeURIComponent|getDecoder\(\)\.decode)"
    rb"\(\s{0,8}(b?[\"'`]?)\Z|(?:\b0[xX]|\\{1,2}x)()\Z"
)
_LONGEST_DECODER: Final = 112


@dataclass(frozen=True, slots=True)
class DecodedRejection:
    """Something key-shaped in encoded text that is no key."""

    rejection: Rejection
    place: int
    """Offset of the encoded text."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A text, part of it decoded from the text outside."""

    text: bytes
    span: tuple[int, int]
    """What of it was decoded."""
    steps: tuple[Step, ...]
    origin: Callable[[int], int]
    place: Callable[[int], int]
    reject: Callable[[DecodedRejection], None] | None
    """Told of what is no key, where somebody wants to know."""
    barren: set[bytes]
    """Digests of layers of this content in which nothing was found, to be known when they come again."""

    @property
    def digest(self) -> bytes:
        """Of all that is looked at in it."""
        told = f"{self.span} {len(self.steps)}".encode()
        return hashlib.blake2b(self.text, digest_size=16, key=told).digest()

    @property
    def decoded(self) -> bytes:
        """What was decoded."""
        return self.text[self.span[0] : self.span[1]]


def outermost(text: bytes, reject: Callable[[DecodedRejection], None] | None) -> Layer:
    """A content itself, of which nothing is decoded yet."""
    return Layer(text, (0, len(text)), (), _same, _same, reject, set())


def spliced(layer: Layer, decoded: Decoded) -> Layer:
    """The text with the decoded part in place of the encoded one, as far as context goes."""
    before = layer.text[max(0, decoded.start - _CONTEXT) : decoded.start]
    before = before[:-_LONGEST_DECODER] + _DECODER.sub(_quote, before[-_LONGEST_DECODER:])
    left = decoded.start - len(before)
    after = layer.text[decoded.end : decoded.end + _CONTEXT]
    start, stop = len(before), len(before) + len(decoded.data)

    def through(undo: Callable[[int], int]) -> Callable[[int], int]:
        def offset(index: int) -> int:
            if index < start:
                return left + index
            return undo(index - start) if index < stop else decoded.end + index - stop

        return offset

    origin, place = through(decoded.origin), through(decoded.place)
    return Layer(
        before + decoded.data + after,
        (start, stop),
        (*layer.steps, decoded.step),
        lambda index: layer.origin(origin(index)),
        lambda index: layer.place(place(index)),
        layer.reject,
        layer.barren,
    )


def _quote(decoder: re.Match[bytes]) -> bytes:
    return bytes(decoder[1] or b"")


def _same(offset: int) -> int:
    return offset

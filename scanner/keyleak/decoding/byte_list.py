"""Text as a list of its characters: `[115, 107, 95]`, `{0x73, 0x6b}`, `73 6b 5f`, `{'s', 'k', '_'}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.decoding.decoded import Decoded, Step
from keyleak.on_use import on_use

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

# A key is at most 266 characters, each of a handful of bytes with what stands between two of them.
_REACH: Final = 4096
_FEWEST: Final = 8
_BETWEEN: Final = rb"(?:,\s{0,24}|\s{1,24})"


def _list_of(element: bytes, between: bytes = _BETWEEN) -> re.Pattern[bytes]:
    return on_use(b"%b(?:%b%b){%d,}" % (element, between, element, _FEWEST - 1))


# By how each byte is written: the whole list, a byte in it, and what a byte says.
_FORMS: Final[tuple[tuple[re.Pattern[bytes], re.Pattern[bytes], Callable[[bytes], int]], ...]] = (
    (_list_of(rb"0[xX][0-9A-Fa-f]{2}"), on_use(rb"0[xX]([0-9A-Fa-f]{2})"), lambda digits: int(digits, 16)),
    (_list_of(rb"[0-9A-Fa-f]{2}", rb"[ :-]"), on_use(rb"([0-9A-Fa-f]{2})"), lambda digits: int(digits, 16)),
    (_list_of(rb"[0-9]{1,3}(?![0-9])"), on_use(rb"([0-9]{1,3})"), int),
    (_list_of(rb"'[ -~]'"), on_use(rb"'([ -~])'"), ord),
    (_list_of(rb'"[ -~]"'), on_use(rb'"([ -~])"'), ord),
)


def byte_list(text: bytes, start: int, end: int) -> Decoded | None:
    """What the list of bytes around an anchor says; None where it is none.

    Args:
        text: where it stands.
        start: where the anchor begins.
        end: where it ends.
    """
    left, right = max(0, start - _REACH), min(len(text), end + _REACH)
    for whole, element, value in _FORMS:
        for found in whole.finditer(text, left, right):
            if found.start() <= start and end <= found.end():
                return _decoded(text, found.span(), element, value)
    return None


def _decoded(
    text: bytes, span: tuple[int, int], element: re.Pattern[bytes], value: Callable[[bytes], int]
) -> Decoded:
    elements = list(element.finditer(text, *span))
    codes = [value(each[1]) for each in elements]
    data = bytes(code if code < 256 else 0 for code in codes)
    segments = tuple((index, each.start()) for index, each in enumerate(elements))
    return Decoded(Step.BYTES, data, *span, segments, (1, 1), whole=True)

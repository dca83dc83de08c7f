"""Text as a list of its characters: `[115, 107, 95]`, `{0x73, 0x6b}`, `73 6b 5f`, `{'s', 'k', '_'}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.decoding.decoded import Decoded, Step
from keyleak.on_use import on_use

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

# What stands before the anchor: the beginning of a prefix, a name and a sign.
_BEFORE: Final = 512
_FEWEST: Final = 8
_MOST: Final = 1024
_BETWEEN: Final = rb"(?:,\s{0,24}|\s{1,24})"


class _Form(NamedTuple):
    """A way to write a byte."""

    element: re.Pattern[bytes]
    onward: re.Pattern[bytes]
    """So many bytes from one on that it is a list."""
    before: re.Pattern[bytes]
    """What of the list stands before a byte."""
    value: Callable[[bytes], int]


def _form(element: bytes, value: Callable[[bytes], int], between: bytes = _BETWEEN) -> _Form:
    one = element.replace(b"(", b"(?:", 1)
    return _Form(
        on_use(element),
        on_use(b"%b(?:%b%b){%d,%d}" % (one, between, one, _FEWEST - 1, _MOST)),
        on_use(b"(?<![0-9A-Fa-f])(?:%b%b)+\\Z" % (one, between)),
        value,
    )


def _base16(digits: bytes) -> int:
    return int(digits, 16)


_FORMS: Final = (
    _form(rb"0[xX]([0-9A-Fa-f]{2})", _base16),
    _form(rb"([0-9A-Fa-f]{2})", _base16, rb"[ :-]"),
    _form(rb"([0-9]{1,3})(?![0-9])", int),
    _form(rb"'([ -~])'", ord),
    _form(rb'"([ -~])"', ord),
)


def byte_list(text: bytes, start: int) -> Decoded | None:
    """What the list of bytes around an anchor says; None where it is none.

    Args:
        text: where it stands.
        start: where the anchor begins.
    """
    for form in _FORMS:
        if onward := form.onward.match(text, start):
            before = form.before.search(text, max(0, start - _BEFORE), start)
            return _decoded(text, (before.start() if before else start, onward.end()), form)
    return None


def _decoded(text: bytes, span: tuple[int, int], form: _Form) -> Decoded:
    elements = list(form.element.finditer(text, *span))
    codes = [form.value(each[1]) for each in elements]
    data = bytes(code if code < 256 else 0 for code in codes)
    segments = tuple((index, each.start()) for index, each in enumerate(elements))
    return Decoded(Step.BYTES, data, *span, segments, (1, 1), whole=True)

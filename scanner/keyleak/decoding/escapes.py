r"""Escapes in text: percent, `\uXXXX`, `\xXX` and `\163`, HTML entities, quoted-printable.

Each is undone over the whole line of its anchor, so that what stands beside a key is read as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.decoding.decoded import REACH, Decoded, Step, line_around, substituted
from keyleak.on_use import on_use

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

_PERCENT: Final = on_use(rb"%(?:25){0,3}(?:u00)?([0-9A-Fa-f]{2})")
# Any number of backslashes, written as escapes themselves too: text in a string in a string. A single one
# behind such an escape begins the next.
_BACKSLASHES: Final = rb"\\{1,64}(?:(?:u005[cC]|x5[cC])(?:\\{2,8})?){0,3}"
_BACKSLASH: Final = on_use(
    rb"(?<!\\)"
    + _BACKSLASHES
    + rb"(?:u00([0-9A-Fa-f]{2})|[ux]\{0{0,6}([0-9A-Fa-f]{2})\}|U000000([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})"
    rb"|0?([01][0-7]{2})|([/\"'nrt_]))"
)
_ENTITY: Final = on_use(rb"&(?:(?:amp|#38|#[xX]26);){0,3}(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,12});")
_QUOTED: Final = on_use(rb"=(?:([0-9A-Fa-f]{2})|\r?\n)")
_SOFT_BREAK: Final = on_use(rb"=\r?\n")
# Encoders fill lines up to 76 characters (RFC 2045, 6.7). A shorter one may end in a key's own `=`.
_FULL_LINE: Final = range(68, 78)
_CONTROLS: Final[Mapping[bytes, bytes]] = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def percent(text: bytes, start: int, end: int) -> Decoded | None:
    """The line of an anchor without `%XX`, also where the percent signs are encoded themselves."""
    return substituted(Step.PERCENT, text, line_around(text, start, end), _PERCENT, _hexadecimal)


def backslash(text: bytes, start: int, end: int) -> Decoded | None:
    r"""The line of an anchor without `\\uXXXX`, `\\xXX`, `\\163`, `\\/`, `\\"`, `\\_`."""
    return substituted(Step.ESCAPE, text, line_around(text, start, end), _BACKSLASH, _backslash)


def entities(text: bytes, start: int, end: int) -> Decoded | None:
    """The line of an anchor without `&#95;`, `&#x5f;`, `&lowbar;`."""
    return substituted(Step.HTML, text, line_around(text, start, end), _ENTITY, _entity)


def quoted_printable(text: bytes, start: int, end: int) -> Decoded | None:
    """The lines of an anchor, which end in `=` where they go on, without `=XX`."""
    first, last = line_around(text, start, end)
    left, right = max(0, start - REACH), min(len(text), end + REACH)
    while (above := _soft_break_before(text, left, first)) is not None:
        first = line_around(text, above, above)[0]
    while (soft := _SOFT_BREAK.match(text, last - 1, right)) is not None:
        last = line_around(text, soft.end(), soft.end())[1]
    return substituted(Step.QUOTED_PRINTABLE, text, (first, min(last, right)), _QUOTED, _quoted)


UNDO: Final[Mapping[Step, Callable[[bytes, int, int], Decoded | None]]] = {
    Step.PERCENT: percent,
    Step.ESCAPE: backslash,
    Step.HTML: entities,
    Step.QUOTED_PRINTABLE: quoted_printable,
}

# A key goes on behind an escape that stands for one of its characters: `%2D`, `&#45;`, a soft break.
_CODE: Final = rb"(?:2[BbDdFf]|5[Ff]|[3-7][0-9A-Fa-f])"
_GOES_ON: Final = on_use(
    rb"[A-Za-z0-9_+/-]{0,260}+(?:(?P<percent>%(?:25){0,3}(?:u00)?" + _CODE + rb")"
    rb"|(?P<escape>" + _BACKSLASHES + rb"(?:(?:u00|x|U000000)" + _CODE + rb"|[ux]\{0{0,6}" + _CODE + rb"\}"
    rb"|0?(?:05[357]|0[67][0-7]|1[0-7]{2})|_))"
    rb"|(?P<html>&(?:(?:amp|#38|#[xX]26);){0,3}(?:#0{0,4}(?:4[357]|9[05-9]|1[012][0-9]|[5-8][0-9])"
    rb"|#[xX]0{0,4}" + _CODE + rb"|lowbar|UnderBar|plus|sol);)"
    rb"|(?P<quoted>=(?:5[Ff]|2[BbDdFf]))|(?P<soft>=\r?\n[A-Za-z0-9_+/-]))"
)
_NAMES: Final[Mapping[str, Step]] = {
    "percent": Step.PERCENT,
    "escape": Step.ESCAPE,
    "html": Step.HTML,
    "quoted": Step.QUOTED_PRINTABLE,
    "soft": Step.QUOTED_PRINTABLE,
}


def continuation(text: bytes, end: int) -> tuple[Step, int] | None:
    """The kind of escape at which the plain text of a key breaks off, and where that ends; None for none.

    Args:
        text: where the key stands.
        end: just after its prefix word.
    """
    goes_on = _GOES_ON.match(text, end)
    if goes_on is None or goes_on.lastgroup is None:
        return None
    if goes_on["soft"] and not _is_full(text, goes_on.start("soft")):
        return None
    return _NAMES[goes_on.lastgroup], goes_on.end()


def _hexadecimal(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 16)])


def _backslash(escape: re.Match[bytes]) -> bytes:
    digits = escape[1] or escape[2] or escape[3] or escape[4]
    if digits:
        return bytes([int(digits, 16)])
    return bytes([int(escape[5], 8)]) if escape[5] else _CONTROLS.get(escape[6], escape[6])


def _entity(escape: re.Match[bytes]) -> bytes:
    import html  # noqa: PLC0415 - brings a table of two thousand names

    return html.unescape(f"&{escape[1].decode('ascii')};").encode("utf-8", "replace")


def _quoted(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 16)]) if escape[1] else b""


def _is_full(text: bytes, end: int) -> bool:
    """Whether a line that ends in `=` is as long as quoted-printable makes them."""
    return end - line_around(text, end, end)[0] in _FULL_LINE


def _soft_break_before(text: bytes, left: int, start: int) -> int | None:
    """Where the soft break begins that ends at `start`."""
    for soft in (b"=\r\n", b"=\n"):
        if start - len(soft) >= left and text.startswith(soft, start - len(soft)):
            return start - len(soft)
    return None

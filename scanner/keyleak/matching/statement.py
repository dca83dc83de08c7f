"""The statement a key stands in: its line, without what belongs to the neighbouring keys on that line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.key_shapes import MASK
from keyleak.matching.written import is_written
from keyleak.on_use import on_use
from keyleak.records import dataclass, field

if TYPE_CHECKING:
    import re

# A line of content, or one inside a string: `\n` written as two characters.
_BREAK: Final = on_use(rb"[\r\n]|\\r\\n|\\n")


def key_shaped(*words: bytes) -> bytes:
    """The pattern of what looks like a key to its neighbours; `words` begin one besides the usual ones."""
    family = rb"|".join((rb"[srp]k_(?:live|test|prod|dev|sbox|sandbox|hackathon)|whsec", *words))
    return (
        rb"(?:" + family + rb")_[A-Za-z0-9_+/=-]{12,}"
        rb"|[sp]k_(?:[0-9a-f]{8}-[0-9a-f-]{27}|[a-z2-7]{26}|[0-9a-f]{40})"
    )


_KEY: Final = on_use(key_shaped())
_LAST_SEPARATOR: Final = on_use(rb"[,;{&\s](?=[^,;{&\s]*\Z)")
# A value given to FLORA may hold `.` and `~`, and be as short as the shortest body.
_TOKEN: Final = on_use(r"[A-Za-z0-9_+/=.~-]{16,}")
_PARTS: Final = on_use(r"[A-Za-z0-9]+")
_LONGEST_WRITTEN: Final = 32
_MOST_UNWRITTEN: Final = 5

_CONTEXT: Final = 512
# More than any evidence beside a key needs, less than a view holds on either side of any key in it.
AROUND_BEFORE: Final = 2048
AROUND_AFTER: Final = 1024
_EXCERPT_BEFORE: Final = 60
_EXCERPT_AFTER: Final = 20


@dataclass(frozen=True, slots=True)
class Around:
    """The text around a key, lines before and after it included; other keys may stand in it."""

    before: bytes = field(repr=False)
    after: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """What stands around a key on its line, at most 512 characters on either side."""

    before: bytes = field(repr=False)
    """From the start of the line, or from the end of the key before this one."""
    after: bytes = field(repr=False)
    """To the end of the line, or to the name of the key after this one."""

    def excerpt(self, redacted: str) -> str:
        """The line with the key redacted and every other long token masked, for people to read."""
        # Masked before it is cut: the cut must not leave half a token that no longer looks like one.
        before = _visible(self.before)[-_EXCERPT_BEFORE:]
        after = _visible(self.after)[:_EXCERPT_AFTER]
        return f"{before}{redacted}{after}".strip()


def around(text: bytes, start: int, end: int) -> Around:
    """What stands around the key at `text[start:end]`."""
    return Around(text[max(0, start - AROUND_BEFORE) : start], text[end : end + AROUND_AFTER])


def statement_around(text: bytes, start: int, end: int) -> Statement:
    """The statement of the key at `text[start:end]`."""
    before = text[max(0, start - _CONTEXT) : start]
    before = before[_last_end(_BREAK, before) :]
    after = text[end : end + _CONTEXT]
    line_end = _BREAK.search(after)
    after = after[: line_end.start()] if line_end else after
    return Statement(before[_last_end(_KEY, before) :], _until_next_key(after))


def _last_end(pattern: re.Pattern[bytes], text: bytes) -> int:
    return max((found.end() for found in pattern.finditer(text)), default=0)


def _until_next_key(after: bytes) -> bytes:
    following = _KEY.search(after)
    if not following:
        return after
    until = after[: following.start()]
    separator = _LAST_SEPARATOR.search(until)
    return until[: separator.start()] if separator else b""


def _visible(context: bytes) -> str:
    text = context.decode("utf-8", "replace").replace("\x00", "").replace("\ufffd", "")
    return _TOKEN.sub(lambda token: MASK if _may_be_secret(token[0]) else token[0], text)


def _may_be_secret(token: str) -> bool:
    """Names, paths and hosts of plain words are shown, whatever may have been drawn by chance is not."""
    parts = _PARTS.findall(token)
    unwritten = sum(len(part) for part in parts if not is_written(part))
    return unwritten > _MOST_UNWRITTEN or any(len(part) >= _LONGEST_WRITTEN for part in parts)

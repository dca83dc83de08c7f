"""What an engine does: finding anchors in raw bytes. There are two, with the same results."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from keyleak.matching.beginning import CHARACTERS, ESCAPED, ESCAPES, IN_ROW, LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

Buffer: TypeAlias = bytes | bytearray | memoryview

MIN_BODY: Final = 16
MAX_BODY: Final = 250
_NARROW_BODY: Final = re.compile(rb"[A-Za-z0-9_+/=-]{%d}" % MIN_BODY)
_WIDE_BODY: Final = re.compile(rb"(?:\x00[A-Za-z0-9_+/=-]){%d}" % MIN_BODY)
# No letter, digit or underscore, or the end of an escape: `task_` is no beginning. Hyperscan reads on from
# before; for `re` it is looked at, from the word on.
_WORD_BEGINS: Final = rb"(?:\b|\\(?:[nrt]|x[0-9A-Fa-f]{2}|u00[0-9A-Fa-f]{2})|%[0-9A-Fa-f]{2})"
_WORD_BEGINS_HERE: Final = (
    rb"(?:\b|(?<=\\[nrt])|(?<=\\x[0-9A-Fa-f]{2})|(?<=\\u00[0-9A-Fa-f]{2})|(?<=%[0-9A-Fa-f]{2}))"
)
_BEGINS: Final = b"[%b]{%d}" % (re.escape(CHARACTERS), LENGTH)
_WIDELY_BEGINS: Final = rb"(?:\x00[%b]){%d}" % (re.escape(CHARACTERS), LENGTH)


class Searched(Protocol):
    """Something an engine searches for."""

    @property
    def literal(self) -> bytes:
        """Its bytes."""

    @property
    def with_body(self) -> bool:
        """Whether it counts only with something behind it: a body, or more escapes (`beginning.py`)."""


class Hit(NamedTuple):
    """An anchor found: which one, and the offset just after it."""

    end: int
    anchor: int


class Engine(Protocol):
    """Finds anchors."""

    def hits(self, content: Buffer) -> list[Hit]:
        """Every place where an anchor ends, in order of offset."""


def has_body(content: Buffer, end: int, *, wide: bool) -> bool:
    """Whether the shortest body of a key follows a prefix word: a mere mention of the prefix ends here."""
    return (_WIDE_BODY if wide else _NARROW_BODY).match(content, end) is not None


class Beside(NamedTuple):
    """What must stand beside a literal."""

    before: bytes
    """A pattern that ends where the literal begins."""
    here: bytes
    """The same as a look-behind."""
    behind: bytes
    """A pattern that begins where the literal ends."""
    length: int
    """Bytes that the pattern behind matches."""


def beside(anchor: Searched) -> Beside:
    """What must stand beside a literal: nothing, a word's beginning and that of a body, or more escapes."""
    if not anchor.with_body:
        return Beside(b"", b"", b"", 0)
    if anchor.literal in ESCAPES:
        more = (re.escape(anchor.literal) + ESCAPED) * (IN_ROW - 1)
        return Beside(b"", b"", ESCAPED + more, 2 + (IN_ROW - 1) * (len(anchor.literal) + 2))
    if b"\0" in anchor.literal:
        return Beside(b"", b"", _WIDELY_BEGINS, 2 * LENGTH)
    return Beside(_WORD_BEGINS, _WORD_BEGINS_HERE, _BEGINS, LENGTH)


def fastest_engine(anchors: Sequence[Searched]) -> Engine:
    """Hyperscan where it is installed, else `re`."""
    # Each engine is imported only where it is used: one may not be installed, the other not be needed.
    if importlib.util.find_spec("hyperscan") is None:
        from keyleak.matching.re_engine import ReEngine  # noqa: PLC0415

        return ReEngine(anchors)
    from keyleak.matching.hyperscan_engine import HyperscanEngine  # noqa: PLC0415

    return HyperscanEngine(anchors)

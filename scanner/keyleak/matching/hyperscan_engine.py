"""The engine on Hyperscan (Vectorscan wheels): all anchors in one pass, at several gigabytes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import hyperscan

from keyleak.matching.engine import Hit, beside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.matching.engine import Buffer, Searched

# The binding takes lengths as 32-bit numbers; longer contents come in windows anyway (see sources/).
LONGEST_CONTENT = 2**31 - 1


class HyperscanEngine:
    """Finds anchors with one compiled database."""

    def __init__(self, anchors: Sequence[Searched], compiled: bytes | None = None) -> None:
        """Make ready.

        Args:
            anchors: what is searched for.
            compiled: what `compiled` gave for the same anchors on this machine, which saves the compiling.
        """
        self._database = _loaded(compiled) or _database_of(anchors)
        self._scan = self._database.scan
        self._behind = tuple(beside(anchor).length for anchor in anchors)

    @property
    def compiled(self) -> bytes:
        """The compiled anchors, for another start."""
        return bytes(hyperscan.dumpb(self._database))

    def hits(self, content: Buffer) -> list[Hit]:
        """See `Engine.hits`.

        Raises:
            ValueError: the content is longer than `LONGEST_CONTENT`.
        """
        if not len(content):
            return []
        if len(content) > LONGEST_CONTENT:
            raise ValueError(f"content of {len(content):,} bytes must be scanned in windows")
        found: list[Hit] = []
        length_behind = self._behind
        # The binding takes any buffer; its annotation says text.
        self._scan(
            cast("bytes", content),
            lambda anchor, _start, end, _flags, _context: found.append(
                Hit(end - length_behind[anchor], anchor)
            ),
        )
        return sorted(set(found)) if found else found


def expression(anchor: Searched) -> bytes:
    """What Hyperscan searches for: the literal, with what must stand beside it."""
    # Byte escapes, for the binding's literal mode ends a literal at its first zero byte.
    literal = b"".join(b"\\x%02x" % byte for byte in anchor.literal)
    around = beside(anchor)
    return around.before + literal + around.behind


def _loaded(compiled: bytes | None) -> hyperscan.Database | None:
    if not compiled:
        return None
    try:
        database = hyperscan.loadb(compiled, hyperscan.HS_MODE_BLOCK)
        # Memory to search with, which compiling brings along and loading does not.
        database.scratch = hyperscan.Scratch(database)
    except hyperscan.error:
        return None  # of another version of Hyperscan, or for another processor
    return database


def _database_of(anchors: Sequence[Searched]) -> hyperscan.Database:
    database = hyperscan.Database()
    database.compile(
        expressions=[expression(anchor) for anchor in anchors],
        ids=list(range(len(anchors))),
        elements=len(anchors),
        flags=0,
    )
    return database

"""Entries of the configuration that accept something unread: by path, blob or kind, always with a reason.

What an entry accepts is listed in every report; it holds keys as much as anything that nobody read. What says
that a scan itself did not go as it should, an interruption or objects that are missing, no entry accepts.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Accepted
from keyleak.decisions.entries import Criteria
from keyleak.decisions.path_patterns import path_pattern
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from keyleak.coverage import Coverage, Gap
    from keyleak.decisions.entries import AllowEntry


class GapKind(Enum):
    """What keeps something from being read, as entries name it."""

    SEVEN_ZIP = "7z"
    RAR = "rar"
    LZ4 = "lz4"
    SNAPPY = "snappy"
    COMPRESS = "compress"
    CABINET = "cabinet"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    LIMIT = "limit"
    """Too deep, too large, or too much work."""
    SUBMODULE = "submodule"
    LFS = "lfs"


_NOT_OPENED: Final = re.compile(r"is not opened \(([a-z0-9]+)[^)]*\)")
_WORDS: Final = (
    (re.compile(r"\A(?:is|are) encrypted|password"), GapKind.ENCRYPTED),
    (re.compile(r"\bdamaged\b|\Aends early"), GapKind.DAMAGED),
    (re.compile(r"\btoo (?:deep|large|long|many|much)|deep, so|expand|explode|budget"), GapKind.LIMIT),
    (re.compile(r"\Aa submodule\b"), GapKind.SUBMODULE),
    (re.compile(r"\bgit lfs\b", re.IGNORECASE), GapKind.LFS),
)


def kind_of(gap: Gap) -> GapKind | None:
    """What keeps it from being read; None where no entry can name that."""
    if found := _NOT_OPENED.search(gap.reason):
        return next((kind for kind in GapKind if kind.value == found[1]), None)
    return next((kind for words, kind in _WORDS if words.search(gap.reason)), None)


@dataclass(frozen=True, slots=True)
class GapEntry:
    """One entry of `allow-gap`; all that it names must fit."""

    reason: str
    path: str | None = None
    """A pattern; see `keyleak.decisions.path_patterns`."""
    blob: str | None = None
    """The id of an object."""
    kind: GapKind | None = None
    expires: date | None = None
    """The last day on which it counts."""
    line: int = 0
    """Where it is in its file."""

    def expired(self, today: date | None) -> bool:
        """Whether it no longer counts; on no day where there is none to compare with."""
        return today is not None and self.expires is not None and self.expires < today

    def covers(self, gap: Gap, paths: Sequence[str]) -> bool:
        """Whether it fits; a path only if every path that is known of it does.

        Args:
            gap: what was not read.
            paths: its paths as the configuration sees them.
        """
        return (
            (self.blob is None or self.blob == gap.blob)
            and (self.kind is None or self.kind is kind_of(gap))
            and (self.path is None or self._covers_paths(paths, gap))
        )

    def _covers_paths(self, paths: Sequence[str], gap: Gap) -> bool:
        pattern = path_pattern(self.path or "")
        if kind_of(gap) is GapKind.SUBMODULE:
            # A folder, whose content is what was not read.
            paths = [f"{path}/content" for path in paths]
        return bool(paths) and all(map(pattern.fits, paths))

    def __str__(self) -> str:
        kind = self.kind.value if self.kind else None
        named = {"path": self.path, "blob": self.blob, "kind": kind}
        return ", ".join(f"{name}: {value}" for name, value in named.items() if value is not None)


def of_allowed_paths(entries: Sequence[AllowEntry]) -> tuple[GapEntry, ...]:
    """What `allow` entries that name a path and nothing else accept.

    Whatever key there is below such a path is allowed, so what cannot be read there hides none that counts.
    """
    return tuple(
        GapEntry(entry.reason, path=entry.criteria.path, expires=entry.expires, line=entry.line)
        for entry in entries
        if entry.criteria == Criteria(path=entry.criteria.path)
    )


def accept(
    coverage: Coverage,
    entries: Sequence[GapEntry],
    names: Callable[[Gap], Sequence[str]],
    by: Callable[[GapEntry], str],
) -> tuple[Coverage, list[GapEntry]]:
    """The coverage with the gaps that entries accept listed as such, and the entries that accept none.

    Args:
        coverage: what was read and what was not.
        entries: those that count today.
        names: gives the paths of a gap as the configuration sees them.
        by: says which entry it is.
    """
    gaps, accepted, used = [], [], set()
    for gap in coverage.gaps:
        entry = next((entry for entry in entries if entry.covers(gap, names(gap))), None)
        if entry is None:
            gaps.append(gap)
            continue
        used.add(entry.line)
        times = f" ({gap.count:,} times)" if gap.count > 1 else ""
        accepted.append(Accepted(gap.what, f"{gap.reason}{times}", by(entry), entry.line))
    unused = [entry for entry in entries if entry.line not in used]
    return replace(coverage, gaps=tuple(gaps), accepted=(*coverage.accepted, *accepted)), unused

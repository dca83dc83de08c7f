"""What a scan read and what it could not: a scan with a gap is not a clean scan."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from keyleak.errors import ExitCode
from keyleak.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was to be read and was not."""

    what: str
    """The path, object or part that was not read."""
    reason: str
    """Why, in words that say what to do where something can be done."""
    count: int = 1
    """How many such things this entry stands for."""
    paths: tuple[str, ...] = ()
    """The paths that are known of it, where it is a file, a folder or a blob."""
    blob: str | None = None
    """The id of the object that it is, where it is one that was read by its id."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Something that was not read, and whose gap the configuration accepts by name."""

    what: str
    reason: str
    """Why it was not read."""
    by: str
    """The entry that accepts it: file, line and the reason given there."""
    line: int = 0
    """Where the entry is in its file; not part of a report."""


@dataclass(frozen=True, slots=True)
class ObjectCounts:
    """Git objects read, by kind."""

    blob: int = 0
    commit: int = 0
    tag: int = 0
    tree: int = 0

    def __add__(self, other: ObjectCounts) -> ObjectCounts:
        return ObjectCounts(
            self.blob + other.blob, self.commit + other.commit, self.tag + other.tag, self.tree + other.tree
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was read."""

    bytes: int = 0
    """Bytes of content handed to matching, each counted once."""
    files: int = 0
    """Files and symbolic links read."""
    objects: ObjectCounts = field(default_factory=ObjectCounts)
    """Git objects read."""
    gaps: tuple[Gap, ...] = ()
    """What was not read."""
    repositories: tuple[str, ...] = ()
    """Repositories below the folders that were scanned, whose history was not read: `history` does that."""
    not_checked_out: int = 0
    """Tracked files that a sparse checkout leaves out, so that they were not there to be read."""
    accepted: tuple[Accepted, ...] = ()
    """What was not read and is no gap any more, since the configuration accepts it by name."""

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was read."""
        return not self.gaps

    @property
    def shows_all(self) -> bool:
        """Whether what was not found is not there: nothing was unread, and no tracked file absent."""
        return self.complete and not self.not_checked_out

    @property
    def nothing_read(self) -> bool:
        """Whether no file and no object was read."""
        return not self.files and not self.bytes and self.objects == ObjectCounts()

    def exit_code(self, *, findings: bool, allow_incomplete: bool) -> ExitCode:
        """The exit code of every command that read something; incomplete outranks findings.

        Args:
            findings: whether there is one that counts.
            allow_incomplete: whether the user accepts that something was not read.
        """
        if not self.complete and not allow_incomplete:
            return ExitCode.INCOMPLETE
        return ExitCode.FINDINGS if findings else ExitCode.CLEAN

    def without(self, key: str) -> str:
        """The words for a result without a key, as far as they are true: nothing read is nothing known.

        Args:
            key: what was not found, at the beginning of a sentence: `No key found`.
        """
        if self.nothing_read:
            return "Nothing was read"
        if not self.complete:
            return "Not everything was read; the rest holds no key"
        return f"{key} in what was read" if self.accepted else key

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            self.bytes + other.bytes,
            self.files + other.files,
            self.objects + other.objects,
            self.gaps + other.gaps,
            self.repositories + other.repositories,
            self.not_checked_out + other.not_checked_out,
            self.accepted + other.accepted,
        )


def merge_gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Equal gaps as one with their number, in order of what and reason."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Gap] = {}
    for gap in gaps:
        counts[gap.what, gap.reason] += gap.count
        first.setdefault((gap.what, gap.reason), gap)
    return tuple(replace(first[known], count=count) for known, count in sorted(counts.items()))

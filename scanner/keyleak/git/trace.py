"""Which commits brought an object, and under which paths.

What can be known is noted; where git cannot say, for want of an object or because a file of the repository is
damaged, that is a gap and the rest is still found out.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.coverage import Gap
from keyleak.errors import GitError
from keyleak.git.dates import iso_date
from keyleak.git.process import run
from keyleak.git.single_objects import single_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from _typeshed import StrOrBytesPath

EVERYTHING: Final = ("--ignore-missing", "--all", "--reflog", "--")
"""All that refs and reflogs keep; the stash list is a reflog. A ref to nothing is named elsewhere."""

_ARGUMENTS: Final = 1000  # ids on one command line
_FORMAT: Final = "--format=%H %T %cd"
_COMMIT: Final = re.compile(rb"\n*([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (-?[0-9]*) ?([+-]?[0-9]*)\n*\Z")
_LARGEST_HEADED: Final = 64 << 20  # bytes of a commit or a tag
_TAG: Final = re.compile(rb"object ([0-9a-f]{40,64})\ntype commit\n")
_MADE: Final = re.compile(rb"\n(?:tagger|committer) [^\n]*?> ?(-?[0-9]+) ?([+-]?[0-9]*)\n")


class Walk(NamedTuple):
    """Which commits are walked."""

    arguments: tuple[str, ...]
    """As `git log` takes them."""
    stdin: bytes | None = None
    """What `--stdin` reads."""
    keep: tuple[str, ...] = ()
    """`GIT_*` variables to trust (see `keyleak.git.process`)."""


@dataclass(slots=True)
class Trace:
    """What is known of one object so far."""

    commits: list[str] = field(default_factory=list)
    """Commits that brought it, the first one first."""
    date: str | None = None
    paths: dict[str, None] = field(default_factory=dict)
    names: str | None = None
    """The commit that a tag names."""

    def came(self, commit: str, date: str | None, path: str | None) -> None:
        """Notes a commit that brought it."""
        self.date = self.date or date
        if path is not None:
            self.paths.setdefault(path)
        if commit not in self.commits[-1:]:
            self.commits.append(commit)


def trace_content(
    repository: StrOrBytesPath,
    ids: Sequence[bytes],
    traces: Mapping[bytes, Trace],
    walk: Walk,
    *,
    trees: bool,
) -> bool:
    """Notes every commit that brought a blob or tree: parents before their children, else by date.

    Args:
        repository: where they are.
        ids: blobs and trees.
        traces: where it is noted.
        walk: the commits to walk.
        trees: whether there are trees among the ids.

    Returns:
        True, where nothing went wrong.

    Raises:
        GitError: history cannot be walked.
    """
    for batch in _batches(ids):
        wanted = {oid.hex().encode(): traces[oid] for oid in batch}
        listing = run(
            [
                *("log", "--date-order", "--reverse", "--raw", "-z", "--no-abbrev", "--no-renames"),
                *("-m", "--root", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color"),
                *("--no-notes", "--no-decorate", "--ignore-submodules", "--date=raw", _FORMAT),
                *(("-t",) if trees else ()),
                *(f"--find-object={oid.decode()}" for oid in wanted),
                *walk.arguments,
            ],
            repository,
            stdin=walk.stdin,
            keep=walk.keep,
        )
        _read_changes(listing, wanted)
        if trees:
            _trace_roots(repository, wanted, walk)
    return True


def _read_changes(listing: bytes, wanted: Mapping[bytes, Trace]) -> None:
    tokens = iter(listing.split(b"\0"))
    commit, date = "", None
    for token in tokens:
        change = token.lstrip(b"\n")
        if change.startswith(b":"):
            path = os.fsdecode(next(tokens, b""))
            trace = wanted.get(change.split(b" ")[3])
            if trace is not None:
                trace.came(commit, date, path)
        elif header := _COMMIT.match(token):
            commit, date = header[1].decode(), _date(header)


def _trace_roots(repository: StrOrBytesPath, wanted: Mapping[bytes, Trace], walk: Walk) -> None:
    """Commits whose own tree is one of those: no change of a path names it."""
    untraced = {oid: trace for oid, trace in wanted.items() if not trace.commits}
    if not untraced:
        return
    listing = run(
        [
            "log",
            "--date-order",
            "--reverse",
            "-z",
            "--no-notes",
            "--no-decorate",
            "--date=raw",
            _FORMAT,
            *walk.arguments,
        ],
        repository,
        stdin=walk.stdin,
        keep=walk.keep,
    )
    for token in listing.split(b"\0"):
        header = _COMMIT.match(token)
        if header and (trace := untraced.get(header[2])):
            trace.came(header[1].decode(), _date(header), None)


def _date(header: re.Match[bytes]) -> str | None:
    return iso_date(header[3].decode(), header[4].decode())


def trace_commits_and_tags(
    repository: str,
    objects: Iterable[bytes],
    traces: Mapping[bytes, Trace],
    keep: Sequence[str],
    note: Callable[[Gap], None],
) -> None:
    """Notes of commits and tags when they were made, and which commit a tag names.

    Args:
        repository: where they are.
        objects: their ids.
        traces: where it is noted.
        keep: `GIT_*` variables to trust.
        note: told of those that cannot be read.

    Raises:
        GitError: git does not read the repository.
    """
    with single_objects(repository, keep) as git:
        for oid in objects:
            try:
                kind, content = git.read(oid.hex(), _LARGEST_HEADED)
            except GitError as error:
                note(Gap(f"object {oid.hex()}", f"when it was made is not known: {error}"))
                continue
            trace = traces[oid]
            made = _MADE.search(content.partition(b"\n\n")[0] + b"\n")
            date = iso_date(made[1].decode(), made[2].decode()) if made else None
            if kind == "commit":
                trace.came(oid.hex(), date, None)
            elif named := _TAG.match(content):
                trace.names = named[1].decode()
            trace.date = trace.date or date


def unreachable_commits(repository: StrOrBytesPath) -> bytes:
    """Ids of commits that neither a ref nor a reflog keeps, one a line.

    Raises:
        GitError: git cannot list them.
    """
    kept = set(run(["rev-list", *EVERYTHING], repository).split())
    listing = run(
        ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objecttype) %(objectname)"],
        repository,
    )
    every = {line[7:] for line in listing.splitlines() if line.startswith(b"commit ")}
    return b"".join(oid + b"\n" for oid in sorted(every - kept))


def _batches(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(ids), _ARGUMENTS):
        yield ids[start : start + _ARGUMENTS]

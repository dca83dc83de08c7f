"""Which commits brought an object, and under which paths."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from _typeshed import StrOrBytesPath

EVERYTHING: Final = ("--all", "--reflog", "--")
"""All that refs and reflogs keep; the stash list is a reflog."""

_ARGUMENTS: Final = 1000  # ids on one command line
_COMMIT: Final = re.compile(rb"\n*([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (\S+)\n*\Z")
_TAG: Final = re.compile(rb"object ([0-9a-f]{40,64})\ntype commit\n")
_TAGGER: Final = re.compile(rb"\ntagger [^\n]*> ([0-9]{1,11}) ([+-])([0-9]{2})([0-9]{2})\n")


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

    def came(self, commit: str, date: str, path: str | None) -> None:
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
) -> None:
    """Notes every commit that brought a blob or tree: parents before their children, else by date.

    Args:
        repository: where they are.
        ids: blobs and trees.
        traces: where it is noted.
        walk: the commits to walk.
        trees: whether there are trees among the ids.

    Raises:
        GitError: history cannot be walked.
    """
    for batch in _batches(ids):
        wanted = {oid.hex().encode(): traces[oid] for oid in batch}
        listing = run(
            [
                *("log", "--date-order", "--reverse", "--raw", "-z", "--no-abbrev", "--no-renames"),
                *("-m", "--root", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color"),
                *("--no-notes", "--no-decorate", "--ignore-submodules", "--format=%H %T %cI"),
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


def _read_changes(listing: bytes, wanted: Mapping[bytes, Trace]) -> None:
    tokens = iter(listing.split(b"\0"))
    commit = date = ""
    for token in tokens:
        change = token.lstrip(b"\n")
        if change.startswith(b":"):
            path = os.fsdecode(next(tokens, b""))
            trace = wanted.get(change.split(b" ")[3])
            if trace is not None:
                trace.came(commit, date, path)
        elif header := _COMMIT.match(token):
            commit, date = header[1].decode(), header[3].decode()


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
            "--format=%H %T %cI",
            *walk.arguments,
        ],
        repository,
        stdin=walk.stdin,
        keep=walk.keep,
    )
    for token in listing.split(b"\0"):
        header = _COMMIT.match(token)
        if header and (trace := untraced.get(header[2])):
            trace.came(header[1].decode(), header[3].decode(), None)


def trace_commits(
    repository: StrOrBytesPath, commits: Sequence[bytes], traces: Mapping[bytes, Trace], keep: Sequence[str]
) -> None:
    """Notes of commits themselves when they were made.

    Raises:
        GitError: git cannot read them.
    """
    for batch in _batches(commits):
        asked = [oid.hex() for oid in batch]
        command = ["log", "--no-walk=unsorted", "--format=%H %T %cI", "-z", *asked, "--"]
        dates = run(command, repository, keep=keep)
        for line in dates.split(b"\0"):
            if header := _COMMIT.match(line):
                traces[bytes.fromhex(header[1].decode())].came(header[1].decode(), header[3].decode(), None)


def trace_tags(
    repository: StrOrBytesPath, tags: Sequence[bytes], traces: Mapping[bytes, Trace], keep: Sequence[str]
) -> None:
    """Notes of tags which commit they name and when they were made.

    Raises:
        GitError: git cannot read them.
    """
    for oid in tags:
        content = run(["cat-file", "tag", oid.hex()], repository, keep=keep)
        trace = traces[oid]
        if named := _TAG.match(content):
            trace.names = named[1].decode()
        if made := _TAGGER.search(content.partition(b"\n\n")[0] + b"\n"):
            trace.date = _iso(made)


def _iso(tagger: re.Match[bytes]) -> str:
    east = timedelta(hours=int(tagger[3]), minutes=int(tagger[4]))
    zone = timezone(-east if tagger[2] == b"-" else east) if east < timedelta(hours=24) else UTC
    return datetime.fromtimestamp(int(tagger[1]), zone).isoformat()


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

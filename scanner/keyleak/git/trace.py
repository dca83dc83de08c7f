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
from keyleak.git.tree_walk import TooManyTreesError, TreeWalk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

EVERYTHING: Final = ("--ignore-missing", "--all", "--reflog", "--")
"""All that refs and reflogs keep; the stash list is a reflog. A ref to nothing is named elsewhere."""

MOST_PATHS: Final = 1000
"""Paths of one object that are listed."""

_WIDE: Final = 200_000  # paths in a tree, and
_WIDE_RATIO: Final = 20  # how many times as many as there are entries, that git is not asked to list
_LOOKED_AT: Final = 2000  # commits, and trees, of which a history is taken for one with such trees or not
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
    further: int = 0
    """How many more paths there are at the least."""
    names: str | None = None
    """The commit that a tag names."""

    def came(self, commit: str, date: str | None, path: str | None) -> None:
        """Notes a commit that brought it."""
        self.date = self.date or date
        if path is not None and path not in self.paths:
            if len(self.paths) < MOST_PATHS:
                self.paths[path] = None
            else:
                self.further += 1
        if commit not in self.commits[-1:]:
            self.commits.append(commit)


def trace_content(
    repository: str,
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
    if ids and _is_wide(repository, walk):
        _trace_by_tree(repository, {oid.hex(): traces[oid] for oid in ids}, walk)
        return True
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


def _is_wide(repository: str, walk: Walk) -> bool:
    """Whether git would list paths without end: a tree holds another many times over, and that a third."""
    command = ["log", f"--max-count={_LOOKED_AT}", "--format=%T", *walk.arguments]
    listed = dict.fromkeys(run(command, repository, stdin=walk.stdin, keep=walk.keep).decode().split())
    with single_objects(repository, walk.keep) as objects:
        trees = TreeWalk(objects, (), _LOOKED_AT)
        for tree in listed:
            try:
                paths = trees.total(tree)
            except TooManyTreesError:
                return False
            except GitError:
                continue  # one of its trees is missing, which is a gap
            if paths > _WIDE and paths > _WIDE_RATIO * trees.entries:
                return True
    return False


def _trace_by_tree(repository: str, wanted: Mapping[str, Trace], walk: Walk) -> None:
    """Notes which commits brought objects and where, by the trees of commits, each read once.

    An object that a commit moves or copies within a tree that has it already is not noticed.
    """
    command = ["log", "--date-order", "--reverse", "-z", "--date=raw", f"{_FORMAT}%x09%P", *walk.arguments]
    listing = run(command, repository, stdin=walk.stdin, keep=walk.keep)
    roots: dict[str, str] = {}
    with single_objects(repository, walk.keep) as objects:
        trees = TreeWalk(objects, wanted)
        for token in listing.split(b"\0"):
            facts, _, parents = token.partition(b"\t")
            if not (header := _COMMIT.match(facts)):
                continue
            commit, root = header[1].decode(), header[2].decode()
            roots[commit] = root
            before = [trees.held(roots[parent]) for parent in parents.decode().split() if parent in roots]
            for oid, count in trees.held(root).items():
                if any(oid in held for held in before):
                    continue
                for path in trees.paths(root, oid, MOST_PATHS):
                    wanted[oid].came(commit, _date(header), path)
                wanted[oid].further += max(0, count - MOST_PATHS)
            if root in wanted:
                wanted[root].came(commit, _date(header), None)


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


def _trace_roots(repository: str, wanted: Mapping[bytes, Trace], walk: Walk) -> None:
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


def unreachable_commits(repository: str) -> bytes:
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

"""Where objects come from: first commit, paths, refs that reach them, and whether HEAD still has them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from _typeshed import StrOrBytesPath

    from keyleak.git.visitor import Kind

_ARGUMENTS: Final = 1000  # ids on one command line
_COMMIT: Final = re.compile(rb"\n*([0-9a-f]{40,64}) (\S+)\n*\Z")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one object comes from."""

    first_commit: str | None
    """The first commit that has it, by topology and then by date; for a commit itself."""
    first_date: str | None
    """When that was committed, in ISO 8601."""
    paths: tuple[str, ...]
    """Every path it ever had, in the order they came; undecodable bytes are surrogate-escaped."""
    refs: tuple[str, ...]
    """Full names of the refs that reach it."""
    at_head: bool
    """Whether HEAD's tree has a blob, or HEAD reaches a commit; never so for a tag."""

    @property
    def unreachable(self) -> bool:
        """Whether no ref reaches it: only the object database, a reflog or the index still holds it."""
        return not self.refs


@dataclass(slots=True)
class _Trace:
    """What is known of one object so far."""

    commits: list[str] = field(default_factory=list)
    date: str | None = None
    paths: dict[str, None] = field(default_factory=dict)


def provenance(repository: StrOrBytesPath, objects: Mapping[bytes, Kind]) -> dict[bytes, Provenance]:
    """Finds out where objects come from, in one walk over history for all of them.

    Args:
        repository: where they are.
        objects: blobs, commits and tags with their kinds.

    Raises:
        GitError: history cannot be walked; what is known without it is not worth telling.
    """
    traces = {oid: _Trace() for oid in objects}
    for batch in _batches([oid for oid, kind in objects.items() if kind == "blob"]):
        _trace_blobs(repository, batch, traces)
    _trace_commits(repository, [oid for oid, kind in objects.items() if kind == "commit"], traces)
    at_head, reached = _blobs_of_head(repository), _refs_by_object(repository, traces)
    found = {}
    for oid, kind in objects.items():
        trace, refs = traces[oid], reached[oid]
        held = oid in at_head if kind == "blob" else "HEAD" in refs
        first = trace.commits[0] if trace.commits else None
        # HEAD is worth naming only where it is detached from every branch.
        named = tuple(ref for ref in refs if ref != "HEAD") or refs
        found[oid] = Provenance(first, trace.date, tuple(trace.paths), named, held)
    return found


def _batches(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(ids), _ARGUMENTS):
        yield ids[start : start + _ARGUMENTS]


def _trace_blobs(
    repository: StrOrBytesPath, blobs: Collection[bytes], traces: Mapping[bytes, _Trace]
) -> None:
    """Notes every commit that brought a blob: parents before their children, else by date."""
    wanted = {oid.hex().encode(): traces[oid] for oid in blobs}
    listing = run(
        [
            *("log", "--all", "--date-order", "--reverse", "--raw", "-z", "--no-abbrev", "--no-renames"),
            *("-m", "--root", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color"),
            *("--no-notes", "--no-decorate", "--ignore-submodules", "--format=%H %cI"),
            *(f"--find-object={oid.decode()}" for oid in wanted),
        ],
        repository,
    )
    tokens = iter(listing.split(b"\0"))
    commit = date = ""
    for token in tokens:
        change = token.lstrip(b"\n")
        if change.startswith(b":"):
            path = os.fsdecode(next(tokens, b""))
            trace = wanted.get(change.split(b" ")[3])
            if trace is not None:
                trace.date = trace.date or date
                trace.paths.setdefault(path)
                if commit not in trace.commits[-1:]:
                    trace.commits.append(commit)
        elif header := _COMMIT.match(token):
            commit, date = header[1].decode(), header[2].decode()


def _trace_commits(
    repository: StrOrBytesPath, commits: Sequence[bytes], traces: Mapping[bytes, _Trace]
) -> None:
    for batch in _batches(commits):
        asked = [oid.hex() for oid in batch]
        dates = run(["log", "--no-walk=unsorted", "--format=%H %cI", "-z", *asked, "--"], repository)
        for line in dates.split(b"\0"):
            if header := _COMMIT.match(line):
                trace = traces[bytes.fromhex(header[1].decode())]
                trace.commits.append(header[1].decode())
                trace.date = header[2].decode()


def _blobs_of_head(repository: StrOrBytesPath) -> frozenset[bytes]:
    if not run(["rev-parse", "-q", "--verify", "HEAD^{tree}"], repository, accept=(0, 1)):
        return frozenset()
    listing = run(["ls-tree", "-r", "-z", "--full-tree", "HEAD"], repository)
    return frozenset(bytes.fromhex(entry.split()[2].decode()) for entry in listing.split(b"\0") if entry)


def _refs_by_object(
    repository: StrOrBytesPath, traces: Mapping[bytes, _Trace]
) -> dict[bytes, tuple[str, ...]]:
    """Which refs, HEAD among them, reach each object: one walk, whatever the number of refs and objects."""
    bits = {oid: 1 << place for place, oid in enumerate(traces)}
    seeds: dict[bytes, int] = {}
    for oid, trace in traces.items():
        for brought in {commit.encode() for commit in trace.commits} | {oid.hex().encode()}:
            seeds[brought] = seeds.get(brought, 0) | bits[oid]
    # 1 is git's answer where there is no ref at all.
    listing = run(["show-ref", "--head", "--dereference"], repository, accept=(0, 1))
    tips = [line.split(b" ", 1) for line in listing.splitlines()]
    masks = seeds | (_masks(repository, seeds) if tips else {})
    refs: dict[bytes, set[str]] = {oid: set() for oid in traces}
    for tip, name in tips:
        if mask := masks.get(tip, 0):
            ref = os.fsdecode(name.removesuffix(b"^{}"))
            for oid, bit in bits.items():
                if mask & bit:
                    refs[oid].add(ref)
    return {oid: tuple(sorted(names)) for oid, names in refs.items()}


def _masks(repository: StrOrBytesPath, seeds: Mapping[bytes, int]) -> dict[bytes, int]:
    """For each commit that reaches any object, which ones: those of its parents and its own."""
    masks: dict[bytes, int] = {}
    listing = run(["rev-list", "--all", "--topo-order", "--reverse", "--parents", "--"], repository)
    for line in listing.splitlines():
        commit, *parents = line.split()
        mask = seeds.get(commit, 0)
        for parent in parents:
            mask |= masks.get(parent, 0)
        if mask:
            masks[commit] = mask
    return masks

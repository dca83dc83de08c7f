"""The smallest part of a history that a rewrite has to change.

A commit gets a new id if its own content changes: its tree holds an object that is edited, dropped or
renamed, or its header or message holds a key; and so does every descendant, whose parents have new ids.
Nothing else is handed to git filter-repo, so every other commit stays as it is, byte for byte.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.git.tags import tag_chain
from keyleak.git.trace import Trace, Walk, trace_content

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keyleak.remediation.rewrite_plan import RewritePlan

# What a mirror clone has. Not `--all`, which adds a HEAD that names a commit.
REFS: Final = "--glob=refs/*"
NOTES: Final = "refs/notes/"
_ARGUMENTS: Final = 1000  # paths on one command line


@dataclass(frozen=True, slots=True)
class Affected:
    """What gets a new id, and where that ends. All ids are hexadecimal."""

    commits: tuple[str, ...] = ()
    """Every commit that gets a new id, parents before their children."""
    boundary: tuple[str, ...] = ()
    """Commits that keep their ids and, with their ancestors, are all that the affected ones build upon."""
    refs: tuple[str, ...] = ()
    """Full names of the refs that lead to an affected commit, notes apart."""
    others: tuple[str, ...] = ()
    """Full names of refs that lead to no affected commit but hold a key themselves: tags by their message,
    refs of a blob."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Full names of refs whose name holds a key, and the name that each gets."""
    notes: tuple[str, ...] = ()
    """Full names of refs with notes that hold a key or name an affected commit."""
    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each of `refs` and `others` the ids that it leads to: tags one by one, then what the last names."""

    @property
    def range(self) -> tuple[str, ...]:
        """The revisions that name exactly the affected commits, as `git rev-list` takes them."""
        return (*self.refs, *(f"^{oid}" for oid in self.boundary))


def affected_by(repository: str, plan: RewritePlan) -> Affected:
    """Find out what a plan changes.

    Args:
        repository: the repository, with every ref that is to be cleaned.
        plan: what is edited, dropped, renamed and replaced.

    Raises:
        GitError: history cannot be walked.
    """
    holders = _holders(repository, plan)
    parents = _parents(repository)
    commits = _with_descendants(holders, parents)
    inside = frozenset(commits)
    chains = _chains(repository)
    changed = {*plan.edited, *plan.tags}
    refs = tuple(ref for ref, chain in chains.items() if chain[-1] in inside)
    others = tuple(
        ref for ref, chain in chains.items() if chain[-1] not in inside and not changed.isdisjoint(chain)
    )
    return Affected(
        commits=commits,
        boundary=_boundary(parents, inside),
        refs=refs,
        others=others,
        renamed=_renamed(repository, plan),
        notes=tuple(_notes(repository, plan, inside)),
        chains={ref: chains[ref] for ref in (*refs, *others)},
    )


def _holders(repository: str, plan: RewritePlan) -> set[str]:
    """Commits whose own content changes, and those that took such content away, which descend from them."""
    ids = [bytes.fromhex(oid) for oid in (*plan.edited, *plan.dropped)]
    traces = {oid: Trace() for oid in ids}
    if ids:
        trace_content(repository, ids, traces, Walk((REFS, "--")), trees=False)
    by_content = (commit for trace in traces.values() for commit in trace.commits)
    return {*plan.commits, *by_content, *_holders_of_names(repository, plan.paths)}


def _holders_of_names(repository: str, paths: Sequence[bytes]) -> Iterator[str]:
    for start in range(0, len(paths), _ARGUMENTS):
        named = [b":(top,literal)" + path for path in paths[start : start + _ARGUMENTS]]
        listing = run(["rev-list", "--full-history", REFS, "--", *named], repository)
        yield from listing.decode().split()


def _parents(repository: str) -> dict[str, tuple[str, ...]]:
    """The parents of every commit but those of notes, parents before their children."""
    listing = run(
        ["rev-list", "--parents", "--topo-order", "--reverse", f"--exclude={NOTES}*", REFS, "--"], repository
    )
    ids = (line.decode().split() for line in listing.splitlines())
    return {commit: tuple(parents) for commit, *parents in ids}


def _with_descendants(holders: set[str], parents: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    inside: dict[str, None] = {}
    for commit, above in parents.items():
        if commit in holders or any(parent in inside for parent in above):
            inside[commit] = None
    return tuple(inside)


def _boundary(parents: dict[str, tuple[str, ...]], inside: frozenset[str]) -> tuple[str, ...]:
    """Parents outside, without those that are ancestors of others: filter-repo gets them as arguments."""
    edges = {parent for commit in inside for parent in parents[commit] if parent not in inside}
    below: set[str] = set()
    for commit in reversed(parents):
        if commit in below or commit in edges:
            below.update(parents[commit])
    return tuple(sorted(edges - below))


def _chains(repository: str) -> dict[str, tuple[str, ...]]:
    """For each ref, notes apart, the ids that it leads to: tags one by one, and what the last one names."""
    listing = run(["for-each-ref", "--format=%(objectname) %(objecttype) %(refname)"], repository)
    refs = [os.fsdecode(line).split(" ", 2) for line in listing.splitlines()]
    with single_objects(repository) as objects:
        return {
            ref: (oid,) if kind != "tag" else tag_chain(objects, oid)
            for oid, kind, ref in refs
            if not ref.startswith(NOTES)
        }


def _renamed(repository: str, plan: RewritePlan) -> dict[str, str]:
    listing = run(["for-each-ref", "--format=%(refname)"], repository).splitlines()
    names = ((ref, plan.texts.apply(ref)) for ref in listing)
    return {os.fsdecode(ref): os.fsdecode(name) for ref, name in names if ref != name}


def _notes(repository: str, plan: RewritePlan, commits: frozenset[str]) -> Iterator[str]:
    """Refs with notes that hold a key, now or in an older version, or that annotate an affected commit."""
    ids = {*plan.edited, *plan.dropped, *plan.commits}
    for ref in notes_refs(repository):
        options = ("--raw", "--no-abbrev", "--root", "-m", "-z", "--no-ext-diff", "--no-textconv")
        changes = run(["log", "--format=%H", *options, ref, "--"], repository)
        for word in changes.replace(b"\0", b" ").split():
            name = word.decode("ascii", "replace")
            if name in ids or name.replace("/", "") in commits:
                yield ref
                break


def notes_refs(repository: str) -> list[str]:
    """Full names of the refs with notes.

    Raises:
        GitError: git cannot list them.
    """
    listing = run(["for-each-ref", "--format=%(refname)", NOTES], repository)
    return [os.fsdecode(ref) for ref in listing.splitlines()]

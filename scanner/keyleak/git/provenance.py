"""Where objects come from: first commit, paths, refs that reach them, and whether HEAD still has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.git.process import run
from keyleak.git.reach import refs_by_object
from keyleak.git.trace import (
    EVERYTHING,
    Trace,
    Walk,
    trace_commits,
    trace_content,
    trace_tags,
    unreachable_commits,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import StrOrBytesPath

    from keyleak.git.scope import Scope
    from keyleak.git.visitor import Kind


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one object comes from."""

    first_commit: str | None
    """The first commit that has it, by topology and then by date; for a commit itself, for a tag what it
    names."""
    first_date: str | None
    """When that was committed (or tagged), in ISO 8601."""
    paths: tuple[str, ...]
    """Every path it ever had, in the order they came; undecodable bytes are surrogate-escaped."""
    refs: tuple[str, ...]
    """Full names of the refs that reach it, and `stash@{1}` and older for what only the stash list keeps."""
    at_head: bool
    """Whether HEAD's tree has a blob or tree, or HEAD reaches a commit; never so for a tag."""

    @property
    def unreachable(self) -> bool:
        """Whether no ref reaches it: only the object database, a reflog or the index still holds it."""
        return not self.refs


def provenance(
    repository: StrOrBytesPath, objects: Mapping[bytes, Kind], scope: Scope | None = None
) -> dict[bytes, Provenance]:
    """Finds out where objects come from, in one walk over history for all of them.

    Args:
        repository: where they are.
        objects: their ids and kinds.
        scope: the part of history that brought them; everything where None.

    Raises:
        GitError: history cannot be walked; what is known without it is not worth telling.
    """
    traces = {oid: Trace() for oid in objects}
    by_kind: dict[Kind, list[bytes]] = {"blob": [], "tree": [], "commit": [], "tag": []}
    for oid, kind in objects.items():
        by_kind[kind].append(oid)
    everything = scope is None or scope.is_everything
    keep = scope.keep if scope else ()
    walk = Walk(EVERYTHING if scope is None or everything else (*scope.selection(), "--"), keep=keep)
    content = [*by_kind["blob"], *by_kind["tree"]]
    trace_content(repository, content, traces, walk, trees=bool(by_kind["tree"]))
    untraced = [oid for oid in content if not traces[oid].commits]
    if untraced and everything and (lost := unreachable_commits(repository)):
        trace_content(repository, untraced, traces, Walk(("--stdin",), lost, keep), trees=True)
    trace_commits(repository, by_kind["commit"], traces, keep)
    trace_tags(repository, by_kind["tag"], traces, keep)
    at_head = _content_of_head(repository, trees=bool(by_kind["tree"])) if content else frozenset()
    reached = refs_by_object(repository, {oid: trace.commits for oid, trace in traces.items()})
    return {
        oid: _provenance(traces[oid], reached[oid], held=oid in at_head, by_commit=kind == "commit")
        for oid, kind in objects.items()
    }


def _provenance(trace: Trace, refs: tuple[str, ...], *, held: bool, by_commit: bool) -> Provenance:
    first = trace.commits[0] if trace.commits else trace.names
    # HEAD is worth naming only where it is detached from every branch.
    named = tuple(ref for ref in refs if ref != "HEAD") or refs
    return Provenance(first, trace.date, tuple(trace.paths), named, "HEAD" in refs if by_commit else held)


def _content_of_head(repository: StrOrBytesPath, *, trees: bool) -> frozenset[bytes]:
    root = run(["rev-parse", "-q", "--verify", "HEAD^{tree}"], repository, accept=(0, 1)).strip()
    if not root:
        return frozenset()
    with_trees = ["-t"] if trees else []
    listing = run(["ls-tree", "-r", "-z", "--full-tree", *with_trees, root], repository)
    entries = {bytes.fromhex(entry.split(maxsplit=3)[2].decode()) for entry in listing.split(b"\0") if entry}
    return frozenset(entries | {bytes.fromhex(root.decode())})

"""Where objects come from: first commit, paths, refs that reach them, and whether HEAD still has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from keyleak.coverage import Gap
from keyleak.errors import GitError
from keyleak.git.process import run
from keyleak.git.reach import refs_by_object
from keyleak.git.trace import (
    EVERYTHING,
    Trace,
    Walk,
    trace_commits_and_tags,
    trace_content,
    unreachable_commits,
)
from keyleak.git.tree_paths import TreeObjects, tree_objects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyleak.git.scope import Selection
    from keyleak.git.visitor import Kind

T = TypeVar("T")

_IN_TREES: Final = frozenset({"blob", "tree"})


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one object comes from."""

    first_commit: str | None
    """The first commit that has it, by topology and then by date; for a commit itself, for a tag what it
    names."""
    first_date: str | None
    """When that was committed (or tagged), in ISO 8601."""
    paths: tuple[str, ...]
    """The paths it had, in the order they came; undecodable bytes are surrogate-escaped."""
    refs: tuple[str, ...]
    """Full names of the refs that reach it, and `stash@{1}` and older for what only the stash list keeps."""
    at_head: bool | None
    """Whether HEAD's tree has a blob or tree, or HEAD reaches a commit; never so for a tag. None where that
    cannot be known."""
    further_paths: int = 0
    """How many more paths it had, where there are too many to list."""
    refs_known: bool = True
    """Whether git could say which refs reach it."""

    @property
    def unreachable(self) -> bool:
        """Whether no ref reaches it: only the object database, a reflog or the index still holds it."""
        return not self.refs


NOTHING_KNOWN: Final = Provenance(None, None, (), (), at_head=None, refs_known=False)
"""Where nobody could look."""


def provenance(
    repository: str,
    objects: Mapping[bytes, Kind],
    note: Callable[[Gap], None],
    selection: Selection | None = None,
) -> dict[bytes, Provenance]:
    """Finds out where objects come from, in one walk over history for all of them.

    What one question to git cannot answer is a gap, and unknown; the others are asked all the same.

    Args:
        repository: where they are.
        objects: their ids and kinds.
        note: told what cannot be known.
        selection: the part of history that brought them; everything where None.
    """
    traces = {oid: Trace() for oid in objects}
    asking = _Asking(note)
    _trace(repository, objects, traces, selection, asking)
    brought_by = {oid: trace.commits for oid, trace in traces.items()}
    reached = asking.answer("which refs reach the keys", lambda: refs_by_object(repository, brought_by))
    head = None
    if any(kind in _IN_TREES for kind in objects.values()):
        head = asking.answer("what HEAD holds", lambda: _content_of_head(repository))
    return {
        oid: _provenance(traces[oid], None if reached is None else reached[oid], kind, held=_held(oid, head))
        for oid, kind in objects.items()
    }


class _Asking:
    """Questions to git, of which one that fails is a gap."""

    def __init__(self, note: Callable[[Gap], None]) -> None:
        self.note = note

    def answer(self, what: str, ask: Callable[[], T]) -> T | None:
        """The answer, or None where there is none."""
        try:
            return ask()
        except GitError as error:
            self.note(Gap("provenance", f"{what} is not known: {error}"))
            return None


def _trace(
    repository: str,
    objects: Mapping[bytes, Kind],
    traces: Mapping[bytes, Trace],
    selection: Selection | None,
    asking: _Asking,
) -> None:
    # Without a commit to begin with git would begin with HEAD.
    walks = selection is None or bool(selection.tips)
    content = [oid for oid, kind in objects.items() if kind in _IN_TREES and walks]
    trees = "tree" in objects.values()
    keep = selection.keep if selection else ()
    walk = Walk(selection.arguments, selection.stdin, keep) if selection else Walk(EVERYTHING)
    what = "which commits brought the keys, under which names,"
    walked = asking.answer(what, lambda: trace_content(repository, content, traces, walk, trees=trees))
    untraced = [oid for oid in content if not traces[oid].commits]
    lost = b""
    if walked and untraced and selection is None:
        lost = asking.answer(what, lambda: unreachable_commits(repository)) or b""
    if lost:
        again = Walk(("--ignore-missing", "--stdin"), lost, keep)
        asking.answer(what, lambda: trace_content(repository, untraced, traces, again, trees=True))
    headed = [oid for oid, kind in objects.items() if kind not in _IN_TREES]
    if headed:
        made = "when commits and tags were made"
        note = asking.note
        asking.answer(made, lambda: trace_commits_and_tags(repository, headed, traces, keep, note))


def _held(oid: bytes, head: TreeObjects | None) -> bool | None:
    """Whether HEAD's tree has an object; None where that is not known."""
    if head is None:
        return None
    return oid in head.ids or (None if head.missing else False)


def _provenance(trace: Trace, refs: tuple[str, ...] | None, kind: Kind, *, held: bool | None) -> Provenance:
    first = trace.commits[0] if trace.commits else trace.names
    # HEAD is worth naming only where it is detached from every branch.
    named = tuple(ref for ref in refs or () if ref != "HEAD") or refs or ()
    if kind == "commit":
        held = None if refs is None else "HEAD" in refs
    return Provenance(
        first,
        trace.date,
        tuple(trace.paths),
        named,
        at_head=False if kind == "tag" else held,
        further_paths=trace.further,
        refs_known=refs is not None,
    )


def _content_of_head(repository: str) -> TreeObjects:
    """The content of HEAD; what is not known of it counts as missing.

    Raises:
        GitError: git cannot say, or HEAD's own commit is not there.
    """
    if not run(["rev-parse", "-q", "--verify", "HEAD"], repository, accept=(0, 1)).strip():
        return TreeObjects(frozenset(), frozenset())  # no commit yet
    commit = run(["rev-parse", "--verify", "HEAD^{commit}"], repository).strip()
    return tree_objects(repository, commit.decode())

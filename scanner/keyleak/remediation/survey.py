"""What a rewrite will touch and what will survive it, said before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.views import submodules
from keyleak.git.worktree import refuse_special_exclude
from keyleak.remediation.affected import NOTES, REFS
from keyleak.remediation.fidelity import Loss, described
from keyleak.remediation.proof import refs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.remediation.affected import Affected
    from keyleak.remediation.proof import Expected

SERVER_REFS: Final = re.compile(
    r"\Arefs/(?:pull|pull-requests|merge-requests|changes|keep-around|pipelines)/"
)
_PUBLISHED: Final = (
    "THE KEY STAYS COMPROMISED after a rewrite, too: clones, caches and scanners have copies. Revoke it.",
    "Everybody who has a clone has to take over the new history, or brings the old one back.",
    "Forks and clones keep the old objects; so do cached views of the host, until its support removes them.",
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a repository has that a rewrite meets."""

    refs: int
    commits: int
    """Commits that the refs reach, those of notes among them."""
    notes: int
    """Refs with notes."""
    stashes: int
    lfs: bool
    submodules: tuple[str, ...]
    staged: int
    """Paths that are staged and in no commit."""


def survey(repository: str) -> Survey:
    """Look at a repository.

    Raises:
        GitError: git does not read it.
    """
    refs = refs_of(repository)
    stashes = run(["rev-list", "--count", "-g", "refs/stash", "--"], repository, accept=(0, 128)).strip()
    return Survey(
        refs=len(refs),
        commits=int(run(["rev-list", "--count", REFS, "--"], repository)),
        notes=sum(ref.startswith(NOTES) for ref in refs),
        stashes=max(int(stashes or 0), "refs/stash" in refs),
        lfs=_uses_lfs(repository),
        submodules=tuple(submodule.path for submodule in submodules(repository)),
        staged=_staged(repository),
    )


def describe(found: Survey, expected: Expected, *, published: bool) -> list[str]:
    """The survey, and what was decided, as sentences, one a line.

    Args:
        found: the repository.
        expected: what a rewrite changes and loses.
        published: whether history that others have is rewritten.
    """
    plan, affected = expected.plan, expected.affected
    kept = found.commits - len(affected.commits)
    lines = [
        *(_PUBLISHED if published else ()),
        f"New ids: {len(affected.commits):,} commits, those that hold a key and their descendants.",
        f"Unchanged, byte for byte: the other {kept:,} commits, with their ids and signatures.",
        f"Refs that change: {len(affected.refs) + len(affected.others):,} of {found.refs:,}.",
        f"Edited: {len(plan.edited):,} blobs; dropped: {len(plan.dropped):,} that cannot be edited.",
    ]
    lines += (f"Dropped: {', '.join(paths)} (blob {oid[:12]})" for oid, paths in plan.dropped.items())
    lines += described(expected.fidelity)
    if expected.fidelity.losses.keys() & {Loss.SIGNATURE, Loss.TAG_SIGNATURE}:
        lines.append("Signed again: your own commits and tags, with `--apply --sign` and your signing key.")
    lines += _conditional(found, affected, published=published)
    lines += (f"Not cleaned: {left.what}: {left.reason}" for left in plan.left)
    return lines


def _conditional(found: Survey, affected: Affected, *, published: bool) -> Iterator[str]:
    if found.stashes:
        yield (
            f"Stashes: {found.stashes:,}. The newest is rewritten in the new clone; those in yours stay until"
            " `git stash clear`."
        )
    if found.notes:
        yield "Notes: git filter-repo alone leaves them as they are; `--apply` writes those that change."
    requests = [ref for ref in affected.refs if SERVER_REFS.match(ref)]
    if requests:
        yield (
            f"Pull or merge requests: {', '.join(requests[:5])} ({len(requests):,} refs) are rewritten here,"
            " but the host keeps its own and takes no push to them; ask its support."
        )
    elif published:
        yield "Pull requests: the host keeps refs/pull/*, open or closed, and takes no push; ask its support."
    if found.lfs:
        yield "Git LFS: pointers stay as they are; a key inside an LFS object survives on the LFS server."
    if found.submodules:
        yield f"Submodules are repositories of their own and are not touched: {', '.join(found.submodules)}."
    if found.staged:
        yield f"Staged changes to {found.staged:,} paths are in no commit: a rewrite does not have them."


def _uses_lfs(repository: str) -> bool:
    if not run(["rev-parse", "-q", "--verify", "HEAD:.gitattributes"], repository, accept=(0, 1)).strip():
        return False
    return b"filter=lfs" in run(["cat-file", "blob", "HEAD:.gitattributes"], repository)


def _staged(repository: str) -> int:
    """Paths whose staged content differs from HEAD's. Files are not looked at: that could run filters."""
    if not run(["rev-parse", "-q", "--verify", "HEAD^{tree}"], repository, accept=(0, 1)):
        return 0
    if run(["rev-parse", "--is-bare-repository"], repository).strip() == b"true":
        return 0
    refuse_special_exclude(repository)
    command = ["diff-index", "--cached", "--name-only", "-z", "--no-ext-diff", "HEAD", "--"]
    return run(command, repository).count(b"\0")

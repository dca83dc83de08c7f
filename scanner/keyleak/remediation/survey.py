"""What a rewrite will touch and what will survive it, said before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.views import submodules
from keyleak.remediation.proof import refs_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.remediation.rewrite_plan import RewritePlan

SERVER_REFS: Final = re.compile(
    r"\Arefs/(?:pull|pull-requests|merge-requests|changes|keep-around|pipelines)/"
)
_SIGNED: Final = re.compile(rb"^gpgsig(?:-sha256)? ", re.MULTILINE)
_WHOLE_FACTS: Final = (
    "THE KEY STAYS COMPROMISED even after scrubbing: clones, caches and scanners keep it. Revoke it first.",
    "Every commit from the first one that held a key gets a new id; everybody has to clone again.",
    "Forks and clones keep the old objects; so do cached views of the host, until its support removes them.",
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a repository has that a rewrite meets."""

    branches: int
    remote_branches: int
    tags: int
    notes: int
    stashes: int
    server_refs: tuple[str, ...]
    """Refs of pull and merge requests, which only the server can change."""
    signed_commits: int
    signed_tags: int
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
        branches=_count(refs, "refs/heads/"),
        remote_branches=_count(refs, "refs/remotes/"),
        tags=_count(refs, "refs/tags/"),
        notes=_count(refs, "refs/notes/"),
        stashes=max(int(stashes or 0), "refs/stash" in refs),
        server_refs=tuple(sorted(ref for ref in refs if SERVER_REFS.match(ref))),
        signed_commits=_signed_commits(repository),
        signed_tags=_signed_tags(repository),
        lfs=_uses_lfs(repository),
        submodules=tuple(submodule.path for submodule in submodules(repository)),
        staged=_staged(repository),
    )


def describe(found: Survey, plan: RewritePlan) -> list[str]:
    """The survey and the plan as sentences, one a line."""
    lines = [
        *_WHOLE_FACTS,
        f"Touched: {found.branches:,} branches, {found.remote_branches:,} remote-tracking branches.",
        f"Touched: {found.tags:,} tags, {found.notes:,} refs with notes.",
        f"Edited: {len(plan.edited):,} blobs; dropped: {len(plan.dropped):,} that cannot be edited.",
    ]
    lines += (f"Dropped: {', '.join(paths)} (blob {oid[:12]})" for oid, paths in plan.dropped.items())
    lines += _conditional(found)
    lines += (f"Not cleaned: {left.what}: {left.reason}" for left in plan.left)
    return lines


def _conditional(found: Survey) -> Iterable[str]:
    if found.signed_commits or found.signed_tags:
        yield (
            f"Signatures die: {found.signed_commits:,} signed commits and {found.signed_tags:,} signed tags"
            " lose theirs; sign what matters again."
        )
    if found.stashes:
        yield (
            f"Stashes: {found.stashes:,}. The newest is rewritten in the new clone; those in yours stay until"
            " `git stash clear`."
        )
    if found.notes:
        yield "Notes: git filter-repo alone leaves them as they are; `--apply` writes them anew as well."
    if found.server_refs:
        yield (
            f"Pull or merge requests: {', '.join(found.server_refs[:5])} ({len(found.server_refs):,} refs)"
            " are rewritten here, but the host keeps its own and takes no push to them; ask its support."
        )
    else:
        yield "Pull requests: the host keeps refs/pull/*, open or closed, and takes no push; ask its support."
    if found.lfs:
        yield "Git LFS: pointers stay as they are; a key inside an LFS object survives on the LFS server."
    if found.submodules:
        yield f"Submodules are repositories of their own and are not touched: {', '.join(found.submodules)}."
    if found.staged:
        yield f"Staged changes to {found.staged:,} paths are in no commit: a rewrite does not have them."


def _count(refs: Iterable[str], start: str) -> int:
    return sum(ref.startswith(start) for ref in refs)


def _signed_commits(repository: str) -> int:
    headers = run(["log", "--all", "--format=raw", "--no-notes", "--no-show-signature"], repository)
    return len(_SIGNED.findall(headers))


def _signed_tags(repository: str) -> int:
    signatures = run(
        ["for-each-ref", "--format=%(objecttype) %(contents:signature)", "refs/tags"], repository
    )
    return signatures.count(b"tag -----BEGIN ")


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
    return run(["diff-index", "--cached", "--name-only", "-z", "HEAD", "--"], repository).count(b"\0")

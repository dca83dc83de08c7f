"""Which refs reach an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.git.process import run
from keyleak.git.refs import Tip, tips_of
from keyleak.git.trace import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def refs_by_object(
    repository: str, brought_by: Mapping[bytes, Sequence[str]]
) -> dict[bytes, tuple[str, ...]]:
    """Which refs, HEAD and older stashes among them, reach each object.

    One walk, whatever the number of refs and objects.

    Args:
        repository: where they are.
        brought_by: for each object the commits that brought it.

    Raises:
        GitError: history cannot be walked.
    """
    bits = {oid: 1 << place for place, oid in enumerate(brought_by)}
    seeds: dict[bytes, int] = {}
    for oid, commits in brought_by.items():
        # The object itself, too: a ref can name a commit, a tag or a blob.
        for brought in {commit.encode() for commit in commits} | {oid.hex().encode()}:
            seeds[brought] = seeds.get(brought, 0) | bits[oid]
    tips = [*tips_of(repository), *_stashes(repository)]
    masks = seeds | (_masks(repository, seeds) if tips else {})
    refs: dict[bytes, set[str]] = {oid: set() for oid in brought_by}
    for tip, name in tips:
        if mask := masks.get(tip, 0):
            for oid, bit in bits.items():
                if mask & bit:
                    refs[oid].add(name)
    return {oid: tuple(sorted(names)) for oid, names in refs.items()}


def _stashes(repository: str) -> Iterator[Tip]:
    """The stash list but for its newest entry, which is a ref."""
    if not run(["rev-parse", "-q", "--verify", "refs/stash"], repository, accept=(0, 1)):
        return
    listing = run(["rev-list", "--walk-reflogs", "refs/stash", "--"], repository)
    for number, tip in enumerate(listing.split()[1:], 1):
        yield Tip(tip, f"stash@{{{number}}}")


def _masks(repository: str, seeds: Mapping[bytes, int]) -> dict[bytes, int]:
    """For each commit that reaches any object, which ones: those of its parents and its own."""
    masks: dict[bytes, int] = {}
    listing = run(["rev-list", "--topo-order", "--reverse", "--parents", *EVERYTHING], repository)
    for line in listing.splitlines():
        commit, *parents = line.split()
        mask = seeds.get(commit, 0)
        for parent in parents:
            mask |= masks.get(parent, 0)
        if mask:
            masks[commit] = mask
    return masks

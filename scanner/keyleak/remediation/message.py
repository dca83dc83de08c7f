"""What collaborators have to know of a rewritten history: what moved, and how to bring their work over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEADS: Final = "refs/heads/"
_TAGS: Final = "refs/tags/"


def collaborators_message(published: Mapping[str, tuple[str, str]], map_name: str) -> Iterator[str]:
    """A message to send as it is, in Markdown, one line at a time.

    Args:
        published: full names, as the server has them, of the branches and tags that moved, with their ids
            before and after.
        map_name: name of the file with all ids, which goes with the message.
    """
    branches = {ref.removeprefix(_HEADS): ids for ref, ids in published.items() if ref.startswith(_HEADS)}
    tags = {ref.removeprefix(_TAGS): ids for ref, ids in published.items() if ref.startswith(_TAGS)}
    yield "# A leaked key was removed from our history"
    yield ""
    yield "The branches and tags below were rewritten and pushed. The key is revoked; please do not push"
    yield f"the old commits again. The attached {map_name} has the new id of every commit that changed."
    yield ""
    yield "| ref | old | new |"
    yield "|---|---|---|"
    yield from (f"| {name} | {old} | {new} |" for name, (old, new) in sorted((branches | tags).items()))
    for name, (old, _) in sorted(branches.items()):
        yield from _for_branch(name, old)
    if tags:
        yield from ("", "Take the new tags:", "", "```sh", "git fetch --tags --force origin", "```")
    yield from ("", "At the end, so that your clone does not bring the old commits back:", "", "```sh")
    yield "git stash list   # drop stashes that hold the key"
    yield "git reflog expire --expire=now --expire-unreachable=now --all"
    yield from ("git gc --prune=now", "```")


def _for_branch(name: str, old: str) -> Iterator[str]:
    yield from ("", f"If you have `{name}` without commits of your own:", "", "```sh", "git fetch origin")
    yield from (f"git switch {name}", f"git reset --keep origin/{name}", "```", "")
    yield f"If you have commits of your own upon `{name}`, in a branch `my-branch` (or `{name}` itself):"
    yield from ("", "```sh", "git fetch origin")
    yield from (f"git rebase --onto origin/{name} {old} my-branch", "```")

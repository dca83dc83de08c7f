"""The commands that a person runs for a rewrite: all of it by hand, or what `--apply` leaves, the pushes."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.remediation.filter_repo import arguments
from keyleak.remediation.survey import SERVER_REFS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keyleak.remediation.rewrite_plan import RewritePlan
    from keyleak.remediation.workspace import Workspace

_HEADS: Final = "refs/heads/"
_REMOTES: Final = "refs/remotes/"
_RELATIVE: Final = (b"./", b"../")
# Without a server the repository itself takes the result; its files follow, unless somebody changed them.
_UPDATING: Final = "--receive-pack='git -c receive.denyCurrentBranch=updateInstead receive-pack'"
_LOCAL_ONLY: Final = ("refs/stash", "refs/bisect/", "refs/worktree/", "refs/rewritten/", "refs/original/")


def rewrite_commands(source: str, workspace: Workspace, plan: RewritePlan) -> list[str]:
    """What `--apply` does, as commands for a shell. Absolute paths make them run anywhere."""
    mirror, bundle = shlex.quote(workspace.mirror), shlex.quote(workspace.bundle)
    told = shlex.join(arguments(plan, workspace.kit))
    return [
        "umask 077",
        f"git clone --mirror --no-local {shlex.quote(source)} {mirror}",
        f"git -C {mirror} bundle create {bundle} --all",
        f"(cd {mirror} && git filter-repo {told})",
        f"git -C {mirror} reflog expire --expire=now --all",
        f"git -C {mirror} gc --prune=now",
        f"keyleak history {mirror}",
    ]


def push_commands(
    source: str, mirror: str, before: Mapping[str, str], after: Mapping[str, str], plan: RewritePlan
) -> list[str]:
    """One push for each ref that changed and that a server takes; refused if somebody pushed meanwhile.

    Args:
        source: the repository that was rewritten.
        mirror: the clone with the result.
        before: its refs and their ids.
        after: the same afterwards; without a rewrite, the same as before.
        plan: what is replaced; a ref whose name holds a key gets a clean one on the server.

    Raises:
        GitError: git does not read the repository.
    """
    remotes = [os.fsdecode(name) for name in run(["remote"], source).splitlines()]
    pushes = _Pushes(source, mirror, remotes, before, plan)
    changed = [
        ref
        for ref in sorted(before)
        if before[ref] != after.get(ref) or before == after or pushes.cleaned(ref) != ref
    ]
    return [command for ref in changed for command in pushes.of(ref)]


class _Pushes:
    def __init__(
        self,
        source: str,
        mirror: str,
        remotes: Sequence[str],
        before: Mapping[str, str],
        plan: RewritePlan,
    ) -> None:
        self._plan = plan
        self._source = source
        self._mirror = mirror
        self._remotes = sorted(remotes, key=lambda name: (name != "origin", name))
        self._before = before
        # Branches of a server are rewritten from what the server had, not from work that was never pushed.
        self._tracks = any(self._tracked(ref) for ref in before)

    def of(self, ref: str) -> Iterator[str]:
        """The push of one ref, if it is pushed."""
        if SERVER_REFS.match(ref) or ref.startswith(_LOCAL_ONLY):
            return
        tracked = self._tracked(ref)
        if tracked is not None:
            yield from self._push(tracked[0], ref, _HEADS + tracked[1])
        elif not ref.startswith(_REMOTES) and not (ref.startswith(_HEADS) and self._tracks):
            yield from self._push(self._remotes[0] if self._remotes else None, ref, ref)

    def _tracked(self, ref: str) -> tuple[str, str] | None:
        """Remote and branch of a remote-tracking ref."""
        for remote in self._remotes:
            start = f"{_REMOTES}{remote}/"
            if ref.startswith(start) and ref != f"{start}HEAD":
                return remote, ref.removeprefix(start)
        return None

    def cleaned(self, ref: str) -> str:
        """The name without any key."""
        return os.fsdecode(self._plan.texts.apply(os.fsencode(ref)))

    def _push(self, remote: str | None, ref: str, target: str) -> Iterator[str]:
        where = f"{_UPDATING} {shlex.quote(self._source)}" if remote is None else self._url(remote)
        clean, lease = self.cleaned(target), f"{target}:{self._before[ref]}"
        if clean == target:
            yield self._line(lease, where, f"{ref}:{target}")
        else:
            yield self._line(f"{clean}:", where, f"{ref}:{clean}")  # that name must be free
            yield self._line(lease, where, f":{target}")

    def _line(self, lease: str, where: str, refspec: str) -> str:
        lease = shlex.quote(f"--force-with-lease={lease}")
        return f"git -C {shlex.quote(self._mirror)} push {lease} {where} {shlex.quote(refspec)}"

    def _url(self, remote: str) -> str:
        # The URL may hold a password, so it is looked up when the command runs. One relative to the source
        # means nothing in the mirror, so it is a path from there.
        source = shlex.quote(self._source)
        url = run(["remote", "get-url", remote], self._source)
        folder = f"{source}/" if url.startswith(_RELATIVE) else ""
        return f'{folder}"$(git -C {source} remote get-url {shlex.quote(remote)})"'

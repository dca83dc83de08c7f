"""The commands that a person runs for a rewrite: all of it by hand, or what follows `--apply`."""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.remediation.filter_repo import RANGE, arguments
from keyleak.remediation.survey import SERVER_REFS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyleak.remediation.affected import Affected
    from keyleak.remediation.rewrite_plan import RewritePlan
    from keyleak.remediation.workspace import Workspace

_HEADS: Final = "refs/heads/"
_REMOTES: Final = "refs/remotes/"
_TAGS: Final = "refs/tags/"
_RELATIVE: Final = (b"./", b"../")
# Refs of this clone alone, which are dropped rather than replaced.
_NOT_TAKEN: Final = ("refs/stash", "refs/bisect/", "refs/worktree/", "refs/rewritten/", "refs/original/")


def rewrite_commands(source: str, workspace: Workspace, plan: RewritePlan, affected: Affected) -> list[str]:
    """What `--apply` does, as commands for a shell. Absolute paths make them run anywhere."""
    mirror, bundle = shlex.quote(workspace.mirror), shlex.quote(workspace.bundle)
    options = shlex.join(arguments(plan, workspace.kit))
    revisions = shlex.quote(os.path.join(workspace.kit, RANGE))
    filter_repo = [f"(cd {mirror} && git filter-repo {options} --refs $(cat {revisions}))"]
    return [
        "umask 077",
        f"git clone --mirror --no-local {shlex.quote(source)} {mirror}",
        f"git -C {mirror} bundle create {bundle} --all",
        *(filter_repo if affected.commits else []),
        *(_renaming(mirror, *names) for names in affected.renamed.items()),
        f"git -C {mirror} reflog expire --expire=now --all",
        f"git -C {mirror} gc --prune=now",
        f"keyleak history {mirror}",
    ]


def _renaming(mirror: str, ref: str, name: str) -> str:
    old, new = shlex.quote(ref), shlex.quote(name)
    git = f"git -C {mirror}"
    return f'{git} update-ref {new} "$({git} rev-parse {old})" "" && {git} update-ref -d {old}'


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rewritten clone, and the repository that it is of."""

    source: str
    """Absolute path of the repository."""
    mirror: str
    """Absolute path of the clone, which may not be there yet."""
    before: Mapping[str, str]
    """Refs of the repository and their ids."""
    changed: frozenset[str]
    """Full names of the refs that a rewrite changes."""
    renamed: Mapping[str, str]
    """Of them those that get another name, as their name holds a key."""

    def name_of(self, ref: str) -> str:
        """The full name of a ref afterwards."""
        return self.renamed.get(ref, ref)


def take_commands(outcome: Outcome) -> list[str]:
    """Commands that give the repository its rewritten branches, tags and notes; each refuses if a ref moved.

    Args:
        outcome: what was rewritten.

    Raises:
        GitError: git does not read the repository.
    """
    refs = [ref for ref in sorted(outcome.changed) if _is_own(ref)]
    if not refs:
        return []
    source, mirror = shlex.quote(outcome.source), shlex.quote(outcome.mirror)
    named = " ".join(shlex.quote(outcome.name_of(ref)) for ref in refs)
    trees = _work_trees(outcome.source)
    return [
        f"git -C {source} fetch --quiet --no-tags {mirror} {named}",
        *(line for ref in refs for line in _moved(outcome, ref, trees.get(ref))),
    ]


def _is_own(ref: str) -> bool:
    return not (SERVER_REFS.match(ref) or ref.startswith((_REMOTES, *_NOT_TAKEN)))


def _moved(outcome: Outcome, ref: str, tree: str | None) -> Iterator[str]:
    git, old, name = f"git -C {shlex.quote(outcome.source)}", outcome.before[ref], outcome.name_of(ref)
    new = f'"$(git -C {shlex.quote(outcome.mirror)} rev-parse {shlex.quote(name)})"'
    if tree is not None:
        # `--keep` stops where a file that changes was edited and not committed.
        unmoved = f'test "$({git} rev-parse {shlex.quote(ref)})" = {old}'
        yield f"{unmoved} && git -C {shlex.quote(tree)} reset --quiet --keep {new}"
    else:
        yield f"{git} update-ref {shlex.quote(ref)} {new} {old}"
    if name != ref and ref.startswith(_HEADS):
        short = shlex.join([ref.removeprefix(_HEADS), name.removeprefix(_HEADS)])
        yield f"{git} branch -m {short}"
    elif name != ref:
        yield f"{git} update-ref {shlex.quote(name)} {new} && {git} update-ref -d {shlex.quote(ref)}"


def _work_trees(source: str) -> dict[str, str]:
    """Folders of work trees by the full name of the branch that is checked out there."""
    trees = {}
    folder = ""
    for field in run(["worktree", "list", "--porcelain", "-z"], source).split(b"\0"):
        key, _, value = field.partition(b" ")
        if key == b"worktree":
            folder = os.fsdecode(value)
        elif key == b"branch":
            trees[os.fsdecode(value)] = folder
    return trees


def push_commands(outcome: Outcome) -> list[str]:
    """Pushes of what changed on a server: one for all branches of a remote, one for each tag and note.

    Each names the id that the server had (`--force-with-lease`), so that it is refused where somebody pushed
    meanwhile. A ref whose name holds a key gets a clean one on the server.

    Args:
        outcome: what was rewritten.

    Raises:
        GitError: git does not read the repository.
    """
    pushes = _pushes(outcome)
    return [*pushes.branches(), *pushes.others()] if pushes else []


def published_refs(outcome: Outcome) -> dict[str, str]:
    """Refs that a server has, or may have, and that changed: the full name there, and the one here.

    Args:
        outcome: what was rewritten.

    Raises:
        GitError: git does not read the repository.
    """
    pushes = _pushes(outcome)
    return pushes.published() if pushes else {}


def _pushes(outcome: Outcome) -> _Pushes | None:
    remotes = [os.fsdecode(name) for name in run(["remote"], outcome.source).splitlines()]
    # The server that everybody fetches from comes first.
    return _Pushes(outcome, sorted(remotes, key=lambda name: (name != "origin", name))) if remotes else None


class _Pushes:
    def __init__(self, outcome: Outcome, remotes: Sequence[str]) -> None:
        self._outcome = outcome
        self._remotes = remotes
        is_bare = run(["rev-parse", "--is-bare-repository"], outcome.source).strip() == b"true"
        self._is_mirror = is_bare and not any(ref.startswith(_REMOTES) for ref in outcome.before)

    def branches(self) -> Iterator[str]:
        """One push for each remote, of what its remote-tracking refs became."""
        by_remote: dict[str, list[str]] = defaultdict(list)
        for ref in sorted(self._outcome.changed):
            if tracked := self._tracked(ref):
                by_remote[tracked[0]].append(ref)
        for remote, refs in by_remote.items():
            yield self._push(remote, refs, atomic=len(refs) > 1)

    def others(self) -> Iterator[str]:
        """Tags and notes, where the server has them; nobody records whether it does."""
        for ref in self._unrecorded():
            asked = f"git ls-remote --exit-code {self._url(self._remotes[0])} {shlex.quote(ref)} >/dev/null"
            yield f"if {asked}; then {self._push(self._remotes[0], [ref])}; fi"

    def published(self) -> dict[str, str]:
        """The full name that each of them has on its server, and the one here."""
        branches = [ref for ref in sorted(self._outcome.changed) if self._tracked(ref)]
        return {self._name_there(ref): ref for ref in [*branches, *self._unrecorded()]}

    def _unrecorded(self) -> list[str]:
        """Changed tags and notes: this clone does not record which of them the server has."""
        return [ref for ref in sorted(self._outcome.changed) if _is_own(ref) and not ref.startswith(_HEADS)]

    def _name_there(self, ref: str) -> str:
        """The full name that a ref has on the server."""
        tracked = self._tracked(ref)
        return _HEADS + tracked[1] if tracked else ref

    def _tracked(self, ref: str) -> tuple[str, str] | None:
        """Remote and branch of a remote-tracking ref; the branches of a mirror are the server's."""
        if self._is_mirror and ref.startswith(_HEADS):
            return self._remotes[0], ref.removeprefix(_HEADS)
        for remote in self._remotes:
            start = f"{_REMOTES}{remote}/"
            if ref.startswith(start) and ref != f"{start}HEAD":
                return remote, ref.removeprefix(start)
        return None

    def _push(self, remote: str, refs: Iterable[str], *, atomic: bool = False) -> str:
        leases, specs = [], []
        for ref in refs:
            name = self._outcome.name_of(ref)
            target, clean = self._name_there(ref), self._name_there(name)
            leases.append(f"--force-with-lease={target}:{self._outcome.before[ref]}")
            specs.append(f"{name}:{clean}")
            if clean != target:
                leases.append(f"--force-with-lease={clean}:")  # that name must be free
                specs.append(f":{target}")
        options = shlex.join(["push", *(["--atomic"] if atomic else []), *leases])
        return f"git -C {shlex.quote(self._outcome.mirror)} {options} {self._url(remote)} {shlex.join(specs)}"

    def _url(self, remote: str) -> str:
        # The URL may hold a password, so it is looked up when the command runs. One relative to the source
        # means nothing in the mirror, so it is a path from there.
        source = shlex.quote(self._outcome.source)
        url = run(["remote", "get-url", remote], self._outcome.source)
        folder = f"{source}/" if url.startswith(_RELATIVE) else ""
        return f'{folder}"$(git -C {source} remote get-url {shlex.quote(remote)})"'


def forget_commands(source: str, stashes: Iterable[int], *, has_remote: bool) -> list[str]:
    """Commands that drop what only this clone still has of the old history."""
    git = f"git -C {shlex.quote(source)}"
    return [
        *(f"{git} stash drop --quiet stash@{{{number}}}" for number in stashes),
        *([f"{git} fetch --quiet --all --prune"] if has_remote else []),
        f"{git} reflog expire --expire=now --expire-unreachable=now --all",
        f"{git} gc --quiet --prune=now",
    ]

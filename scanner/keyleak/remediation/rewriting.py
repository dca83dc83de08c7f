"""A rewrite from clone to proof, each step written down before the next one begins."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from keyleak.errors import KeyleakError, UsageError
from keyleak.git.process import run
from keyleak.git.rewriting import filter_repo, forget_old_objects, mirror_clone, write_bundle
from keyleak.git.views import missing_objects
from keyleak.remediation import commit_map
from keyleak.remediation.filter_repo import arguments, rewrite_files
from keyleak.remediation.notes import filter_repo_map, rewrite_notes
from keyleak.remediation.proof import compare, refs_of
from keyleak.remediation.raw_rewrite import rewrite_raw
from keyleak.remediation.resigning import sign_again
from keyleak.remediation.tags import rename_refs, rewrite_refs
from keyleak.remediation.workspace import Step
from keyleak.terminal import size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyleak.git.signing import Signer
    from keyleak.remediation.affected import Affected
    from keyleak.remediation.proof import Expected, Proof
    from keyleak.remediation.rewrite_plan import RewritePlan
    from keyleak.remediation.workspace import State, Workspace

# The clone, its new packs beside the old ones, and the bundle.
_COPIES: Final = 4
_LEAST_SPACE: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What is to be rewritten, where, by what."""

    source: str
    """Absolute path of the repository, which is only read."""
    workspace: Workspace
    expected: Expected
    program: Sequence[str]
    """How to start filter-repo."""
    signer: Signer | None = None
    """The user's key, where the user's own commits and tags are to be signed again."""


def check_rewritable(repository: str) -> None:
    """Whether a rewrite of this repository can be whole.

    Raises:
        UsageError: it is shallow, partial, empty, or of a kind that filter-repo does not know.
        GitError: git does not read it.
    """
    if run(["rev-parse", "--is-shallow-repository"], repository).strip() == b"true":
        raise UsageError(
            f"{repository} is a shallow clone; `git fetch --unshallow` brings the rest of its history"
        )
    if run(["rev-parse", "--show-object-format"], repository).strip() != b"sha1":
        raise UsageError(f"{repository} names objects by SHA-256, which git filter-repo does not rewrite")
    if missing_objects(repository):
        raise UsageError(f"{repository} is a partial clone; rewrite a full one")
    if not refs_of(repository):
        raise UsageError(f"{repository} has no refs, so there is no history to rewrite")


def rewrite(task: Rewrite, state: State, say: Callable[[str], None]) -> tuple[State, Proof]:
    """Clone, save, rewrite and compare, from where the state says.

    Args:
        task: what to do.
        state: how far it is.
        say: told what is being done.

    Raises:
        UsageError: the repository changed since it was cloned, or there is no space.
        GitError: git or filter-repo said no; the folder can be used again.
    """
    if state.step is Step.OPENED:
        check_space(task.source, task.workspace)
        say("cloning every ref")
        state = _clone(task, state)
    elif refs_of(task.source) != dict(state.refs):
        raise UsageError(f"{task.source} has changed since it was cloned; remove {task.workspace.folder}")
    if state.step is Step.CLONED:
        say("writing the backup")
        state = _save(task, state)
    if state.step is Step.REWRITING:
        say("a rewrite was interrupted: beginning it again")
        state = replace(_clone(task, state), step=Step.SAVED)
    if state.step is Step.SAVED:
        say("rewriting with git filter-repo")
        state = _rewrite(task, state)
    say("comparing every object with what was there before")
    return state, compare(task.source, task.workspace.mirror, state.refs, task.expected)


def check_space(repository: str, workspace: Workspace) -> None:
    """Whether the folder's disk has room.

    Raises:
        UsageError: it has not.
    """
    counted = dict(line.split(b": ") for line in run(["count-objects", "-v"], repository).splitlines())
    needed = (int(counted[b"size"]) + int(counted[b"size-pack"])) * 1024 * _COPIES + _LEAST_SPACE
    free = shutil.disk_usage(workspace.folder).free
    if free < needed:
        raise UsageError(f"{workspace.folder}: {size(free)} are free, {size(needed)} may be needed")


def _clone(task: Rewrite, state: State) -> State:
    workspace = task.workspace
    workspace.remove_mirror()
    mirror_clone(task.source, workspace.mirror)
    refs = refs_of(workspace.mirror)
    if state.refs and refs != dict(state.refs):
        raise UsageError(f"{task.source} has changed since it was cloned; remove {workspace.folder}")
    if hidden := sorted(set(refs_of(task.source)) - set(refs)):
        raise UsageError(
            f"{task.source} does not give {hidden[0]} to a clone (transfer.hideRefs, uploadpack.hideRefs?),"
            " so a rewrite would leave it as it is"
        )
    _attach_head(workspace.mirror, refs)
    state = replace(state, refs=refs, step=Step.CLONED)
    state.save(workspace)
    return state


def _attach_head(mirror: str, refs: dict[str, str]) -> None:
    """A HEAD that names a commit would keep the old history alive; let it name a branch."""
    if run(["symbolic-ref", "-q", "HEAD"], mirror, accept=(0, 1)):
        return
    branches = sorted(name for name in refs if name.startswith("refs/heads/"))
    run(["symbolic-ref", "HEAD", branches[0] if branches else "refs/heads/main"], mirror)


def _save(task: Rewrite, state: State) -> State:
    part = f"{task.workspace.bundle}.part"
    with suppress(FileNotFoundError):
        os.unlink(part)
    write_bundle(task.workspace.mirror, part)
    os.chmod(part, 0o600)
    os.replace(part, task.workspace.bundle)
    state = replace(state, step=Step.SAVED)
    state.save(task.workspace)
    return state


def _rewrite(task: Rewrite, state: State) -> State:
    workspace = task.workspace
    write_kit(workspace, task.expected.plan, task.expected.affected)
    state = replace(state, step=Step.REWRITING)
    state.save(workspace)
    renamed = _rewrite_commits(task)
    rewrite_refs(workspace.mirror, task.expected.affected, task.expected.plan, renamed)
    rename_refs(workspace.mirror, task.expected.affected.renamed)
    if task.signer is not None:
        renamed = sign_again(workspace.mirror, task.expected, renamed, task.signer)
    rewrite_notes(workspace.mirror, task.expected.plan, renamed)
    workspace.write(commit_map.NAME, commit_map.commit_map(renamed).encode())
    forget_old_objects(workspace.mirror)
    state = replace(state, step=Step.REWRITTEN)
    state.save(workspace)
    return state


def _rewrite_commits(task: Rewrite) -> dict[str, str]:
    """Rewrite the affected commits, by filter-repo where it can; their ids before and after."""
    if not task.expected.affected.commits:
        return {}
    workspace = task.workspace
    if task.expected.fidelity.is_raw:
        return rewrite_raw(workspace.mirror, task.expected)
    options = [*arguments(task.expected.plan, workspace.kit), "--refs", *task.expected.affected.range]
    filter_repo(task.program, options, workspace.mirror)
    try:
        renamed = filter_repo_map(workspace.mirror)
    except (OSError, ValueError) as error:
        raise KeyleakError(
            "git filter-repo left no map of commits; its version is not known to work"
        ) from error
    shutil.rmtree(os.path.join(workspace.mirror, "filter-repo"))
    return renamed


def write_kit(workspace: Workspace, plan: RewritePlan, affected: Affected) -> None:
    """The files that filter-repo is given.

    Raises:
        KeyleakError: one could not be written.
    """
    for name, content in rewrite_files(plan, affected).items():
        workspace.write(os.path.join("kit", name), content)

"""`keyleak fix --undo`: the refs as they were before a rewrite, from its backup, and the way back to them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from keyleak.commands.repository_reading import repository_root, write_out
from keyleak.errors import ExitCode, UsageError
from keyleak.git.process import run
from keyleak.git.rewriting import bundle_clone
from keyleak.remediation.document import DocumentFormat, FixDocument, Section, render
from keyleak.remediation.instructions import Outcome, push_commands, take_commands
from keyleak.remediation.proof import refs_of
from keyleak.remediation.workspace import Step, Workspace, found_state

if TYPE_CHECKING:
    from keyleak.commands.console import Console
    from keyleak.commands.fix import FixOptions
    from keyleak.remediation.workspace import State


def undo(options: FixOptions, console: Console) -> ExitCode:
    """Restore the backup beside the rewritten clone, prove it, and print the commands that bring it back.

    Raises:
        UsageError: the folder holds no backup of this repository.
        GitError: the backup cannot be read, or lacks an object.
    """
    if options.output is None:
        raise UsageError("--undo needs --output DIR: the folder of the rewrite")
    root = repository_root(options.repository)
    workspace = Workspace(os.path.realpath(options.output))
    state = found_state(workspace, root)
    if state.step < Step.SAVED or not os.path.isfile(workspace.bundle):
        raise UsageError(f"{workspace.folder} holds no backup: the rewrite did not get that far")
    restored = os.path.join(workspace.folder, "restored.git")
    if os.path.lexists(restored):
        shutil.rmtree(restored)
    console.note("restoring the backup")
    bundle_clone(workspace.bundle, restored)
    differences = _differences(restored, state)
    sections = [_proof(state, differences)]
    if not differences:
        sections += _way_back(root, workspace, restored, state)
    document = FixDocument(root, (), tuple(sections))
    write_out(render(document, options.form))
    if options.form is not DocumentFormat.JSON and not differences:
        console.note("the restored history holds the keys again: revoke them before anything else")
    return ExitCode.INCOMPLETE if differences else ExitCode.CLEAN


def _differences(restored: str, state: State) -> list[str]:
    """Refs that are not what they were; whatever a ref's id is, its content is what that id says."""
    now = refs_of(restored)
    run(["fsck", "--connectivity-only", "--no-dangling", "--no-progress"], restored)
    names = sorted(now.keys() | state.refs.keys())
    return [f"DIFFERS: {name}" for name in names if now.get(name) != state.refs.get(name)]


def _proof(state: State, differences: list[str]) -> Section:
    verdict = "NOT as it was" if differences else "Proven: every ref as it was before the rewrite"
    counted = f"{len(state.refs):,} refs, and every object that they reach, are in restored.git."
    return Section("proof", verdict, (*differences, *([] if differences else [counted])))


def _way_back(root: str, workspace: Workspace, restored: str, state: State) -> list[Section]:
    """Commands for the refs that the rewrite moved, from where it moved them."""
    rewritten = refs_of(workspace.mirror)
    changed = frozenset(ref for ref, oid in state.refs.items() if rewritten.get(ref, oid) != oid)
    outcome = Outcome(root, restored, rewritten, changed, {})
    titles = {
        "take": ("Take the old refs back into this repository", take_commands(outcome)),
        "push": ("Push them to the server, which then holds the keys again", push_commands(outcome)),
    }
    return [
        Section(name, title, tuple(commands), are_commands=True)
        for name, (title, commands) in titles.items()
        if commands
    ]

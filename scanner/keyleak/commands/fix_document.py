"""What `keyleak fix` prints: a runbook for each key, what a rewrite changes, and the commands, in order."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.findings import LocationKind
from keyleak.git.mentions import mentions
from keyleak.git.process import run
from keyleak.remediation.document import FixDocument, Section
from keyleak.remediation.instructions import (
    Outcome,
    forget_commands,
    push_commands,
    rewrite_commands,
    take_commands,
)
from keyleak.remediation.key_state import KeyState, stashes_of, state_of
from keyleak.remediation.proof import refs_of
from keyleak.remediation.runbook import Reader, runbook_for, variables_of
from keyleak.remediation.survey import describe, survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyleak.commands.working_tree import TreePatch
    from keyleak.coverage import Coverage
    from keyleak.findings import Finding
    from keyleak.remediation.proof import Expected
    from keyleak.remediation.workspace import Workspace
    from keyleak.rulebook.model import Rulebook
    from keyleak.secret import Secret

PATCH: Final = "worktree.patch"
_TAKE: Final = (
    "Then take over the rewritten refs; each command stops where somebody moved a ref or edited a file"
)
_PUSH: Final = "Then push what a server has; a protected branch has to allow it for that time"


@dataclass(frozen=True, slots=True)
class Case:
    """What was found and what is to be done about it."""

    root: str
    findings: tuple[Finding, ...]
    """Of files and history together."""
    historic: tuple[Finding, ...]
    """The same keys, with their locations in history only."""
    coverage: Coverage
    rulebook: Rulebook
    secrets: frozenset[Secret]
    """Every key that was read, also those that are not to be fixed."""

    def states(self) -> dict[str, KeyState]:
        """How far each key got, by its id.

        Raises:
            GitError: git does not read the repository.
        """
        is_bare = run(["rev-parse", "--is-bare-repository"], self.root).strip() == b"true"
        has_remote = self.has_remote()
        return {
            finding.id: state_of(finding, is_server=is_bare, has_remote=has_remote)
            for finding in self.findings
        }

    def has_remote(self) -> bool:
        """Whether the repository has any remote."""
        return bool(run(["remote"], self.root).strip())


@dataclass(frozen=True, slots=True)
class Kit:
    """Where a rewrite happens, and the command that prepares it."""

    workspace: Workspace
    command: str
    is_open: bool
    """Whether the folder was made already, so that nothing has to be prepared."""


def fix_document(case: Case, expected: Expected, tree: TreePatch, kit: Kit) -> FixDocument:
    """Everything there is to say before a rewrite.

    Args:
        case: the keys.
        expected: what a rewrite changes.
        tree: the suggested change of files.
        kit: where it happens.

    Raises:
        GitError: git does not read the repository.
    """
    states = case.states()
    runbooks = tuple(
        runbook_for(each, case.rulebook, _readers(case, each), f"{kit.command} --apply", states[each.id])
        for each in case.findings
    )
    sections = [*_tree_sections(case.root, tree, kit.workspace), *_unstaged(case)]
    plan = expected.plan
    sections += _amended(case.root, tree, expected)
    published = any(state.is_published for state in states.values())
    if not plan.is_empty or plan.left:
        lines = describe(survey(case.root), expected, published=published)
        sections.append(Section("survey", "What a rewrite of history changes and leaves", tuple(lines)))
    if not plan.is_empty:
        commands = [f"{kit.command} --apply"]
        if not expected.fidelity.is_raw:
            commands = rewrite_commands(case.root, kit.workspace, plan, expected.affected)
        sections.append(
            Section("rewrite", "The rewrite, as `--apply` does it", tuple(commands), are_commands=True)
        )
        sections += follow_up(case, outcome_of(case.root, kit.workspace, expected))
    elif forgotten := _forgotten(case):
        sections.append(forgotten)
    begin = [
        Section("kit", "First: the files that the commands below name", (kit.command,), are_commands=True)
    ]
    needs_kit = not kit.is_open and (tree.changed or not plan.is_empty)
    return FixDocument(case.root, runbooks, (*(begin if needs_kit else ()), *sections))


def outcome_of(root: str, workspace: Workspace, expected: Expected) -> Outcome:
    """What a rewrite changes, as the commands after it need it."""
    affected, refs = expected.affected, refs_of(root)
    changed = frozenset((*affected.refs, *affected.others, *affected.notes, *affected.renamed))
    return Outcome(root, workspace.mirror, refs, changed & refs.keys(), affected.renamed)


def follow_up(case: Case, outcome: Outcome) -> Iterator[Section]:
    """The commands after a rewrite that is proven: take it, push what is published, drop the rest."""
    if takes := take_commands(outcome):
        yield Section("take", _TAKE, tuple(takes), are_commands=True)
    if pushes := push_commands(outcome):
        yield Section("push", _PUSH, tuple(pushes), are_commands=True)
    if forgotten := _forgotten(case):
        yield forgotten


def _forgotten(case: Case) -> Section | None:
    """What drops stashes, reflogs and lost objects, where the keys are in history at all."""
    if not case.historic:
        return None
    commands = forget_commands(case.root, stashes_of(case.historic), has_remote=case.has_remote())
    title = "Last: drop what only this clone still has (stashes with a key, reflogs, unreachable objects)"
    return Section("forget", title, tuple(commands), are_commands=True)


def _unstaged(case: Case) -> Iterator[Section]:
    """What takes staged files out of the index, so that no commit records the key."""
    locations = (place for finding in case.findings for place in finding.locations)
    paths = sorted({place.path for place in locations if place.kind is LocationKind.INDEX and place.path})
    if paths:
        first = ["rm", "--cached", "--quiet"] if _head(case.root) is None else ["restore", "--staged"]
        command = shlex.join(["git", "-C", case.root, *first, "--", *paths])
        title = "Take what is staged out of the index; edit the files, then stage them again"
        yield Section("unstage", title, (command,), are_commands=True)


def _amended(root: str, tree: TreePatch, expected: Expected) -> Iterator[Section]:
    """The short way, where the patch takes away all that the newest commit, and no other, brought."""
    plan, head = expected.plan, _head(root)
    whole = not (tree.by_hand or plan.commits or plan.tags or plan.paths or plan.dropped or plan.refs)
    if not (whole and tree.changed and head is not None and expected.affected.commits == (head,)):
        return
    held = run(["ls-tree", "-r", "-z", "--full-tree", head], root).split(b"\0")
    entries = (entry.partition(b"\t") for entry in held if entry)
    paths = {os.fsdecode(path) for facts, _, path in entries if facts.split()[2].decode() in plan.edited}
    if paths <= set(tree.changed):
        git = ["git", "-C", root]
        commands = ([*git, "add", "--", *sorted(paths)], [*git, "commit", "--amend", "--no-edit"])
        title = "The short way, after the patch: only the newest commit holds the key, so amend it"
        yield Section("amend", title, tuple(map(shlex.join, commands)), are_commands=True)


def _head(root: str) -> str | None:
    """The commit at HEAD; None before the first one."""
    answer = run(["rev-parse", "-q", "--verify", "HEAD^{commit}"], root, accept=(0, 1))
    return answer.decode().strip() or None


def _tree_sections(root: str, tree: TreePatch, workspace: Workspace) -> Iterator[Section]:
    if tree.changed:
        apply = shlex.join(["git", "-C", root, "apply", os.path.join(workspace.folder, PATCH)])
        yield Section(
            "patch", "A suggested patch for the files; commit it first", (apply,), are_commands=True
        )
        yield Section("patched", "With it these read the environment", tree.changed)
    if tree.by_hand:
        yield Section("by_hand", "Files to edit by hand", tree.by_hand)


def _readers(case: Case, finding: Finding) -> Sequence[Reader]:
    names = variables_of(case.rulebook.issuer(finding.issuer or ""))
    return [Reader(path, line) for path, line in mentions(case.root, names)]

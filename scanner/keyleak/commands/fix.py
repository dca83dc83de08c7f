"""`keyleak fix`: what to do about leaked keys, and a history without them."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import click

from keyleak.commands.options import ReportOptions, checked_rulebook
from keyleak.commands.repository_reading import (
    chosen_ids,
    leaks_of,
    masked_document,
    read_repository,
    repository_root,
    write_out,
)
from keyleak.commands.saved_report import verifications_of_report
from keyleak.commands.settings import Reads, configured
from keyleak.commands.working_tree import TreePatch, suggest_patch
from keyleak.errors import ExitCode, UsageError
from keyleak.findings import LocationKind
from keyleak.git.mentions import mentions
from keyleak.grouping import group_by_secret
from keyleak.remediation.document import DocumentFormat, FixDocument, Section
from keyleak.remediation.filter_repo import find_filter_repo
from keyleak.remediation.instructions import push_commands, rewrite_commands
from keyleak.remediation.proof import refs_of
from keyleak.remediation.rewrite_plan import plan_rewrite
from keyleak.remediation.rewriting import Rewrite, check_rewritable, rewrite, write_kit
from keyleak.remediation.runbook import Reader, runbook_for, variables_of
from keyleak.remediation.survey import describe, survey
from keyleak.remediation.workspace import Step, Workspace, open_workspace, read_state
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from keyleak.commands.console import Console
    from keyleak.coverage import Coverage
    from keyleak.findings import Finding
    from keyleak.remediation.proof import Proof
    from keyleak.remediation.rewrite_plan import RewritePlan
    from keyleak.rulebook.model import Rulebook
    from keyleak.secret import Secret


_PATCH: Final = "worktree.patch"


@dataclass(frozen=True, slots=True)
class FixOptions:
    """What `keyleak fix` was asked for."""

    repository: str = "."
    saved_report: str | None = None
    """A JSON report whose findings are meant."""
    ids: frozenset[str] = frozenset()
    """Only these findings; empty for all."""
    output: str | None = None
    """A private folder for the kit, the backup and the rewritten clone."""
    remote: str | None = None
    """The URL that `--in-place-check` clones; None for that of the repository's own remote."""
    apply: bool = False
    yes: bool = False
    form: DocumentFormat = DocumentFormat.TEXT
    report: ReportOptions = field(default_factory=ReportOptions)


@dataclass(frozen=True, slots=True)
class _Case:
    """What was found and what is to be done about it."""

    root: str
    findings: tuple[Finding, ...]
    """Of files and history together."""
    historic: tuple[Finding, ...]
    """The same keys, with their places in history only."""
    coverage: Coverage
    rulebook: Rulebook


def fix(options: FixOptions, console: Console) -> ExitCode:
    """Say what to do about the keys of a repository, and rewrite it where that is asked for.

    Raises:
        KeyleakError: it is no repository, the report is of another one, or the rewrite could not be done.
    """
    if options.apply and options.output is None:
        raise UsageError("--apply needs --output DIR: a new folder for the backup and the rewritten clone")
    report = configured(options.report, [options.repository], Reads.HISTORY, console)
    options = replace(options, report=report)
    rulebook = checked_rulebook(options.report)
    case = _examined(options, rulebook, chosen_ids(options), console)
    if not case.findings:
        console.note("no key was found, so there is nothing to fix")
        return _without_findings(case.coverage, options)
    plan = plan_rewrite(case.root, case.historic, _holder(rulebook))
    workspace = None if options.output is None else _opened(options.output, case)
    tree = suggest_patch(case.root, case.findings, case.rulebook)
    document = _document(case, plan, tree, options, workspace)
    write_out(masked_document(document, options.form, case.findings))
    if workspace is not None and tree.text:
        workspace.write(_PATCH, tree.text)
    if workspace is not None and not options.apply:
        _write_kit(workspace, plan, document, case.findings, console)
    if workspace is None or not options.apply:
        return _code(ExitCode.FINDINGS, case.coverage, options)
    return _apply(case, plan, workspace, options, console)


def _opened(folder: str, case: _Case) -> Workspace:
    workspace = open_workspace(folder, case.root)
    # Before anything else is in it: by its state the folder is known as ours after an interruption.
    read_state(workspace, case.root, [each.id for each in case.historic]).save(workspace)
    return workspace


def _examined(options: FixOptions, rulebook: Rulebook, wanted: frozenset[str], console: Console) -> _Case:
    root = repository_root(options.repository)
    history, files = read_repository(root, Inspector(rulebook), options.report, console)
    both = Reading(history.sightings + files.sightings, history.coverage + files.coverage)
    leaks = leaks_of(both, options, console)
    if wanted:
        leaks = [each for each in leaks if not wanted.isdisjoint({each.id, each.secret.fingerprint()})]
        _check_belongs(leaks, wanted, options, console)
    if options.saved_report:
        # Our own requests, which support is to tell apart from abuse.
        answers = verifications_of_report(options.saved_report)
        leaks = [replace(each, verification=answers.get(each.id, each.verification)) for each in leaks]
    chosen = {each.secret for each in leaks}
    historic = [each for each in group_by_secret(history.sightings) if each.secret in chosen]
    return _Case(root, tuple(leaks), tuple(historic), both.coverage, rulebook)


def _check_belongs(
    found: Sequence[Finding], wanted: frozenset[str], options: FixOptions, console: Console
) -> None:
    """Whether what was asked for is here: a report of another repository must not be taken for this one's."""
    if not found:
        whose = options.saved_report or "the ids given"
        raise UsageError(
            f"{whose}: none of its findings is in {options.repository}; is it of another repository?"
        )
    missing = len(wanted) - len(found)
    if missing:
        console.note(f"{missing:,} of the findings asked for are not in {options.repository} any more")


def _holder(rulebook: Rulebook) -> Callable[[bytes], frozenset[Secret]]:
    inspector, place = Inspector(rulebook), Place(LocationKind.BLOB, None)
    return lambda content: frozenset(each.secret for each in inspector.inspect(content, place).sightings)


def _document(
    case: _Case, plan: RewritePlan, tree: TreePatch, options: FixOptions, opened: Workspace | None
) -> FixDocument:
    workspace = opened or Workspace(f"{case.root}-without-keys")
    kit = _this_command(case, options, workspace)
    runbooks = tuple(
        runbook_for(each, case.rulebook, _readers(case, each), f"{kit} --apply") for each in case.findings
    )
    if opened is None and (tree.changed or not plan.is_empty):
        begin = [Section("kit", "First: the files that the commands below name", (kit,), are_commands=True)]
    else:
        begin = []
    sections = [*begin, *_tree_sections(case.root, tree, workspace)]
    if not plan.is_empty or plan.left:
        told = describe(survey(case.root), plan)
        sections.append(Section("survey", "What a rewrite of history touches and leaves", tuple(told)))
    if not plan.is_empty:
        refs = refs_of(case.root)
        commands = rewrite_commands(case.root, workspace, plan)
        pushes = push_commands(case.root, workspace.mirror, refs, refs, plan)
        sections.append(
            Section("rewrite", "The rewrite, as `--apply` does it", tuple(commands), are_commands=True)
        )
        sections.append(
            Section("push", "Afterwards, once you have looked at it", tuple(pushes), are_commands=True)
        )
    return FixDocument(case.root, runbooks, tuple(sections))


def _this_command(case: _Case, options: FixOptions, workspace: Workspace) -> str:
    """The command that fixes the same keys with that folder."""
    told = ["keyleak", "fix", case.root, "--output", workspace.folder]
    told += (word for id_ in sorted(options.ids) for word in ("--id", id_))
    if options.saved_report is not None:
        told += ["--report", os.path.abspath(options.saved_report)]
    if options.report.config is not None:
        told += ["--config", os.path.abspath(options.report.config)]
    told += (word for each in options.report.rule_folders for word in ("--rules", os.path.abspath(each)))
    return shlex.join(told)


def _tree_sections(root: str, tree: TreePatch, workspace: Workspace) -> Iterator[Section]:
    if tree.changed:
        apply = shlex.join(["git", "-C", root, "apply", os.path.join(workspace.folder, _PATCH)])
        yield Section("patch", "A suggested patch for the files", (apply,), are_commands=True)
        yield Section("patched", "It makes these read the environment", tree.changed)
    if tree.by_hand:
        yield Section("by_hand", "Files to edit by hand", tree.by_hand)


def _readers(case: _Case, finding: Finding) -> list[Reader]:
    names = variables_of(case.rulebook.issuer(finding.issuer or ""))
    return [Reader(path, line) for path, line in mentions(case.root, names)]


def _write_kit(
    workspace: Workspace,
    plan: RewritePlan,
    document: FixDocument,
    findings: Sequence[Finding],
    console: Console,
) -> None:
    runbook = masked_document(document, DocumentFormat.MARKDOWN, findings)
    workspace.write("runbook.md", runbook.encode())
    write_kit(workspace, plan)
    for section in document.sections:
        if section.are_commands:
            workspace.write(f"{section.name}.sh", "".join(f"{line}\n" for line in section.lines).encode())
    console.note(f"{workspace.folder} holds the kit, with keys in the clear: remove it when you are done")


def _apply(
    case: _Case, plan: RewritePlan, workspace: Workspace, options: FixOptions, console: Console
) -> ExitCode:
    check_rewritable(case.root)
    program = find_filter_repo()
    if plan.is_empty:
        console.note("no ref reaches any of the keys, so there is no history to rewrite")
        return _code(ExitCode.FINDINGS, case.coverage, options)
    _confirm(workspace, options)
    state = read_state(workspace, case.root, [finding.id for finding in case.historic])
    started = time.monotonic()
    state, proof = rewrite(Rewrite(case.root, workspace, plan, program), state, console.note)
    console.note("reading the rewritten history")
    remaining, coverage = _remaining(case, workspace.mirror, options, console)
    proven = not proof.differences and not remaining
    if proven:
        state.at(Step.PROVEN).save(workspace)
    pushes = push_commands(case.root, workspace.mirror, state.refs, refs_of(workspace.mirror), plan)
    sections = _result(proof, remaining, pushes, time.monotonic() - started)
    document = FixDocument(case.root, (), tuple(sections))
    write_out(masked_document(document, options.form, case.findings))
    workspace.write("push.sh", "".join(f"{line}\n" for line in pushes).encode())
    console.note(f"{workspace.folder}: nothing was pushed; push.sh does it, backup.bundle has all as it was")
    if proof.differences:
        return ExitCode.INCOMPLETE
    return _code(ExitCode.FINDINGS if remaining else ExitCode.CLEAN, coverage, options)


def _confirm(workspace: Workspace, options: FixOptions) -> None:
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("--apply asks before it begins, and nobody is there to answer; --yes answers it")
    click.confirm(f"Rewrite a clone of it in {workspace.folder}? Nothing is pushed.", abort=True, err=True)


def _remaining(
    case: _Case, mirror: str, options: FixOptions, console: Console
) -> tuple[list[Finding], Coverage]:
    """Those of the keys that the result still holds."""
    history, _ = read_repository(mirror, Inspector(case.rulebook), options.report, console)
    chosen = {finding.secret for finding in case.findings}
    return [each for each in group_by_secret(history.sightings) if each.secret in chosen], history.coverage


def _result(
    proof: Proof, remaining: Sequence[Finding], pushes: Sequence[str], seconds: float
) -> list[Section]:
    lines = [
        f"{proof.refs:,} refs, all there.",
        f"{proof.commits:,} commits before and after, {proof.rewritten_commits:,} with a new id.",
        f"{len(proof.edited_blobs):,} blobs edited as planned, {len(proof.dropped_blobs):,} dropped.",
        "Every other object is the same." if not proof.differences else "Other objects differ.",
        f"{proof.signatures:,} signatures are gone; {proof.updated_hashes:,} messages name new ids.",
        f"Done in {seconds:.1f} s.",
    ]
    lines += [f"DIFFERS: {difference}" for difference in proof.differences]
    still = [
        f"STILL THERE: {finding.secret.redacted()} at {place.path or place.kind.value}"
        f" ({', '.join(place.refs[:3]) or 'no ref'})"
        for finding in remaining
        for place in finding.locations
    ]
    verdict = "Proven clean" if not (proof.differences or remaining) else "NOT clean"
    return [
        Section("proof", f"{verdict}: the rewritten history against the old one", (*lines, *still)),
        Section("push", "Now push, once you have looked at it", tuple(pushes), are_commands=True),
    ]


def _without_findings(coverage: Coverage, options: FixOptions) -> ExitCode:
    return _code(ExitCode.CLEAN, coverage, options)


def _code(code: ExitCode, coverage: Coverage, options: FixOptions) -> ExitCode:
    if not coverage.complete and not options.report.allow_incomplete:
        return ExitCode.INCOMPLETE
    return code

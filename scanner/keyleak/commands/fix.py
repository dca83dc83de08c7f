"""`keyleak fix`: what to do about leaked keys, and a history without them."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import click

from keyleak.commands.accepted_gaps import with_accepted
from keyleak.commands.fix_document import PATCH, Case, Kit, fix_document, follow_up, outcome_of
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
from keyleak.commands.working_tree import suggest_patch
from keyleak.errors import ExitCode, UsageError
from keyleak.findings import LocationKind
from keyleak.grouping import group_by_secret
from keyleak.remediation import commit_map
from keyleak.remediation.affected import Affected, affected_by
from keyleak.remediation.document import DocumentFormat, FixDocument, Section
from keyleak.remediation.fidelity import fidelity
from keyleak.remediation.filter_repo import find_filter_repo
from keyleak.remediation.instructions import published_refs
from keyleak.remediation.message import collaborators_message
from keyleak.remediation.proof import Expected, refs_of
from keyleak.remediation.proof_text import proof_section
from keyleak.remediation.rewrite_plan import plan_rewrite
from keyleak.remediation.rewriting import Rewrite, check_rewritable, rewrite, write_kit
from keyleak.remediation.workspace import Step, Workspace, open_workspace, read_state
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from keyleak.commands.console import Console
    from keyleak.coverage import Coverage
    from keyleak.findings import Finding
    from keyleak.git.signing import Signer
    from keyleak.remediation.instructions import Outcome
    from keyleak.rulebook.model import Rulebook
    from keyleak.secret import Secret


_MESSAGE: Final = "message.md"


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
    sign: bool = False
    """Whether the user's own commits and tags are signed again."""
    yes: bool = False
    form: DocumentFormat = DocumentFormat.TEXT
    report: ReportOptions = field(default_factory=ReportOptions)


def fix(options: FixOptions, console: Console) -> ExitCode:
    """Say what to do about the keys of a repository, and rewrite it where that is asked for.

    Raises:
        KeyleakError: it is no repository, the report is of another one, or the rewrite could not be done.
    """
    if options.sign and not options.apply:
        raise UsageError("--sign says how --apply writes commits; name both")
    if options.apply and options.output is None:
        raise UsageError("--apply needs --output DIR: a new folder for the backup and the rewritten clone")
    report = configured(options.report, [options.repository], Reads.HISTORY, console)
    options = replace(options, report=report)
    rulebook = checked_rulebook(options.report)
    case = _examined(options, rulebook, chosen_ids(options), console)
    if not case.findings:
        words = case.coverage.without("No key found")
        console.note(f"{words}, so there is nothing to fix" if case.coverage.complete else words)
        return _code(case.coverage, options, findings=False)
    expected = _expected(case)
    workspace = None if options.output is None else _opened(options.output, case)
    tree = suggest_patch(case.root, case.findings, case.rulebook)
    kit = _kit(case, options, workspace)
    document = fix_document(case, expected, tree, kit)
    write_out(masked_document(document, options.form, case.secrets))
    if workspace is not None and tree.text:
        workspace.write(PATCH, tree.text)
    if workspace is not None and not options.apply:
        _write_kit(workspace, expected, document, case.secrets, console)
    if workspace is None or not options.apply:
        return _code(case.coverage, options, findings=True)
    return _apply(case, expected, workspace, options, console)


def _expected(case: Case) -> Expected:
    """What a rewrite changes and loses."""
    plan = plan_rewrite(case.root, case.historic, _holder(case.rulebook))
    affected = Affected() if plan.is_empty else affected_by(case.root, plan)
    return Expected(plan, affected, fidelity(case.root, affected))


def _opened(folder: str, case: Case) -> Workspace:
    workspace = open_workspace(folder, case.root)
    # Before anything else is in it: by its state the folder is known as ours after an interruption.
    read_state(workspace, case.root, [each.id for each in case.historic]).save(workspace)
    return workspace


def _examined(options: FixOptions, rulebook: Rulebook, wanted: frozenset[str], console: Console) -> Case:
    root = repository_root(options.repository)
    history, files = read_repository(root, Inspector(rulebook), options.report, console)
    both = Reading(history.sightings + files.sightings, history.coverage + files.coverage)
    both = with_accepted(both, options.report, console, on_disk=True)
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
    secrets = frozenset(each.secret for each in both.sightings)
    return Case(root, tuple(leaks), tuple(historic), both.coverage, rulebook, secrets)


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


def _kit(case: Case, options: FixOptions, opened: Workspace | None) -> Kit:
    """The folder, and the command that fixes the same keys with that folder."""
    workspace = opened or Workspace(f"{case.root}-without-keys")
    words = ["keyleak", "fix", case.root, "--output", workspace.folder]
    words += (word for id_ in sorted(options.ids) for word in ("--id", id_))
    if options.saved_report is not None:
        words += ["--report", os.path.abspath(options.saved_report)]
    if options.report.config is not None:
        words += ["--config", os.path.abspath(options.report.config)]
    # What the repository's configuration names is read again for what it is, not as if the user named it.
    named = (each.path for each in options.report.rule_folders if each.is_named)
    words += (word for path in named for word in ("--rules", os.path.abspath(path)))
    return Kit(workspace, shlex.join(words), is_open=opened is not None)


def _write_kit(
    workspace: Workspace,
    expected: Expected,
    document: FixDocument,
    secrets: frozenset[Secret],
    console: Console,
) -> None:
    runbook = masked_document(document, DocumentFormat.MARKDOWN, secrets)
    workspace.write("runbook.md", runbook.encode())
    write_kit(workspace, expected.plan, expected.affected)
    _write_commands(workspace, document.sections)
    console.note(f"{workspace.folder} holds the kit, with keys in the clear: remove it when you are done")


def _write_commands(workspace: Workspace, sections: Iterable[Section]) -> None:
    for section in sections:
        if section.are_commands:
            workspace.write(f"{section.name}.sh", "".join(f"{line}\n" for line in section.lines).encode())


def _apply(
    case: Case, expected: Expected, workspace: Workspace, options: FixOptions, console: Console
) -> ExitCode:
    check_rewritable(case.root)
    program = find_filter_repo()
    if expected.plan.is_empty:
        console.note("no ref reaches any of the keys, so there is no history to rewrite")
        return _code(case.coverage, options, findings=True)
    signer = _signer() if options.sign else None
    _confirm(workspace, options)
    state = read_state(workspace, case.root, [finding.id for finding in case.historic])
    started = time.monotonic()
    state, proof = rewrite(Rewrite(case.root, workspace, expected, program, signer), state, console.note)
    console.note("reading the rewritten history")
    remaining, coverage = _remaining(case, workspace.mirror, options, console)
    sections = [proof_section(proof, remaining, coverage, time.monotonic() - started)]
    was_read = coverage.complete or options.report.allow_incomplete
    is_proven = was_read and not (proof.differences or remaining)
    if is_proven:
        state.at(Step.PROVEN).save(workspace)
        outcome = outcome_of(case.root, workspace, expected)
        sections += follow_up(case, outcome)
        _write_commands(workspace, sections)
        _write_message(workspace, outcome, console)
    document = FixDocument(case.root, (), tuple(sections))
    write_out(masked_document(document, options.form, case.secrets))
    if not is_proven:
        console.error(
            f"the result is not proven, so nothing says how to push it; {workspace.bundle} has all as it was"
        )
        return ExitCode.INCOMPLETE
    console.note(f"{workspace.folder}: nothing was pushed; backup.bundle has all as it was")
    return _code(case.coverage, options, findings=False)


def _write_message(workspace: Workspace, outcome: Outcome, console: Console) -> None:
    """What to send to everybody who has a clone, where anything that was published changed."""
    after = refs_of(workspace.mirror)
    published = {
        there: (outcome.before[here], after[outcome.name_of(here)])
        for there, here in published_refs(outcome).items()
    }
    if published:
        lines = collaborators_message(published, commit_map.NAME)
        workspace.write(_MESSAGE, "".join(f"{line}\n" for line in lines).encode())
        console.note(f"{workspace.folder}/{_MESSAGE} is for everybody who has a clone")


def _signer() -> Signer:
    """The user's signing key.

    Raises:
        UsageError: there is none.
    """
    from keyleak.git.signing import own_signer  # noqa: PLC0415 - hardly ever asked for

    signer = own_signer(os.environ)
    if signer is None:
        raise UsageError(
            "--sign needs user.email and user.signingKey in your own git configuration (git config --global);"
            " what a repository's configuration says of them does not count"
        )
    return signer


def _confirm(workspace: Workspace, options: FixOptions) -> None:
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("--apply asks before it begins, and nobody is there to answer; --yes answers it")
    click.confirm(f"Rewrite a clone of it in {workspace.folder}? Nothing is pushed.", abort=True, err=True)


def _remaining(
    case: Case, mirror: str, options: FixOptions, console: Console
) -> tuple[list[Finding], Coverage]:
    """Those of the keys that the result still holds."""
    history, _ = read_repository(mirror, Inspector(case.rulebook), options.report, console)
    chosen = {finding.secret for finding in case.findings}
    return [each for each in group_by_secret(history.sightings) if each.secret in chosen], history.coverage


def _code(coverage: Coverage, options: FixOptions, *, findings: bool) -> ExitCode:
    return coverage.exit_code(findings=findings, allow_incomplete=options.report.allow_incomplete)

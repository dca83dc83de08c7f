"""`keyleak config check|schema`: whether a configuration is right and still fits."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from keyleak.commands.settings import FoundConfiguration, load_baseline, own_file
from keyleak.commands.user_files import decoded, given_bytes, text_of
from keyleak.decisions.config_reader import read_leniently
from keyleak.decisions.engine import Decisions
from keyleak.decisions.entries import PathBase, saved_subject
from keyleak.decisions.path_patterns import problem_of
from keyleak.errors import ConfigError, ExitCode, RuleError
from keyleak.git.checkout import worktree_root
from keyleak.regular_file import CONFIGURATION_LIMIT, REPORT_LIMIT
from keyleak.reports.reader import read_report
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.provenance import own_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.decisions.entries import AllowEntry, SeverityEntry
    from keyleak.rulebook.model import Rulebook

_ID: Final = re.compile(r"[0-9a-f]{32}")


def check_config(file: str | None, against: str | None) -> ExitCode:
    """Read a configuration strictly, say everything that is wrong, and which entries no longer do anything.

    Args:
        file: its name; None for the one of the current checkout.
        against: a saved JSON report.

    Raises:
        ConfigError: the configuration is wrong, names a rule, issuer or file that is not there, or has a path
            that can never fit; the last of what is wrong, the others are printed before.
        UsageError: there is none.
    """
    name, content = (file, given_bytes(file, CONFIGURATION_LIMIT)) if file is not None else _here()
    said, wrong = read_leniently(decoded(content, name), name)
    if said is None:
        raise ConfigError(name, None, "has no table [tool.keyleak]")
    found = FoundConfiguration(name, said, os.path.realpath(os.path.dirname(name) or "."))
    problems = sorted((*wrong, *_problems(found)), key=lambda problem: (problem.file, problem.line or 0))
    if problems:
        for problem in problems[:-1]:
            click.echo(f"keyleak: {problem}", err=True)
        raise problems[-1]
    base = PathBase(os.path.realpath("."), found.folder)
    decisions = Decisions(said.allow, said.severities, today=datetime.now(UTC).date(), paths=base)
    for entry in decisions.expired():
        click.echo(f"{found.file}:{entry.line}: expired on {entry.expires}: {entry.criteria}")
    for gap in said.gaps:
        if gap.expired(decisions.today):
            click.echo(f"{found.file}:{gap.line}: expired on {gap.expires}: allow-gap {gap}")
    if against is not None:
        report = read_report(text_of(against, REPORT_LIMIT), against)
        subjects = [saved_subject(finding, base) for finding in report.findings]
        for stale in decisions.stale(subjects):
            click.echo(f"{found.file}:{stale.line}: stale, it matches nothing in {against}: {stale.criteria}")
    gaps = f", {len(said.gaps)} accepted gaps" if said.gaps else ""
    click.echo(
        f"{found.file}: {len(said.allow)} allow entries, {len(said.severities)} severities{gaps}: well formed"
    )
    return ExitCode.CLEAN


def show_schema() -> ExitCode:
    """Print the JSON Schema of the configuration."""
    schema = Path(__file__).parent.parent / "decisions" / "config-1.schema.json"
    click.echo(schema.read_text(encoding="utf-8"), nl=False)
    return ExitCode.CLEAN


def _here() -> tuple[str, bytes]:
    """The name and the content of the configuration of this checkout."""
    here = os.path.realpath(".")
    return own_file(worktree_root(here) or here)


def _problems(found: FoundConfiguration) -> Iterator[ConfigError | RuleError]:
    """What is wrong with a configuration that is written as it should be."""
    said = found.content
    entries: tuple[AllowEntry | SeverityEntry, ...] = (*said.allow, *said.severities)
    for entry in entries:
        if entry.criteria.path is not None and (why := problem_of(entry.criteria.path)):
            yield ConfigError(found.file, entry.line, f"path {entry.criteria.path!r} can never fit: it {why}")
        if entry.criteria.id is not None and not _ID.fullmatch(entry.criteria.id):
            reason = f"{entry.criteria.id!r} is no id of a report: 32 hexadecimal digits in lower case"
            yield ConfigError(found.file, entry.line, reason)
    for gap in said.gaps:
        if gap.path is not None and (why := problem_of(gap.path)):
            yield ConfigError(found.file, gap.line, f"path {gap.path!r} can never fit: it {why}")
    try:
        rulebook = load_rulebook((*own_folders(), *found.rule_folders))
    except (ConfigError, RuleError) as error:
        yield error
        rulebook = load_rulebook(own_folders())
    yield from _unknown_names(found, rulebook)
    if said.baseline is not None:
        try:
            load_baseline(found.path(said.baseline), found.tree)
        except ConfigError as error:
            yield error


def _unknown_names(found: FoundConfiguration, rulebook: Rulebook) -> Iterator[ConfigError]:
    rules = {rule.id for rule in rulebook.keys}
    issuers = {issuer.issuer for issuer in rulebook.issuers}
    entries: tuple[AllowEntry | SeverityEntry, ...] = (*found.content.allow, *found.content.severities)
    for entry in entries:
        if entry.criteria.rule is not None and entry.criteria.rule not in rules:
            yield ConfigError(found.file, entry.line, f"no rule is called {entry.criteria.rule!r}")
        if entry.criteria.issuer is not None and entry.criteria.issuer not in issuers:
            yield ConfigError(found.file, entry.line, f"no issuer is called {entry.criteria.issuer!r}")
    for name in found.content.issuers:
        if name not in issuers:
            yield ConfigError(found.file, None, f"issuers: no issuer is called {name!r}")

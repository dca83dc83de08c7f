"""`keyleak config check|schema`: whether a configuration is right and still fits."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyleak.commands.console import print_line
from keyleak.commands.settings import configuration_at, configuration_in, text_of
from keyleak.decisions.engine import Decisions
from keyleak.decisions.entries import PathBase, saved_subject
from keyleak.errors import ConfigError, ExitCode, UsageError
from keyleak.git.checkout import worktree_root
from keyleak.regular_file import REPORT_LIMIT
from keyleak.reports.reader import read_report
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.provenance import own_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.commands.settings import FoundConfiguration
    from keyleak.decisions.entries import AllowEntry, SeverityEntry
    from keyleak.rulebook.model import Rulebook


def check_config(file: str | None, against: str | None) -> ExitCode:
    """Read a configuration strictly and say which of its entries no longer do anything.

    Args:
        file: its name; None for the one of the current checkout.
        against: a saved JSON report.

    Raises:
        ConfigError: the configuration is wrong, or names a rule or issuer that nothing has.
        UsageError: there is none.
    """
    found = configuration_at(file) if file is not None else _here()
    said = found.content
    rulebook = load_rulebook((*own_folders(), *found.rule_folders))
    for problem in _unknown_names(found, rulebook):
        raise problem
    base = PathBase(os.path.realpath("."), found.folder)
    decisions = Decisions(said.allow, said.severities, today=datetime.now(UTC).date(), paths=base)
    for entry in decisions.expired():
        print_line(f"{found.file}:{entry.line}: expired on {entry.expires}: {entry.criteria}")
    if against is not None:
        report = read_report(text_of(against, REPORT_LIMIT), against)
        subjects = [saved_subject(finding, base) for finding in report.findings]
        for stale in decisions.stale(subjects):
            print_line(f"{found.file}:{stale.line}: stale, it matches nothing in {against}: {stale.criteria}")
    print_line(
        f"{found.file}: {len(said.allow)} allow entries, {len(said.severities)} severities: well formed"
    )
    return ExitCode.CLEAN


def show_schema() -> ExitCode:
    """Print the JSON Schema of the configuration."""
    schema = Path(__file__).parent.parent / "decisions" / "config-1.schema.json"
    click.echo(schema.read_text(encoding="utf-8"), nl=False)
    return ExitCode.CLEAN


def _here() -> FoundConfiguration:
    here = os.path.realpath(".")
    found = configuration_in(worktree_root(here) or here)
    if found is None:
        raise UsageError("no .keyleak.yaml and no [tool.keyleak] here; name the file to check")
    return found


def _unknown_names(found: FoundConfiguration, rulebook: Rulebook) -> Iterator[ConfigError]:
    rules = {rule.id for rule in rulebook.keys}
    issuers = {issuer.issuer for issuer in rulebook.issuers}
    entries: tuple[AllowEntry | SeverityEntry, ...] = (*found.content.allow, *found.content.severities)
    for entry in entries:
        if entry.criteria.rule is not None and entry.criteria.rule not in rules:
            yield ConfigError(found.file, entry.line, f"no rule is called {entry.criteria.rule!r}")
        if entry.criteria.issuer is not None and entry.criteria.issuer not in issuers:
            yield ConfigError(found.file, entry.line, f"no issuer is called {entry.criteria.issuer!r}")

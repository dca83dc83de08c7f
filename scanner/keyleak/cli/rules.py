"""Options of `keyleak rules`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keyleak.cli.options import RULES_OPTION

if TYPE_CHECKING:
    from keyleak.errors import ExitCode
    from keyleak.rulebook.provenance import RuleFolder


@click.group()
def rules() -> None:
    """See and check what keyleak looks for."""


@rules.command("list")
@click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", help="How to print them."
)
@RULES_OPTION
def rules_list(*, output: str, rule_folders: tuple[RuleFolder, ...]) -> ExitCode:
    """List every rule: its id, issuer and prefixes."""
    from keyleak.commands import rules as command  # noqa: PLC0415

    return command.list_rules(rule_folders, as_json=output == "json")


@rules.command("show")
@click.argument("name")
@RULES_OPTION
def rules_show(*, name: str, rule_folders: tuple[RuleFolder, ...]) -> ExitCode:
    """Show the issuer or the rule called NAME."""
    from keyleak.commands import rules as command  # noqa: PLC0415

    return command.show_rule(name, rule_folders)


@rules.command("check")
@RULES_OPTION
def rules_check(*, rule_folders: tuple[RuleFolder, ...]) -> ExitCode:
    """Check every rule file: its schema, its patterns, its examples and counter-examples."""
    from keyleak.commands import rules as command  # noqa: PLC0415

    return command.check_rules(rule_folders)

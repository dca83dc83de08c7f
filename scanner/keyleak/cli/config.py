"""Options of `keyleak config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keyleak.errors import ExitCode


@click.group()
def config() -> None:
    """See what the configuration says and whether it still fits."""


@config.command("check")
@click.argument("file", required=False, type=click.Path())
@click.option("--against", metavar="REPORT.json", help="Say which entries match nothing in this report.")
def config_check(*, file: str | None, against: str | None) -> ExitCode:
    """Read FILE strictly, or the configuration of the current checkout.

    Entries that have expired are named, and with --against those that match nothing in a saved report.
    """
    from keyleak.commands import config as command  # noqa: PLC0415 - each command imports only what it needs

    return command.check_config(file, against)


@config.command("schema")
def config_schema() -> ExitCode:
    """Print the JSON Schema of .keyleak.yaml, for editors."""
    from keyleak.commands import config as command  # noqa: PLC0415

    return command.show_schema()

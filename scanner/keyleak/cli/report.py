"""Options of `keyleak report`."""

from __future__ import annotations

import click

from keyleak.errors import ExitCode


@click.command()
@click.option("--schema", is_flag=True, required=True, help="Print the JSON Schema of the JSON report.")
def report(*, schema: bool) -> ExitCode:
    """Print the JSON Schema that every JSON report follows."""
    from keyleak.reports import json  # noqa: PLC0415

    if schema:
        click.echo(json.schema(), nl=False)
    return ExitCode.CLEAN

"""Options of `keyleak report`."""

from __future__ import annotations

import click

from keyleak.cli.options import COLOUR_OPTION, FORMAT_OPTION, RULES_OPTION, SHOW_SECRETS_OPTIONS
from keyleak.errors import ExitCode, UsageError


@click.command()
@click.argument("file", required=False, metavar="REPORT.json", type=click.Path())
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the JSON report and do nothing else.")
@FORMAT_OPTION
@RULES_OPTION
@COLOUR_OPTION
@SHOW_SECRETS_OPTIONS[0]
@SHOW_SECRETS_OPTIONS[1]
def report(
    *,
    file: str | None,
    schema: bool,
    formats: tuple[str, ...],
    rule_folders: tuple[str, ...],
    **shown: bool | str,
) -> ExitCode:
    """Render a saved JSON report in other formats; - is standard input.

    \b
    keyleak report report.json
    keyleak report report.json --format html:report.html --format sarif:report.sarif

    Exits 0 when it is rendered, whatever the report says, and 2 when the file is no report of this version.
    """  # noqa: D301 - click takes the character \b, not the two
    if schema:
        from keyleak.reports import json  # noqa: PLC0415

        click.echo(json.schema(), nl=False)
        return ExitCode.CLEAN
    if file is None:
        raise UsageError("name a JSON report, or ask for --schema; see 'keyleak report --help'")
    from keyleak.commands import report as command  # noqa: PLC0415
    from keyleak.commands.destinations import DeliveryOptions, parse_destinations  # noqa: PLC0415

    options = DeliveryOptions(
        parse_destinations(formats),
        str(shown["colour"]),
        show_secrets=bool(shown["show_secrets"]),
        yes_show_secrets=bool(shown["yes_show_secrets"]),
    )
    return command.report(file, options, rule_folders)

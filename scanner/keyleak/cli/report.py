"""Options of `keyleak report`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keyleak.cli.options import COLOUR_OPTION, FORMAT_OPTION, RULES_OPTION, SHOW_SECRETS_OPTIONS
from keyleak.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from keyleak.rulebook.provenance import RuleFolder


class _ReportCommand(click.Group):
    """`report diff OLD NEW` and, for everything else, `report FILE`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """See `click.Command`; the context of the command that the first word asks for."""
        if args[:1] == ["diff"]:
            return super().make_context(info_name, args, parent, **extra)
        return render.make_context(info_name, args, parent, **extra)


@click.group(cls=_ReportCommand)
def report() -> None:
    """Render a saved JSON report in other formats, or compare two."""


@report.command()
@click.argument("old", type=click.Path())
@click.argument("new", type=click.Path())
@click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", help="How to tell it."
)
@click.option(
    "--allow-incomplete", is_flag=True, help="Exit 0 or 1 even if one of the scans could not read everything."
)
def diff(*, old: str, new: str, output: str, allow_incomplete: bool) -> ExitCode:
    """Compare the JSON reports OLD and NEW: keys that are new, gone, or only moved.

    Keys are told by their ids, which need the same baseline, or none, in both scans. Exits 1 if a key that
    counts is new, 2 if a report cannot be used or a scan did not read everything.
    """
    from keyleak.commands import report as command  # noqa: PLC0415

    return command.diff(old, new, as_json=output == "json", allow_incomplete=allow_incomplete)


@click.command()
@click.argument("file", required=False, metavar="REPORT.json", type=click.Path())
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the JSON report and do nothing else.")
@click.option(
    "--commit-map", metavar="CSV", help="Name commits by their new ids: commit-map.csv of `keyleak fix`."
)
@FORMAT_OPTION
@RULES_OPTION
@COLOUR_OPTION
@SHOW_SECRETS_OPTIONS[0]
@SHOW_SECRETS_OPTIONS[1]
def render(
    *,
    file: str | None,
    schema: bool,
    commit_map: str | None,
    formats: tuple[str, ...],
    rule_folders: tuple[RuleFolder, ...],
    **shown: bool | str,
) -> ExitCode:
    """Render a saved JSON report in other formats; - is standard input.

    \b
    keyleak report report.json
    keyleak report report.json --format html:report.html --format sarif:report.sarif
    keyleak report diff old.json new.json

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
    return command.report(file, options, rule_folders, commit_map)

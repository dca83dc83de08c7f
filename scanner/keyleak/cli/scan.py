"""Options of `keyleak scan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keyleak.cli.options import EXIT_CODES, with_report_options

if TYPE_CHECKING:
    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.errors import ExitCode


@click.command(epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option(
    "--ignored/--no-ignored",
    default=True,
    help="Read files that git ignores (keys there are notes), or leave them out.",
)
@click.option(
    "--agents",
    is_flag=True,
    help="Read the configuration and transcripts of coding agents, of this folder and this user.",
)
@with_report_options
def scan(
    *, paths: tuple[str, ...], ignored: bool, agents: bool, options: ReportOptions, console: Console
) -> ExitCode:
    """Look for keys in files and folders; - is standard input.

    Without PATH the current folder is scanned. Every file is read by content, whatever its name: lockfiles,
    node_modules, images and minified code too. Symbolic links are not followed, unless one is named as
    PATH; their target text is scanned. What git keeps belongs to `keyleak history`: repositories below PATH
    are named in the report.
    """
    from keyleak.commands import scan as command  # noqa: PLC0415

    if agents:
        from keyleak.commands.agent_places import with_agent_places  # noqa: PLC0415

        paths = with_agent_places(paths, console)
    else:
        paths = paths or (".",)
    return command.scan(command.ScanOptions(paths, ignored, options), console)

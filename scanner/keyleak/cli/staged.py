"""Options of `keyleak staged`."""

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
@with_report_options
def staged(*, paths: tuple[str, ...], options: ReportOptions, console: Console) -> ExitCode:
    """Look for keys in what git commit would record.

    The staged versions count, not the files as they stand: what was added to the index or changed in it
    against HEAD. With PATH, the staged version of these files or folders, changed or not.
    """
    from keyleak.commands import staged as command  # noqa: PLC0415

    return command.staged(paths, options, console)

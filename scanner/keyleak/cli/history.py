"""Options of `keyleak history`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keyleak.cli.options import EXIT_CODES, with_report_options

if TYPE_CHECKING:
    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.errors import ExitCode


@click.command(epilog=EXIT_CODES)
@click.argument("repository", default=".", metavar="[REPO]", type=click.Path())
@with_report_options
def history(*, repository: str, options: ReportOptions, console: Console) -> ExitCode:
    """Look for keys in everything a repository holds, reachable or not.

    REPO is a folder on this machine: a work tree, a bare repository or a mirror; without it the current one.
    Every object is read once; commit and tag messages, names and addresses, notes, stashes, reflogs, names
    of refs and files, and the configuration are read too. A shallow or partial clone is not a whole view: it
    is listed, and the exit code is 2.
    """
    from keyleak.commands import history as command  # noqa: PLC0415

    return command.history(repository, options, console)

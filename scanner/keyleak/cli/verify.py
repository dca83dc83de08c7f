"""Options of `keyleak verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keyleak.cli.options import with_report_options
from keyleak.cli.verification import finite

if TYPE_CHECKING:
    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.errors import ExitCode

_EXIT_CODES = """\b
Exit codes: 0 nothing found and everything read, 1 findings, 2 usage error,
operational error or something could not be read, 3 crash, 130 interrupted.
With --expect revoked: 0 no key is accepted any more, 1 one still is, 2 not known."""


@click.command(epilog=_EXIT_CODES)
@click.argument("file", required=False, metavar="[REPORT.json]", type=click.Path())
@click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help="Read one key from standard input or the keyboard; keep it nowhere.",
)
@click.option("--expect", type=click.Choice(["revoked"]), help="Exit 0 only if no key is accepted any more.")
@click.option(
    "--watch", is_flag=True, help="With --expect revoked, which it implies: ask again until it is so."
)
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    callback=finite,
    default=30,
    metavar="SECONDS",
    help="How often, with --watch.",
)
@with_report_options
def verify(*, file: str | None, from_stdin: bool, options: ReportOptions, console: Console) -> ExitCode:
    """Ask each key's own issuer, and nobody else, whether it still works.

    A report holds no keys, so the places that REPORT.json names are read again. Without it the current folder
    is scanned. With --stdin one key is read, whose issuer the report, the name before it (FLORA_API_KEY=...)
    or --issuer tells. Each key is sent once, in one read-only request, only where the evidence names its
    issuer, and only after you agreed or with --yes.
    """
    from keyleak.commands import verify as command  # noqa: PLC0415 - each command imports only what it needs

    return command.verify(file, options, console, from_stdin=from_stdin)

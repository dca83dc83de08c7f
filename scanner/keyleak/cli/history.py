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
@click.option(
    "--range",
    "revisions",
    multiple=True,
    metavar="A..B",
    help="Only objects that these commits brought, as git names commits: main..topic, ^v1 HEAD.",
)
@click.option(
    "--since", metavar="DATE", help="Only what commits since then brought: 2026-01-31, '2 weeks ago'."
)
@click.option(
    "--refs",
    multiple=True,
    metavar="NAME|GLOB",
    help="Only what these refs reach: main, v1.0, HEAD, 'refs/heads/*'. Can be given several times.",
)
@click.option("--submodules", is_flag=True, help="Read submodules too, where they are on this machine.")
@click.option(
    "--fetch-missing", is_flag=True, help="Ask the remote of a partial clone for the objects it lacks."
)
@click.option("--no-cache", is_flag=True, help="Read everything anew, and keep nothing for the next time.")
@with_report_options
def history(  # noqa: PLR0913 - one parameter for each option
    *,
    repository: str,
    revisions: tuple[str, ...],
    since: str | None,
    refs: tuple[str, ...],
    submodules: bool,
    fetch_missing: bool,
    no_cache: bool,
    options: ReportOptions,
    console: Console,
) -> ExitCode:
    """Look for keys in everything a repository holds, reachable or not.

    REPO is a folder on this machine: a work tree, a bare repository or a mirror; without it the current one.
    A URL is cloned, with all refs that its server offers, into a private folder that is removed afterwards.
    Every object is read once; commit and tag messages, names and addresses, notes, stashes, reflogs, names
    of refs and files, the index and the files of the git folder are read too. What keeps the view from being
    whole, such as a shallow or partial clone, is listed, and the exit code is 2.
    """
    from keyleak.commands import history as command  # noqa: PLC0415 - each command imports only what it needs
    from keyleak.git.scope import Scope  # noqa: PLC0415

    if not all(text.strip() for text in revisions):
        raise click.BadParameter("it is empty; write A..B", param_hint="'--range'")
    scope = Scope(tuple(part for text in revisions for part in text.split()), since, refs)
    asked = command.HistoryOptions(
        repository, scope, submodules, fetch_missing, cache=not no_cache, report=options
    )
    return command.history(asked, console)

"""Options of `keyleak fix`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keyleak.cli.options import EXIT_CODES, RULES_OPTION

if TYPE_CHECKING:
    from keyleak.errors import ExitCode


@click.command(epilog=EXIT_CODES)
@click.argument("repository", default=".", metavar="[REPO]", type=click.Path())
@click.option("--report", "saved_report", metavar="FILE", help="Fix what this JSON report found here.")
@click.option(
    "--id", "ids", multiple=True, metavar="ID", help="Fix only the finding with this id; repeatable."
)
@click.option("--output", metavar="DIR", help="A private folder for kit, backup and result; outside REPO.")
@click.option("--apply", "apply", is_flag=True, help="Rewrite a fresh clone in DIR and prove it clean.")
@click.option("--in-place-check", is_flag=True, help="Clone the remote anew and name what still holds keys.")
@click.option("--remote", metavar="URL", help="The remote for --in-place-check; that of REPO without it.")
@click.option("--yes", is_flag=True, help="Do not ask before --apply begins.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    help="How the runbook is written.",
)
@click.option("--config", metavar="FILE", help="Allow entries: keys in them are not fixed.")
@click.option(
    "--jobs", "-j", type=click.IntRange(min=0), default=0, help="Processes to read with; 0 for all."
)
@click.option("--allow-incomplete", is_flag=True, help="Accept what could not be read.")
@click.option("--quiet", "-q", is_flag=True, help="Only the result, and errors on standard error.")
@click.option("--no-progress", is_flag=True, help="No progress line on a terminal.")
@RULES_OPTION
def fix(  # noqa: PLR0913 - one for each option
    *,
    repository: str,
    saved_report: str | None,
    ids: tuple[str, ...],
    output: str | None,
    apply: bool,
    in_place_check: bool,
    remote: str | None,
    yes: bool,
    form: str,
    config: str | None,
    jobs: int,
    allow_incomplete: bool,
    quiet: bool,
    no_progress: bool,
    rule_folders: tuple[str, ...],
) -> ExitCode:
    """Say what to do about the keys of a repository, and make a history without them.

    Prints a runbook for each key: revoke, create, deploy, make sure, tell support, rewrite. Says which refs,
    signatures, stashes and pull requests a rewrite touches or leaves, and the exact commands for it.

    With --output DIR the kit for git filter-repo is written there, for your eyes only. With --apply a fresh
    mirror clone in DIR is rewritten, after a backup, and compared with the old history object by object.
    REPO itself is only read, and nothing is pushed. An interrupted --apply goes on when it is called again.
    """
    from keyleak.commands import fix as command  # noqa: PLC0415
    from keyleak.commands.console import Console  # noqa: PLC0415
    from keyleak.commands.options import ReportOptions  # noqa: PLC0415
    from keyleak.remediation.document import DocumentFormat  # noqa: PLC0415

    options = command.FixOptions(
        repository=repository,
        saved_report=saved_report,
        ids=frozenset(ids),
        output=output,
        apply=apply,
        remote=remote,
        yes=yes,
        form=DocumentFormat(form),
        report=ReportOptions(
            rule_folders=rule_folders, config=config, jobs=jobs, allow_incomplete=allow_incomplete
        ),
    )
    console = Console(quiet=quiet, show_progress=not no_progress)
    if in_place_check:
        from keyleak.commands.in_place import check_in_place  # noqa: PLC0415

        return check_in_place(options, console)
    return command.fix(options, console)

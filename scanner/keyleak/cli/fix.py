"""Options of `keyleak fix`."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import click

from keyleak.cli.options import EXIT_CODES, RULES_OPTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyleak.commands.console import Console
    from keyleak.commands.fix import FixOptions
    from keyleak.errors import ExitCode


def _as_record(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Hand the options over as one `FixOptions` and a console."""

    @functools.wraps(command)
    def with_record(**values: Any) -> ExitCode:
        from keyleak.commands.console import Console  # noqa: PLC0415 - each command imports only what it needs
        from keyleak.commands.fix import FixOptions  # noqa: PLC0415
        from keyleak.commands.options import ReportOptions  # noqa: PLC0415
        from keyleak.remediation.document import DocumentFormat  # noqa: PLC0415

        console = Console(quiet=values.pop("quiet"), show_progress=not values.pop("no_progress"))
        check, undo, guard = values.pop("in_place_check"), values.pop("undo"), values.pop("guard")
        report = ReportOptions(
            rule_folders=values.pop("rule_folders"),
            config=values.pop("config"),
            jobs=values.pop("jobs"),
            allow_incomplete=values.pop("allow_incomplete"),
        )
        ids, form = frozenset(values.pop("ids")), DocumentFormat(values.pop("form"))
        options = FixOptions(**values, ids=ids, form=form, report=report)
        return command(options=options, console=console, in_place_check=check, undo=undo, guard=guard)

    return with_record


@click.command(epilog=EXIT_CODES)
@click.argument("repository", default=".", metavar="[REPO]", type=click.Path())
@click.option("--report", "saved_report", metavar="FILE", help="Fix what this JSON report found here.")
@click.option(
    "--id", "ids", multiple=True, metavar="ID", help="Fix only the finding with this id; repeatable."
)
@click.option("--output", metavar="DIR", help="A private folder for kit, backup and result; outside REPO.")
@click.option("--apply", "apply", is_flag=True, help="Rewrite a fresh clone in DIR and prove it clean.")
@click.option(
    "--sign", is_flag=True, help="With --apply: sign your own commits and tags again, with your key."
)
@click.option("--in-place-check", is_flag=True, help="Clone the remote anew and name what still holds keys.")
@click.option("--remote", metavar="URL", help="The remote for --in-place-check; that of REPO without it.")
@click.option("--undo", is_flag=True, help="Restore the backup in DIR and print how to bring it back.")
@click.option(
    "--guard",
    metavar="MAP",
    help="Refuse commits of a rewritten history; MAP is its commit-map.csv. Works as pre-receive hook.",
)
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
@_as_record
def fix(
    *, options: FixOptions, console: Console, in_place_check: bool, undo: bool, guard: str | None
) -> ExitCode:
    """Say what to do about the keys of a repository, and make a history without them.

    Prints how far each key got, and a runbook that fits: a key that was published is revoked first, one
    that was never pushed is taken out of the commits that hold it. Says which commits get a new id (those
    that hold a key, and their descendants), what a rewrite loses, and the exact commands for it.

    With --output DIR the kit for git filter-repo is written there, for your eyes only. With --apply a fresh
    mirror clone in DIR is rewritten, after a backup, and compared with the old history object by object.
    Only if that proves it clean are there commands to take it over and to push it, commit-map.csv with the
    old and new ids, and message.md for everybody who has a clone. REPO itself is only read, and nothing is
    pushed. An interrupted --apply continues when it is called again.
    """
    if guard is not None:
        from keyleak.commands import fix_guard  # noqa: PLC0415

        return fix_guard.guard(options.repository, guard, os.environ)
    if undo:
        from keyleak.commands import fix_undo  # noqa: PLC0415

        return fix_undo.undo(options, console)
    if in_place_check:
        from keyleak.commands.in_place import check_in_place  # noqa: PLC0415

        return check_in_place(options, console)
    from keyleak.commands import fix as command  # noqa: PLC0415

    return command.fix(options, console)

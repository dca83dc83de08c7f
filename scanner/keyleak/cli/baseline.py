"""Options of `keyleak baseline`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keyleak.cli.options import DECISION_OPTIONS, RULES_OPTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyleak.commands.baseline import BaselineOptions
    from keyleak.commands.console import Console
    from keyleak.errors import ExitCode

_PATHS = click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
_FILES = click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
_OPTIONS = (
    click.option("--history", is_flag=True, help="Everything the repository holds, beside its files."),
    *DECISION_OPTIONS,
    RULES_OPTION,
    click.option("--jobs", type=click.IntRange(min=0), default=0, help="Processes to read with."),
    click.option("--allow-incomplete", is_flag=True, help="Go on although something could not be read."),
    click.option("--quiet", "-q", is_flag=True, help="Only the result, and errors on standard error."),
    click.option("--no-progress", is_flag=True, help="No progress line on a terminal."),
)


def _with_options(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def baseline() -> None:
    """Keep a list of the keys that are known already, so that only new ones count.

    The file .keyleak-baseline.json holds fingerprints under a random key: no keys, lines, dates or paths.
    Moving code changes nothing in it, and branches that add to it merge.
    """


@baseline.command("create")
@_PATHS
@_with_options
def baseline_create(**values: Any) -> ExitCode:
    """Take everything that is found now as known."""
    from keyleak.commands import baseline as command  # noqa: PLC0415 - each command imports only what it needs

    return command.create(*_asked(values))


@baseline.command("update")
@_PATHS
@_with_options
def baseline_update(**values: Any) -> ExitCode:
    """Add what is new, and take out what is found nowhere any more.

    With PATH nothing is taken out. A baseline made with --history is updated from history too.
    """
    from keyleak.commands import baseline as command  # noqa: PLC0415

    return command.update(*_asked(values))


@baseline.command("check")
@_PATHS
@_with_options
def baseline_check(**values: Any) -> ExitCode:
    """Say what is found that the baseline lacks (exit code 1) and what it holds for nothing."""
    from keyleak.commands import baseline as command  # noqa: PLC0415

    return command.check(*_asked(values))


@baseline.command("import")
@_FILES
@_with_options
def baseline_import(*, files: tuple[str, ...], **values: Any) -> ExitCode:
    """Take over what other scanners ignore: .gitleaksignore, and .secrets.baseline of detect-secrets.

    Their entries name places or hashes. A scan tells which keys they mean; those go into the baseline, and
    what means nothing any more is listed as dead. Entries that name a commit have history read too.
    """
    from keyleak.commands import baseline as command  # noqa: PLC0415

    return command.take_over(files, *_asked({"paths": (), **values}))


def _asked(values: dict[str, Any]) -> tuple[BaselineOptions, Console]:
    from keyleak.commands.baseline import BaselineOptions  # noqa: PLC0415
    from keyleak.commands.console import Console  # noqa: PLC0415
    from keyleak.commands.options import ReportOptions  # noqa: PLC0415

    console = Console(quiet=values.pop("quiet"), show_progress=not values.pop("no_progress"))
    paths, history = values.pop("paths"), values.pop("history")
    return BaselineOptions(paths, history, ReportOptions(**values)), console

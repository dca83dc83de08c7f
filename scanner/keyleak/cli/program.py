"""The `keyleak` program: which commands there are, one call, an exit code."""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

import click

from keyleak._version import __version__
from keyleak.cli.options import EXIT_CODES
from keyleak.error_handler import exit_code_of
from keyleak.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Each command stands in a module of its name, which is loaded only where the command is called or listed.
_COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "scan": "keyleak.cli.scan",
        "staged": "keyleak.cli.staged",
        "history": "keyleak.cli.history",
        "verify": "keyleak.cli.verify",
        "fix": "keyleak.cli.fix",
        "report": "keyleak.cli.report",
        "hook": "keyleak.cli.hook",
        "baseline": "keyleak.cli.baseline",
        "config": "keyleak.cli.config",
        "rules": "keyleak.cli.rules",
    }
)


class CommandsOnDemand(click.Group):
    """The commands, in the order of a first acquaintance, each loaded when it is needed."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """See `click.Group`."""
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See `click.Group`."""
        if cmd_name not in _COMMANDS:
            return None
        return cast("click.Command", getattr(importlib.import_module(_COMMANDS[cmd_name]), cmd_name))


@click.group(
    cls=CommandsOnDemand, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES
)
@click.version_option(__version__, prog_name="keyleak", message="%(prog)s %(version)s")
def cli() -> None:
    """Find leaked sk_live_ and sk_test_ keys and say whose they are.

    \b
    Look through the current folder:      keyleak scan
    Everything a repository ever held:    keyleak history
    Look through what a program prints:   make deploy 2>&1 | keyleak scan -
    A report for a machine and for you:   keyleak scan --format text --format json:report.json

    Nothing is sent anywhere but by `keyleak verify` and --verify, after asking you. Reports
    show at most four characters of a key beyond its prefix.
    """  # noqa: D301 - click takes the character \b, not the two


def main(argv: Sequence[str] | None = None) -> int:
    """Run keyleak.

    Args:
        argv: arguments, those of the process where None.

    Returns:
        The exit code (see `keyleak.errors.ExitCode`).
    """
    return int(exit_code_of(lambda: _called(argv)))


def _called(argv: Sequence[str] | None) -> object:
    """What the command gave, with the exceptions of the library turned into ours."""
    try:
        return cli.main(args=argv, prog_name="keyleak", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ExitCode(ended.exit_code)
    except SystemExit:
        # The library ends so where nobody reads its help any more.
        return ExitCode.CLEAN
    except click.Abort as error:
        # The library makes one of every interruption, and of an end of input instead of an answer.
        cause = error.__cause__ or error.__context__
        raise cause if isinstance(cause, KeyboardInterrupt) else KeyboardInterrupt from error
    except click.ClickException as error:
        raise UsageError(_words(error)) from error


def _words(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{error.format_message()} Try '{error.ctx.command_path} --help'."
    return error.format_message()

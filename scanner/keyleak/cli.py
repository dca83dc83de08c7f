"""The command line: options to plain values, one call, an exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import click

from keyleak._version import __version__
from keyleak.error_handler import exit_code_of
from keyleak.errors import ExitCode
from keyleak.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPILOG = """\b
Exit codes: 0 nothing found and everything read, 1 findings, 2 usage error,
operational error or something could not be read, 3 crash, 130 interrupted."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="keyleak", message="%(prog)s %(version)s")
def cli() -> None:
    r"""Find leaked sk_live_ and sk_test_ keys and say whose they are.

    \b
    Look through the current folder:      keyleak scan
    Look through what a program prints:   make deploy 2>&1 | keyleak scan -
    A report for a machine and for you:   keyleak scan --format text --format json:report.json

    Nothing is sent anywhere. Reports show at most four characters of a key beyond its prefix.
    """


@cli.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option(
    "--format", "formats", multiple=True, metavar="FORMAT[:FILE]",
    help="text (the default) or json, to standard output or to FILE. Can be given several times.",
)  # fmt: skip
@click.option(
    "--config", metavar="FILE", help="Configuration with allow entries. None is read unless it is named here."
)
@click.option(
    "--rules",
    "rule_folders",
    multiple=True,
    metavar="DIR",
    help="Folder with rule files to add to the built-in ones.",
)
@click.option(
    "--issuer",
    "issuers",
    multiple=True,
    metavar="NAME",
    help="Report only keys that are or may be of this issuer.",
)
@click.option(
    "--min-severity", type=click.Choice([severity.value for severity in Severity]), default="note",
    help="Leave less severe findings out of the report.",
)  # fmt: skip
@click.option(
    "--jobs",
    type=click.IntRange(min=0),
    default=0,
    help="Processes to read with; 0 (the default) for one per processor.",
)
@click.option(
    "--ignored/--no-ignored",
    default=True,
    help="Read files that git ignores (keys there are notes), or leave them out.",
)
@click.option("--show-secrets", is_flag=True, help="Show keys in the clear, on a terminal only.")
@click.option(
    "--yes-show-secrets", is_flag=True, help="With --show-secrets: write them to files and pipes too."
)
@click.option(
    "--allow-incomplete",
    is_flag=True,
    help="Exit 0 or 1 even if something could not be read; it is still listed.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 in spite of findings. Errors and gaps still count.")
@click.option(
    "--color",
    "colour",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colours in the text report; auto honours NO_COLOR.",
)
@click.option("--quiet", "-q", is_flag=True, help="Only the report, and errors on standard error.")
@click.option("--no-progress", is_flag=True, help="No progress line on a terminal.")
def scan(  # noqa: PLR0913 - one parameter for each option
    *,
    paths: tuple[str, ...],
    formats: tuple[str, ...],
    config: str | None,
    rule_folders: tuple[str, ...],
    issuers: tuple[str, ...],
    min_severity: str,
    jobs: int,
    ignored: bool,
    show_secrets: bool,
    yes_show_secrets: bool,
    allow_incomplete: bool,
    exit_zero: bool,
    colour: str,
    quiet: bool,
    no_progress: bool,
) -> ExitCode:
    """Look for keys in files and folders; - is standard input.

    Without PATH the current folder is scanned. Every file is read by content, whatever its name: lockfiles,
    node_modules, images and minified code too. Symbolic links are not followed, unless one is named as
    PATH; their target text is scanned. The .git folder belongs to `keyleak history`.
    """
    from keyleak.commands import scan as command  # noqa: PLC0415 - each command imports only what it needs
    from keyleak.commands.console import Console  # noqa: PLC0415
    from keyleak.commands.destinations import DeliveryOptions, parse_destinations  # noqa: PLC0415

    delivery = DeliveryOptions(parse_destinations(formats), colour, show_secrets, yes_show_secrets)
    options = command.ScanOptions(
        paths=paths or (".",),
        rule_folders=rule_folders,
        config=config,
        issuers=frozenset(issuers),
        min_severity=Severity(min_severity),
        jobs=jobs,
        ignored=ignored,
        allow_incomplete=allow_incomplete,
        exit_zero=exit_zero,
        delivery=delivery,
    )
    return command.scan(options, Console(quiet=quiet, show_progress=not no_progress))


@cli.command()
@click.option("--schema", is_flag=True, required=True, help="Print the JSON Schema of the JSON report.")
def report(*, schema: bool) -> ExitCode:
    """Print the JSON Schema that every JSON report follows."""
    from keyleak.reports import json  # noqa: PLC0415

    if schema:
        click.echo(json.schema(), nl=False)
    return ExitCode.CLEAN


@cli.group()
def rules() -> None:
    """See and check what keyleak looks for."""


_RULES_OPTION = click.option(
    "--rules",
    "rule_folders",
    multiple=True,
    metavar="DIR",
    help="Folder with rule files to add to the built-in ones.",
)


@rules.command("list")
@click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", help="How to print them."
)
@_RULES_OPTION
def rules_list(*, output: str, rule_folders: tuple[str, ...]) -> ExitCode:
    """List every rule: its id, issuer and prefixes."""
    from keyleak.commands import rules as command  # noqa: PLC0415

    return command.list_rules(rule_folders, as_json=output == "json")


@rules.command("show")
@click.argument("name")
@_RULES_OPTION
def rules_show(*, name: str, rule_folders: tuple[str, ...]) -> ExitCode:
    """Show the issuer or the rule called NAME."""
    from keyleak.commands import rules as command  # noqa: PLC0415

    return command.show_rule(name, rule_folders)


@rules.command("check")
@_RULES_OPTION
def rules_check(*, rule_folders: tuple[str, ...]) -> ExitCode:
    """Check every rule file: its schema, its patterns, its examples and counter-examples."""
    from keyleak.commands import rules as command  # noqa: PLC0415

    return command.check_rules(rule_folders)


def main(argv: Sequence[str] | None = None) -> int:
    """Run keyleak.

    Args:
        argv: arguments, those of the process where None.

    Returns:
        The exit code (see `keyleak.errors.ExitCode`).
    """
    return int(exit_code_of(lambda: cli.main(args=argv, prog_name="keyleak", standalone_mode=False)))


def run() -> NoReturn:
    """The `keyleak` program: `main`, then out without taking the interpreter apart.

    Freeing every module takes as long as importing several of them, and a hook pays for it at each commit.
    By now all files are closed and all processes ended; only the standard streams may still hold something.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)

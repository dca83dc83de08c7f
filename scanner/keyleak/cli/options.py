"""The options that every scanning command has."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import click

from keyleak.cli.verification import VERIFICATION_OPTIONS, taken_verification_options
from keyleak.findings import Severity
from keyleak.rulebook.provenance import named_folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyleak.errors import ExitCode
    from keyleak.rulebook.provenance import RuleFolder

EXIT_CODES: Final = """\b
Exit codes: 0 nothing found and everything read, 1 findings, 2 usage error,
operational error or something could not be read, 3 crash, 130 interrupted."""


def _rule_folders(
    _context: click.Context, _option: click.Parameter, named: tuple[str, ...]
) -> tuple[RuleFolder, ...]:
    return named_folders(named)


RULES_OPTION: Final = click.option(
    "--rules",
    "rule_folders",
    multiple=True,
    metavar="DIR",
    callback=_rule_folders,
    help="Folder with rule files that you trust, to add to the built-in ones: they may say where keys go.",
)

FORMAT_OPTION: Final = click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[:FILE]",
    help="How to report, to standard output or to FILE: text (the default), json, sarif, html, markdown, "
    "github, junit, csv or gitleaks (as it writes JSON). Can be given several times.",
)

COLOUR_OPTION: Final = click.option(
    "--color",
    "colour",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colours in the text report; auto honours NO_COLOR.",
)

SHOW_SECRETS_OPTIONS: Final = (
    click.option("--show-secrets", is_flag=True, help="Show keys in the clear, on a terminal only."),
    click.option(
        "--yes-show-secrets", is_flag=True, help="With --show-secrets: write them to files and pipes too."
    ),
)

DECISION_OPTIONS: Final = (
    click.option(
        "--config",
        metavar="FILE",
        help="Configuration to go by. Without it, the one of your own checkout: .keyleak.yaml, or "
        "[tool.keyleak] in pyproject.toml, at the top of the work tree you are in.",
    ),
    click.option(
        "--no-config", is_flag=True, help="Read neither configuration nor baseline of the checkout."
    ),
    click.option(
        "--baseline",
        metavar="FILE",
        help="Baseline of known keys; without it, .keyleak-baseline.json of your own checkout.",
    ),
    click.option(
        "--inline/--no-inline",
        default=None,
        help="Whether comments such as `keyleak:allow why` count. They do, except in the history of a "
        "repository that is not your own checkout.",
    ),
)

_REPORT_OPTIONS = (
    FORMAT_OPTION,
    *DECISION_OPTIONS,
    RULES_OPTION,
    click.option(
        "--issuer",
        "issuers",
        multiple=True,
        metavar="NAME",
        help="Report only keys that are or may be of this issuer.",
    ),
    click.option(
        "--min-severity",
        type=click.Choice([severity.value for severity in Severity]),
        help="Leave less severe findings out of the report.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=0),
        default=0,
        help="Processes to read with; 0 (the default) for one per processor.",
    ),
    *SHOW_SECRETS_OPTIONS,
    click.option(
        "--rotation-days",
        type=click.IntRange(min=1),
        default=90,
        help="Name keys that are older than this many days; 90 by default.",
    ),
    click.option(
        "--allow-incomplete",
        is_flag=True,
        help="Exit 0 or 1 even if something could not be read; it is still listed.",
    ),
    click.option(
        "--exit-zero", is_flag=True, help="Exit 0 in spite of findings. Errors and gaps still count."
    ),
    *VERIFICATION_OPTIONS,
    click.option(
        "--explain",
        is_flag=True,
        help="Say of every key-shaped text why it was or was not reported. Reads in one process.",
    ),
    COLOUR_OPTION,
    click.option("--quiet", "-q", is_flag=True, help="Only the report, and errors on standard error."),
    click.option("--no-progress", is_flag=True, help="No progress line on a terminal."),
)


def with_report_options(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Add the options that every scanning command has; they arrive as one `ReportOptions` and a console."""

    @functools.wraps(command)
    def with_options(**values: Any) -> ExitCode:
        from keyleak.commands.console import Console  # noqa: PLC0415 - each command imports only what it needs
        from keyleak.commands.destinations import DeliveryOptions, parse_destinations  # noqa: PLC0415
        from keyleak.commands.options import ReportOptions  # noqa: PLC0415

        delivery = DeliveryOptions(
            parse_destinations(values.pop("formats")),
            values.pop("colour"),
            values.pop("show_secrets"),
            values.pop("yes_show_secrets"),
        )
        options = ReportOptions(
            rule_folders=values.pop("rule_folders"),
            config=values.pop("config"),
            no_config=values.pop("no_config"),
            baseline=values.pop("baseline"),
            inline=values.pop("inline"),
            issuers=frozenset(values.pop("issuers")),
            min_severity=_severity(values.pop("min_severity")),
            jobs=values.pop("jobs"),
            rotation_days=values.pop("rotation_days"),
            allow_incomplete=values.pop("allow_incomplete"),
            exit_zero=values.pop("exit_zero"),
            explain=values.pop("explain"),
            delivery=delivery,
            verification=taken_verification_options(values, always=command.__name__ == "verify"),
        )
        console = Console(quiet=values.pop("quiet"), show_progress=not values.pop("no_progress"))
        return command(options=options, console=console, **values)

    for option in reversed(_REPORT_OPTIONS):
        with_options = option(with_options)
    return with_options


def _severity(value: str | None) -> Severity | None:
    return None if value is None else Severity(value)

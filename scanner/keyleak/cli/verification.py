"""The options of everything that can ask issuers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from keyleak.commands.verification_options import VerificationOptions


def finite(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """The value, unless it is `nan` or `inf`, which are in every range and mean no time.

    Raises:
        BadParameter: it is.
    """
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("is no number of seconds or requests")
    return value


VERIFICATION_OPTIONS: Final = (
    click.option(
        "--verify",
        is_flag=True,
        help="Ask each key's own issuer whether it still works, after showing what would be sent.",
    ),
    click.option("--yes", is_flag=True, help="Answer yes to every question; needed where nobody can answer."),
    click.option(
        "--endpoint",
        "endpoints",
        multiple=True,
        metavar="ISSUER=URL",
        help="Ask a test server in the issuer's place. Plain http goes to this machine only.",
    ),
    click.option(
        "--rate",
        type=click.FloatRange(min=0, min_open=True),
        callback=finite,
        help="Requests a second to an --endpoint, in place of the issuer's limit.",
    ),
    click.option(
        "--audit",
        metavar="FILE",
        help="Add lines of JSON to FILE before each request and after; never the key.",
    ),
)


def taken_verification_options(values: dict[str, Any], *, always: bool) -> VerificationOptions | None:
    """Take these options out of a command's values.

    Args:
        values: the values of all options; those of this module are removed.
        always: whether the command asks issuers without `--verify`.

    Returns:
        None where nobody is to be asked.
    """
    from keyleak.commands.verification_options import VerificationOptions  # noqa: PLC0415 - as every command

    wanted = values.pop("verify") or always
    every = values.pop("every", None)
    options = VerificationOptions(
        yes=values.pop("yes"),
        endpoints=values.pop("endpoints"),
        audit=values.pop("audit"),
        rate=values.pop("rate"),
        expect_revoked=values.pop("expect", None) is not None or values.get("watch", False),
        watch=every if values.pop("watch", False) else None,
    )
    return options if wanted else None

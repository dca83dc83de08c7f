"""Where reports go and in which format, as `--format` says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from keyleak.errors import UsageError
from keyleak.records import dataclass
from keyleak.reports.formats import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

_SYSTEM: Final = ("/dev/", "/proc/")
_STANDARD_OUTPUT: Final = 1


@dataclass(frozen=True, slots=True)
class Destination:
    """A format and where it goes."""

    format: Format
    file: str | None
    """None for standard output."""


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How reports are written."""

    destinations: tuple[Destination, ...] = (Destination(Format.TEXT, None),)
    colour: str = "auto"
    show_secrets: bool = False
    yes_show_secrets: bool = False


def parse_destinations(values: Sequence[str]) -> tuple[Destination, ...]:
    """The values of `--format`: `json`, `json:report.json`.

    Raises:
        UsageError: an unknown format, or two reports for standard output.
    """
    destinations = tuple(_destination(value) for value in values or ("text",))
    if sum(destination.file is None for destination in destinations) > 1:
        raise UsageError(
            "only one --format can go to standard output; give the others a file: --format json:FILE"
        )
    return destinations


def _destination(value: str) -> Destination:
    name, colon, file = value.partition(":")
    formats = [each.value for each in Format]
    if name not in formats:
        raise UsageError(f"--format {name!r} is none of: {', '.join(formats)}")
    if colon and not file:
        raise UsageError(f"--format {value!r}: a file name must follow the colon")
    return Destination(Format(name), None if _is_standard_output(file) else file)


def _is_standard_output(file: str) -> bool:
    """Whether a name means standard output: none, or one of the system's names for it."""
    if not file or not file.startswith(_SYSTEM):
        return not file
    from keyleak.whole_file import descriptor_of  # noqa: PLC0415 - hardly any report goes there

    return descriptor_of(file) == _STANDARD_OUTPUT


def check_show_secrets(options: DeliveryOptions) -> None:
    """Keys in the clear go to a terminal, or where the user insists.

    Raises:
        UsageError: neither is the case.
    """
    if not options.show_secrets or options.yes_show_secrets:
        return
    if any(each.file is not None for each in options.destinations) or not sys.stdout.isatty():
        raise UsageError(
            "--show-secrets writes keys in the clear, to a terminal only; add --yes-show-secrets to insist"
        )

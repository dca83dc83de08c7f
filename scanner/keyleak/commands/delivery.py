"""Reports rendered, checked for keys once more, and written to where they were asked for."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from keyleak.commands.console import wants_colour
from keyleak.errors import KeyleakError, UsageError
from keyleak.reports import json, text
from keyleak.reports.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.reports.report import Report
    from keyleak.rulebook.model import Rulebook


class Format(Enum):
    """The formats a report can be written in."""

    TEXT = "text"
    JSON = "json"


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
    return Destination(Format(name), file or None)


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


def deliver(report: Report, rulebook: Rulebook, options: DeliveryOptions) -> None:
    """Write the report to every destination; one that fails does not keep the others from theirs.

    Raises:
        KeyleakError: a destination could not be written.
        KeyInOutputError: a key was in a rendered report, which was not written.
    """
    failures = []
    for destination in options.destinations:
        rendered = _render(report, rulebook, destination, options)
        try:
            _write(rendered, destination.file)
        except BrokenPipeError:
            _forget_standard_output()
        except OSError as error:
            failures.append(f"{destination.file or 'standard output'}: {error.strerror}")
    if failures:
        raise KeyleakError(f"the report could not be written to {'; '.join(failures)}")


def _render(report: Report, rulebook: Rulebook, destination: Destination, options: DeliveryOptions) -> str:
    masker = Masker(finding.secret for finding in report.findings)
    show = options.show_secrets
    if destination.format is Format.JSON:
        rendered = json.render(report, masker, show_secrets=show)
    else:
        to_terminal = destination.file is None and sys.stdout.isatty()
        colour = wants_colour(options.colour, to_terminal=to_terminal)
        rendered = text.render(report, rulebook, masker, colour=colour, show_secrets=show)
    if not show:
        masker.check(rendered)
    return rendered


def _write(rendered: str, file: str | None) -> None:
    if file is None:
        # Text that the terminal's encoding lacks must not cost the report.
        sys.stdout.buffer.write(rendered.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
        return
    target = Path(file)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as output:
            output.write(rendered)
            output.flush()
            os.fsync(output.fileno())
        _give_usual_mode(temporary)
        Path(temporary).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def _give_usual_mode(path: str) -> None:
    """The mode a plain `open` would have given; the temporary file was made for its owner only."""
    mask = os.umask(0)
    os.umask(mask)
    Path(path).chmod(0o666 & ~mask)


def _forget_standard_output() -> None:
    """The reader went away (`keyleak scan | head`): nobody is left to tell, nor for Python to try at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)

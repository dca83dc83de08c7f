"""Reports rendered, checked for keys once more, and written to where they were asked for."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

from keyleak.commands.console import terminal_width, wants_colour
from keyleak.errors import KeyleakError
from keyleak.reports.formats import render
from keyleak.reports.masking import Masker
from keyleak.reports.presentation import USUAL_WIDTH, Presentation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.commands.destinations import DeliveryOptions, Destination
    from keyleak.reports.report import Report
    from keyleak.rulebook.model import Rulebook
    from keyleak.secret import Secret


def deliver(
    report: Report, rulebook: Rulebook, options: DeliveryOptions, secrets: Iterable[Secret] = ()
) -> None:
    """Write the report to every destination; one that fails does not keep the others from theirs.

    Args:
        report: what to write.
        rulebook: names and next steps of the issuers.
        options: formats and destinations.
        secrets: keys that were read and are not in the report: names in it may hold them.

    Raises:
        KeyleakError: a destination could not be written.
        KeyInOutputError: a key was in a rendered report, which was not written.
    """
    failures = []
    masker = Masker({*secrets, *(finding.secret for finding in report.findings)})
    for destination in options.destinations:
        rendered = _render(report, rulebook, masker, destination, options)
        try:
            write(rendered, destination.file)
        except KeyleakError as error:
            failures.append(str(error))
    if failures:
        raise KeyleakError(f"the report could not be written to {'; '.join(failures)}")


def write(rendered: str, file: str | None) -> None:
    """Write to a file, whole or not at all, to a pipe or device as it is, or to standard output where None.

    Raises:
        KeyleakError: it could not be written; an old file stands as it was.
    """
    try:
        _write(rendered, file)
    except BrokenPipeError as error:
        if file is not None:
            raise KeyleakError(f"{file}: whoever was to read it went away") from error
        _forget_standard_output()
    except OSError as error:
        raise KeyleakError(f"{file or 'standard output'}: {error.strerror}") from error


def _render(
    report: Report, rulebook: Rulebook, masker: Masker, destination: Destination, options: DeliveryOptions
) -> str:
    to_terminal = destination.file is None and sys.stdout.isatty()
    presentation = Presentation(
        rulebook,
        masker,
        show_secrets=options.show_secrets,
        colour=wants_colour(options.colour, to_terminal=to_terminal),
        width=terminal_width() if to_terminal else USUAL_WIDTH,
    )
    return render(report, destination.format, presentation)


def _write(rendered: str, file: str | None) -> None:
    if file is None:
        # Text that the terminal's encoding lacks must not cost the report.
        sys.stdout.buffer.write(rendered.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
        return
    # Most reports go to standard output.
    from keyleak.git.checkout import link_out  # noqa: PLC0415
    from keyleak.whole_file import write_whole  # noqa: PLC0415

    if (where := link_out(file)) is not None:
        raise OSError(errno.EXDEV, f"a link in this repository leads out of it; name {where} itself", file)

    write_whole(file, rendered)


def _forget_standard_output() -> None:
    """The reader went away (`keyleak scan | head`): nobody is left to tell, nor for Python to try at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)

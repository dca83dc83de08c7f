"""`keyleak verify`: are the keys of a report, of this folder, or one that is typed in still accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.commands.scan import ScanOptions, scan
from keyleak.errors import UsageError

if TYPE_CHECKING:
    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.errors import ExitCode


def verify(file: str | None, options: ReportOptions, console: Console, *, from_stdin: bool) -> ExitCode:
    """Find the keys, ask, report.

    Args:
        file: a JSON report whose places are read again; None scans the current folder.
        options: what every scan can be asked for, verification included.
        console: where words go.
        from_stdin: read one key from standard input instead.

    Raises:
        KeyleakError: the keys could not be read, or the report not be written.
    """
    if from_stdin or file is not None:
        raise UsageError("not there yet")
    return scan(ScanOptions(report=options), console)

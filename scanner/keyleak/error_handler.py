"""The one place that turns exceptions into exit codes and words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from keyleak._version import __version__
from keyleak.errors import ExitCode, KeyleakError
from keyleak.key_shapes import masked_message
from keyleak.terminal import printable, without_commands
from keyleak.termination import signal_of

if TYPE_CHECKING:
    from collections.abc import Callable


def exit_code_of(run: Callable[[], object]) -> ExitCode:
    """Run something and say how it ended; no exception leaves this.

    An expected error is one line on standard error. Anything else is a crash, reported with the places in
    keyleak's code it went through, without values, so that the report is safe to paste.
    """
    try:
        result = run()
    except KeyboardInterrupt as interruption:
        number = signal_of(interruption)
        _say("interrupted" if number == ExitCode.INTERRUPTED - 128 else f"ended by signal {number}")
        return ExitCode.after(number)
    except KeyleakError as error:
        _say(str(error))
        return ExitCode.INCOMPLETE
    except Exception as error:  # noqa: BLE001 - the last resort, and it reports
        _say_crash(error)
        return ExitCode.CRASH
    return result if isinstance(result, ExitCode) else ExitCode.CLEAN


def _say(text: str) -> None:
    _print(f"keyleak: {printable(masked_message(text.replace(chr(10), ' ')))}")


def _say_crash(error: Exception) -> None:
    # Only a crash needs them, and they take as long as a small scan to import.
    import platform  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    places = [
        f"  {frame.name} ({frame.filename.rpartition('keyleak/')[2]}:{frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    lines = [
        f"keyleak {__version__} crashed; this is a defect. Nothing is known to be clean.",
        "Please report the lines below; they hold no content of what was scanned.",
        f"  {type(error).__name__} on {machine}",
        *places,
    ]
    _print("\n".join(lines))


def _print(text: str) -> None:
    try:
        plain = without_commands(text.encode("ascii", "backslashreplace").decode())
        print(plain, file=sys.stderr)  # noqa: T201
    except BrokenPipeError:
        # Nobody reads standard error; the exit code still says what happened.
        return

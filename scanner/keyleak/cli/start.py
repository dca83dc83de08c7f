"""The start of `keyleak`: a first look at a commit, else the command line.

A hook runs at every commit, and nearly every commit is clean: `start` lets `commands/glance.py` look first
and loads the command line only where that has not settled it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from keyleak.process_limits import leave_no_core

if TYPE_CHECKING:
    from keyleak.git.index import Listed


def start() -> NoReturn:
    """The `keyleak` program: the command line, then out without taking the interpreter apart.

    Freeing every module takes as long as importing several of them, and a hook pays for it at each commit.
    By now all files are closed and all processes ended; only the standard streams may still hold something.
    """
    leave_no_core()
    _open_closed_streams()
    clean, seen = _glance()
    code = 0 if clean else _command_line(seen)
    for stream in (sys.stdout, sys.stderr):
        # Where a stream was closed before the start, there is none.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _open_closed_streams() -> None:
    """Standard streams that whoever started this closed (`>&-`) lead nowhere.

    The next file that is opened would be one of them else, and be written to. Reading stays an error, for
    nothing was read; whoever closed standard output wants the exit code alone.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY)  # the lowest free number, which is this one
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - to the end


def _glance() -> tuple[bool, Listed | None]:
    """Whether a glance settled it, and what it listed."""
    arguments = sys.argv[1:]
    if arguments[:1] not in (["staged"], ["hook"]):
        return False, None
    from keyleak.commands.glance import glance  # noqa: PLC0415 - other commands do not need it

    clean, listed = glance(arguments, os.environ)
    if clean is not None:
        with suppress(OSError, ValueError):  # nobody reads it, and the commit is clean all the same
            print(clean, flush=True)  # noqa: T201
    return clean is not None, listed


def _command_line(seen: Listed | None) -> int:
    from keyleak.cli.plain import plain_command  # noqa: PLC0415 - not where a glance was enough
    from keyleak.termination import raise_on_termination  # noqa: PLC0415

    raise_on_termination()

    command = plain_command(sys.argv[1:], seen)
    if command is not None:
        from keyleak.error_handler import exit_code_of  # noqa: PLC0415

        return int(exit_code_of(command))
    from keyleak.cli.program import main  # noqa: PLC0415 - see the module's text

    return main()

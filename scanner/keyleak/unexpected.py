"""Exceptions that nobody foresaw: each costs the one input that raised it, which is listed as not read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

from keyleak.resources import code_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")
_PREFIX: Final = "could not be examined: "


def contained(work: Callable[[], _Result], failed: Callable[[str], _Result]) -> _Result:
    """The result of looking at one input; where it raises, what stands for an input that was not read.

    This is the only place that catches every exception while inputs are read. Interruptions pass through.

    Args:
        work: looks at one file, object, archive member or manifest.
        failed: makes the result from the reason, which holds nothing of the input.
    """
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - one bad input must not cost the others; it is listed
        return failed(reason_of(error))


def reason_of(error: Exception) -> str:
    """Why an input could not be examined: the kind of exception and where it was raised.

    The exception's own message is left out, for it may quote the input.
    """
    where = f"{type(error).__name__} at {_innermost(error)}"
    if isinstance(error, OSError) and error.errno:
        return f"{_PREFIX}{os.strerror(error.errno)} ({where})"
    if isinstance(error, MemoryError):
        return f"{_PREFIX}there is not enough memory ({where})"
    if isinstance(error, RecursionError):
        return f"{_PREFIX}it is nested too deeply ({where})"
    return f"{_PREFIX}a defect of keyleak, please report this line: {where}"


def is_unexpected(reason: str) -> bool:
    """Whether `reason_of` made a gap's reason."""
    return reason.startswith(_PREFIX)


def _innermost(error: Exception) -> str:
    """The last line of keyleak's own code that the exception went through: `sources/opening.py:101`."""
    folder, found = code_folder(), "an unknown line"
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(folder):
            found = f"{file[len(folder) + 1 :]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found

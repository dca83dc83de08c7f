"""Signals that end a run as Ctrl-C does: what was begun is tidied up, and what was learnt is reported."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask a program to end."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived.

    Attributes:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


def interruption_by(number: int) -> KeyboardInterrupt:
    """The exception for a signal."""
    return KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)


def signal_of(interruption: KeyboardInterrupt) -> int:
    """The signal that an exception stands for."""
    return interruption.number if isinstance(interruption, Terminated) else signal.SIGINT


def handled_signals() -> tuple[int, ...]:
    """Those of the signals that this process was not started to ignore, as `nohup` does."""
    return tuple(number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN)


def raise_on_termination() -> None:
    """Have SIGTERM and SIGHUP raise `Terminated` in the main thread, once."""
    for number in handled_signals():
        if number != signal.SIGINT:
            signal.signal(number, _raise)


def _raise(number: int, _frame: FrameType | None) -> None:
    # Whoever sends them sends several; a second one must not stop the tidying up.
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Terminated(number)

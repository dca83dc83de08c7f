"""Ctrl-C, SIGTERM and SIGHUP that lose nothing: the first one asks a scan to end, the second one ends it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from keyleak.termination import handled_signals, interruption_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType


class Interruption:
    """While it is entered, a first signal only sets `number`; work at hand is finished and reported.

    Outside the main thread signals cannot be handled; there it does nothing.
    """

    def __init__(self) -> None:
        self.number = 0
        """Of the signal that arrived; 0 before."""
        self._before: dict[int, signal._HANDLER] = {}
        self._raises = False

    @property
    def requested(self) -> bool:
        """Whether the scan is to end."""
        return self.number != 0

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in handled_signals():
                self._before[number] = signal.signal(number, self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """While it is entered, the first signal raises too: for work that may wait for ever."""
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    def _request(self, number: int, _frame: FrameType | None) -> None:
        again = self.requested
        self.number = self.number or number
        if again or self._raises:
            raise interruption_by(number)

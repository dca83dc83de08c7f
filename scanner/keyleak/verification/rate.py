"""How fast requests go out: never faster than one each interval, with pauses that a server asks for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Pace:
    """A token bucket with room for one token: `turn` returns when the next request may go."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Start with a token.

        Args:
            per_second: most requests a second; requests are at least its inverse apart.
            clock: seconds, monotonic.
            sleep: waits that many seconds.
        """
        self._interval = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for the next token and take it; whoever came first goes first."""
        async with self._lock:
            # A pause may be asked for while this sleeps.
            while (wait := self._next - self._clock()) > 0:
                await self._sleep(wait)
            self._next = self._clock() + self._interval

    def pause(self, seconds: float) -> None:
        """Let nothing go before that many seconds have passed."""
        self._next = max(self._next, self._clock() + seconds)

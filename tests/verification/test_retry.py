"""When to ask again and how long to wait; how fast requests go."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.verification import retry
from keyleak.verification.rate import Pace
from keyleak.verification.verdicts import Answer, Failure

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def asks(retry_after: str | None, status: int = 429) -> Answer:
    return Answer(status, "application/json", b"{}", retry_after)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0), (" 0 ", 0.0), (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("Wed, 25 Nov 2026 12:00:05 -0000", 5.0),
        ("soon", None), ("-3", None), ("1.5", None), ("", None), ("\u0663", None), (None, None),
        ("Wed, 99 Nov 2026 12:00:05 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert retry.asked_pause(asks(text), NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_is_too_strange(text: str) -> None:
    pause = retry.asked_pause(asks(text), NOW)
    assert pause is None or pause >= 0


@given(st.integers(100, 599))
def test_only_429_and_5xx_are_asked_again(status: int) -> None:
    assert retry.is_retried(asks(None, status)) == (status == 429 or status >= 500)


def test_a_failed_connection_is_tried_again_and_a_refused_certificate_is_not() -> None:
    assert retry.is_retried(Failure("reset", is_connection=True))
    assert not retry.is_retried(Failure("certificate"))


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_backoff_grows_to_a_cap_and_is_never_in_step(attempt: int, dice: float) -> None:
    wait = retry.backoff(attempt, lambda: dice)
    assert 0 < wait <= retry.LONGEST_BACKOFF
    assert retry.backoff(attempt, lambda: 0.0) >= wait


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@given(st.floats(0.1, 500), st.integers(1, 60), st.floats(0, 30))
def test_requests_are_never_closer_than_the_rate_allows(rate: float, many: int, pause: float) -> None:
    clock, times = Clock(), []

    async def run() -> None:
        pace = Pace(rate, lambda: clock.now, clock.sleep)

        async def one(index: int) -> None:
            await pace.turn()
            times.append(clock.now)
            if index == many // 2:
                pace.pause(pause)

        await asyncio.gather(*(one(index) for index in range(many)))

    asyncio.run(run())
    assert len(times) == many
    gaps = [after - before for before, after in pairwise(times)]
    assert all(gap >= 1 / rate - 1e-6 for gap in gaps)
    if many > 1 and many // 2 < many - 1:
        assert max(gaps) >= pause - 1e-6

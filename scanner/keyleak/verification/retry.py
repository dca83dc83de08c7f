"""When to ask again, and how long to wait before. Pure: the clock and the dice are handed in."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from keyleak.verification.verdicts import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyleak.verification.verdicts import Answer

MOST_RETRIES: Final = 2
# FLORA's documents cap the wait between attempts at 30 seconds; its own clients begin with half a second.
LONGEST_BACKOFF: Final = 30.0
_FIRST_BACKOFF: Final = 0.5
# An issuer that asks for more patience than this is not asked again in this run.
LONGEST_PAUSE: Final = 60.0
_TOO_MANY: Final = 429


def is_retried(answer: Answer | Failure) -> bool:
    """Whether another attempt may bring another answer: 429, 5xx or a failed connection, nothing else."""
    if isinstance(answer, Failure):
        return answer.is_connection
    return answer.status == _TOO_MANY or 500 <= answer.status < 600


def asked_pause(answer: Answer | Failure, now: datetime) -> float | None:
    """The seconds that the server asks to wait, or None where it does not say.

    `retry-after` holds seconds or an HTTP date (RFC 9110, 10.2.3); anything else counts as absent.
    """
    if isinstance(answer, Failure) or answer.retry_after is None:
        return None
    text = answer.retry_after.strip()
    if text.isascii() and text.isdigit():
        # Longer numbers are none that anybody waits for, and too long for a float.
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def backoff(attempt: int, random: Callable[[], float]) -> float:
    """The wait after an attempt that failed without a word about waiting.

    Args:
        attempt: 0 for the first.
        random: gives a number from 0 to 1; up to a quarter is taken off, lest clients march in step.
    """
    full = min(LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(attempt, 16))
    return full * (1 - random() / 4)

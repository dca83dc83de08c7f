"""Dates of commits and tags, which may be any numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_FIRST: Final = 1  # git shows 0 where it cannot read a date
_LAST: Final = 253_402_300_799  # the end of the year 9999, the last that ISO 8601 and Python write
_LONGEST_ZONE: Final = timedelta(hours=24)


def iso_date(seconds: str, zone: str) -> str | None:
    """A date in ISO 8601.

    Args:
        seconds: since 1970, as git writes them.
        zone: the distance from UTC as git writes it: `+0200`; where it is none, UTC is taken, which changes
            how the moment is written, not the moment.

    Returns:
        The date, or None where there is no such one.
    """
    digits = seconds.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 15):
        return None
    if not _FIRST <= int(seconds) <= _LAST:
        return None
    moment = datetime.fromtimestamp(int(seconds), UTC)
    try:
        return moment.astimezone(_zone(zone)).isoformat()
    except OverflowError:
        return moment.isoformat()


def _zone(text: str) -> timezone:
    sign, digits = text[:1], text[1:]
    if sign not in {"+", "-"} or not digits.isascii() or not digits.isdigit() or len(digits) > 6:
        return UTC
    east = timedelta(hours=int(digits[:-2] or 0), minutes=int(digits[-2:]))
    if east >= _LONGEST_ZONE:
        return UTC
    return timezone(-east if sign == "-" else east)

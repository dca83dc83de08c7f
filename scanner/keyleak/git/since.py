"""Dates as people give them to `--since`, and as git then reads them without guessing.

Git takes any text for a date and what it does not understand for now, so that a misspelt date would select
nothing. Here a text is either one of git's forms, with a day that exists, or refused. A day without a time
begins at midnight; git would take the time of day that it is now, and leave out the morning.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from keyleak.errors import UsageError

_OLDEST: Final = 1970
_NEWEST: Final = 2099
"""Years that git reads."""
_LONGEST: Final = 100
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)
_WEEKDAY: Final = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_NUMBER: Final = r"(?:[1-9]\d{0,5}|one|two|three|four|five|six|seven|eight|nine|ten|last)"

_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
_ZONE: Final = r"(?P<zone>z|utc|gmt|[+-]\d{2}(?::?\d{2})?)"
_AFTER: Final = rf"(?:(?:t|,?\s+(?:at\s+)?){_TIME}(?:\s*{_ZONE})?)?"
_MONTH: Final = r"(?P<month>[a-z]{3,9})"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_ON: Final = rf"(?:{_WEEKDAY},?\s+)?"
_YEAR: Final = r"(?P<year>\d{4})"

_EPOCH: Final = re.compile(r"@(\d{1,12})(?:\s+[+-]\d{4})?|(\d{9,12})")
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        rf"{_YEAR}(?P<cut>[-/.])(?P<month>\d{{1,2}})(?P=cut)(?P<day>\d{{1,2}}){_AFTER}",
        rf"{_YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}})(?:t(?P<hour>\d{{2}})(?P<minute>\d{{2}})(?P<second>\d{{2}})?{_ZONE}?)?",
        rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/{_YEAR}{_AFTER}",
        rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}{_AFTER}",
        rf"{_ON}{_DAY}[\s-]+{_MONTH}[\s,-]+{_YEAR}{_AFTER}",
        rf"{_ON}{_MONTH}\s+{_DAY}[\s,]+{_YEAR}{_AFTER}",
        rf"{_ON}{_MONTH}\s+{_DAY}\s+{_TIME}\s+{_YEAR}(?:\s+{_ZONE})?",
    )
)
_UNIT: Final = r"(?:second|minute|hour|day|week|month|year)s?"
_HOUR: Final = r"(?:[01]?\d|2[0-3])"
_CLOCK: Final = rf"(?:noon|midnight|{_HOUR}:[0-5]\d(?::[0-5]\d)?(?: ?[ap]m)?|(?:0?[1-9]|1[0-2]) ?[ap]m)"
_RELATIVE: Final = re.compile(
    rf"{_NUMBER} ?{_UNIT}(?:(?: and| ago)? {_NUMBER} ?{_UNIT})*(?: ago)?(?:(?: at)? {_CLOCK})?"
)
_NAMED: Final = re.compile(rf"(?:now|never|yesterday|midnight|noon)(?:(?: at)? {_CLOCK})?")
_LAST_DAY: Final = re.compile(rf"(?:last )?({_WEEKDAY})((?:(?: at)? {_CLOCK})?)")
_EXAMPLES: Final = "2026-01-31, '2026-01-31 14:00', '2 weeks ago', yesterday, @1767225600"


def readable_date(text: str) -> str:
    """A date as git reads it for certain.

    Args:
        text: as the user wrote it.

    Raises:
        UsageError: it is none.
    """
    plain = " ".join(text.lower().split())
    if not plain.isascii() or len(plain) > _LONGEST:
        raise _no_date(text)
    if epoch := _EPOCH.fullmatch(plain):
        return f"@{epoch[1] or epoch[2]} +0000"
    for form in _FORMS:
        if found := form.fullmatch(plain):
            return _exact(found, text)
    if plain == "today":
        return "midnight"
    words = re.sub(r"[\s._-]+", " ", plain).strip()
    if day := _LAST_DAY.fullmatch(words):
        return f"last {day[1]}{day[2]}"  # alone it is the next one to git
    if _NAMED.fullmatch(words) or _RELATIVE.fullmatch(words):
        return words
    raise _no_date(text)


def _exact(found: re.Match[str], text: str) -> str:
    part = {name: value for name, value in found.groupdict().items() if value is not None}
    day = (int(part["year"]), _month(part["month"], text), int(part["day"]))
    try:
        time = (int(part.get("hour", 0)), int(part.get("minute", 0)), int(part.get("second", 0)))
        moment = datetime(*day, *time)  # in the zone of this machine, unless the text names one
        if zone := part.get("zone"):
            return f"@{max(0, int(moment.replace(tzinfo=_zone(zone)).timestamp()))} +0000"
    except (ValueError, OverflowError) as error:
        raise _no_date(text) from error
    if not _OLDEST <= moment.year <= _NEWEST:
        raise UsageError(f"--since {text!r}: git reads years from {_OLDEST} to {_NEWEST}")
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _month(name: str, text: str) -> int:
    if name.isdigit():
        return int(name)
    for names in (_MONTHS, _LONG_MONTHS):
        if name in names:
            return names.index(name) + 1
    raise _no_date(text)


def _zone(name: str) -> timezone:
    if name in {"z", "utc", "gmt"}:
        return UTC
    digits = name[1:].replace(":", "")
    east = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-east if name[0] == "-" else east)


def _no_date(text: str) -> UsageError:
    return UsageError(f"--since {text!r} is no date; write it like one of: {_EXAMPLES}")

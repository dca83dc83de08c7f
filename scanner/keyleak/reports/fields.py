"""Values of a JSON object, each checked as it is taken; what is wrong is named with its path."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from keyleak.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

    Member = TypeVar("Member", bound=Enum)
    Read = TypeVar("Read")

_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 9000
_MOST_SECONDS: Final = 1_000_000_000


class Fields:
    """One object of a report. Each method takes a field's name and raises `ReportError` for a wrong value."""

    def __init__(self, value: object, file: str, path: str) -> None:
        self._file = file
        self._path = path
        if not isinstance(value, dict):
            self.refuse("", "must be an object")
        self._values: dict[str, object] = value
        self._taken: set[str] = set()

    def refuse(self, name: str, reason: str) -> NoReturn:
        """Say what is wrong with a field.

        Raises:
            ReportError: always.
        """
        where = f"{self._path}.{name}" if name else self._path
        raise ReportError(self._file, None, f"the report is damaged or edited: {where} {reason}")

    def whole(self, read: Callable[[Fields], Read]) -> Read:
        """What a function makes of this object, which must take every field: what is left would be lost."""
        value = read(self)
        unknown = sorted(self._values.keys() - self._taken)
        if unknown:
            self.refuse("", f"has a field that this keyleak does not know: {unknown[0]!r}")
        return value

    def part(self, name: str) -> Fields:
        """An object."""
        return Fields(self._value(name), self._file, f"{self._path}.{name}")

    def parts(self, name: str, *, least: int = 0) -> list[Fields]:
        """A list of objects, at least so many."""
        values = self._list(name)
        if len(values) < least:
            self.refuse(name, "must not be empty")
        return [
            Fields(value, self._file, f"{self._path}.{name}[{index}]") for index, value in enumerate(values)
        ]

    def text(self, name: str) -> str:
        """A string."""
        value = self._value(name)
        if not isinstance(value, str):
            self.refuse(name, "must be a text")
        return value

    def optional_text(self, name: str) -> str | None:
        """A string or null."""
        return None if self._value(name) is None else self.text(name)

    def matching(self, name: str, pattern: str) -> str:
        """A string of a given form."""
        text = self.text(name)
        if not re.fullmatch(pattern, text):
            self.refuse(name, f"must match {pattern}")
        return text

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            self.refuse(name, "must hold texts only")
        return tuple(str(value) for value in values)

    def has(self, name: str) -> bool:
        """Whether there is such a field; earlier reports of this version lack some."""
        return name in self._values

    def member(self, name: str, kind: type[Member]) -> Member:
        """A value of a closed set."""
        text = self.text(name)
        try:
            return kind(text)
        except ValueError:
            self.refuse(name, f"is none of: {', '.join(str(each.value) for each in kind)}")

    def moment(self, name: str) -> str:
        """A date and time in ISO 8601."""
        text = self.text(name)
        try:
            year = datetime.fromisoformat(text).year
        except ValueError:
            self.refuse(name, "is no date and time")
        # At the ends of the calendar another time zone does not exist.
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            self.refuse(name, f"is not between the years {_FIRST_YEAR} and {_LAST_YEAR}")
        return text

    def optional_moment(self, name: str) -> str | None:
        """A date and time, or null."""
        return None if self._value(name) is None else self.moment(name)

    def count(self, name: str, *, least: int = 0) -> int:
        """A whole number."""
        value = self._value(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.refuse(name, f"must be a whole number from {least}")
        return value

    def optional_count(self, name: str, *, least: int = 0) -> int | None:
        """A whole number or null."""
        return None if self._value(name) is None else self.count(name, least=least)

    def seconds(self, name: str) -> float:
        """A number of seconds."""
        value = self._value(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MOST_SECONDS:
            self.refuse(name, f"must be a number from 0 to {_MOST_SECONDS}")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool):
            self.refuse(name, "must be true or false")
        return value

    def optional_flag(self, name: str) -> bool | None:
        """True, false or null."""
        return None if self._value(name) is None else self.flag(name)

    def _value(self, name: str) -> object:
        if name not in self._values:
            self.refuse(name, "is missing")
        self._taken.add(name)
        return self._values[name]

    def _list(self, name: str) -> list[object]:
        value = self._value(name)
        if not isinstance(value, list):
            self.refuse(name, "must be a list")
        return value

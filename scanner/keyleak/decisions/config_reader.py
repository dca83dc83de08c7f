"""The configuration, read strictly: `.keyleak.yaml`, or `[tool.keyleak]` in pyproject.toml.

Both become the same tree of values, each with its line, and one reader takes it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Final, TypeVar

from keyleak.decisions.configuration import TOML_TABLE, Configuration
from keyleak.decisions.entries import AllowEntry, Criteria, SeverityEntry
from keyleak.decisions.gap_entries import GapEntry, GapKind
from keyleak.decisions.toml_nodes import toml_value
from keyleak.errors import ConfigError
from keyleak.findings import Severity
from keyleak.strict_yaml import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyleak.strict_yaml import YamlValue

_T = TypeVar("_T")

KEYS: Final = ("allow", "allow-gap", "baseline", "inline", "issuers", "min-severity", "rules", "severity")
_CRITERIA: Final = ("id", "rule", "issuer", "path")
_GAP_CRITERIA: Final = ("path", "blob", "kind")
_BLOB: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_VERIFYING: Final = re.compile(r"verif", re.IGNORECASE)


def read_configuration(text: str, file: str) -> Configuration | None:
    """The configuration in a file's content; None for a TOML file without a table for keyleak.

    Args:
        text: the content.
        file: its name, for messages; one that ends in `.toml` is read as TOML.

    Raises:
        ConfigError: with file, line and reason; the first of what is wrong.
    """
    found, problems = read_leniently(text, file)
    if problems:
        raise problems[0]
    return found


def read_leniently(text: str, file: str) -> tuple[Configuration | None, list[ConfigError]]:
    """The same, with everything that is wrong in the order of its lines.

    Raises:
        ConfigError: it is no YAML or TOML, so nothing more can be told.
    """
    if file.endswith(".toml"):
        value = toml_value(text, file, TOML_TABLE)
    else:
        value = read_yaml(text, file, ConfigError)
    if value is None:
        return None, []
    reader = _Reader()
    found = reader.configuration(value)
    return found, sorted(reader.problems, key=lambda problem: problem.line or 0)


class _Reader:
    """Reads values and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[ConfigError] = []

    def configuration(self, root: YamlValue) -> Configuration:
        """The configuration without what is wrong."""
        fields = self._read(_fields, root)
        if fields is None:
            # The mapping itself is wrong; what can still be read of it is.
            with suppress(ConfigError):
                fields = {name: value for name, value in root.entries().items() if name in KEYS}
        known = fields or {}
        return Configuration(
            allow=self._each(known.get("allow"), _allow_entry),
            severities=self._each(known.get("severity"), _severity_entry),
            gaps=self._each(known.get("allow-gap"), _gap_entry),
            baseline=self._read(_text, known.get("baseline")),
            rules=self._each(known.get("rules"), _text),
            issuers=self._each(known.get("issuers"), _text),
            min_severity=self._read(lambda value: value.choice(Severity), known.get("min-severity")),
            inline=self._read(lambda value: value.boolean(), known.get("inline")),
        )

    def _each(self, value: YamlValue | None, read: Callable[[YamlValue], _T]) -> tuple[_T, ...]:
        items = self._read(lambda items: items.items(), value) or []
        found = (self._read(read, item) for item in items)
        return tuple(entry for entry in found if entry is not None)

    def _read(self, read: Callable[[YamlValue], _T], value: YamlValue | None) -> _T | None:
        try:
            return None if value is None else read(value)
        except ConfigError as error:
            self.problems.append(error)
            return None


def _text(value: YamlValue) -> str:
    return value.text()


def _fields(root: YamlValue) -> dict[str, YamlValue]:
    for key, value in root.entries().items():
        if _VERIFYING.search(key):
            value.fail(
                f"key {key!r}: a configuration never has keys sent anywhere; "
                "verification is asked for on the command line, with --verify"
            )
    return root.mapping((), KEYS)


def _allow_entry(value: YamlValue) -> AllowEntry:
    fields = value.mapping(("reason",), (*_CRITERIA, "expires"))
    return AllowEntry(
        criteria=_criteria(value, fields, _CRITERIA),
        reason=fields["reason"].text(),
        expires=_day(fields["expires"]) if "expires" in fields else None,
        line=value.line,
    )


def _gap_entry(value: YamlValue) -> GapEntry:
    fields = value.mapping(("reason",), (*_GAP_CRITERIA, "expires"))
    if not any(name in fields for name in _GAP_CRITERIA):
        value.fail(f"an entry names at least one of: {', '.join(_GAP_CRITERIA)}")
    blob = _named(fields["blob"]) if "blob" in fields else None
    if blob is not None and not _BLOB.fullmatch(blob):
        fields["blob"].fail(f"{blob!r} is no id of an object: 40 or 64 hexadecimal digits in lower case")
    return GapEntry(
        reason=fields["reason"].text(),
        path=_named(fields["path"]) if "path" in fields else None,
        blob=blob,
        kind=fields["kind"].choice(GapKind) if "kind" in fields else None,
        expires=_day(fields["expires"]) if "expires" in fields else None,
        line=value.line,
    )


def _severity_entry(value: YamlValue) -> SeverityEntry:
    fields = value.mapping(("severity", "reason"), _CRITERIA)
    return SeverityEntry(
        criteria=_criteria(value, fields, _CRITERIA),
        severity=fields["severity"].choice(Severity),
        reason=fields["reason"].text(),
        line=value.line,
    )


def _criteria(value: YamlValue, fields: dict[str, YamlValue], names: tuple[str, ...]) -> Criteria:
    given = {name: _named(fields[name]) for name in names if name in fields}
    if not given:
        value.fail(f"an entry names at least one of: {', '.join(names)}")
    return Criteria(**given)


def _named(value: YamlValue) -> str:
    # An id of digits only is a number to YAML; it is taken as it is written.
    text = value.scalar()
    if not text.strip():
        value.fail("the text is empty")
    return text


def _day(value: YamlValue) -> date:
    try:
        return date.fromisoformat(value.scalar())
    except ValueError:
        value.fail(f"{value.scalar()!r} is no day: write YYYY-MM-DD")

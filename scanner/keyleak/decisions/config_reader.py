"""The configuration, read strictly: `.keyleak.yaml`, or `[tool.keyleak]` in pyproject.toml.

Both become the same tree of values, each with its line, and one reader takes it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from keyleak.decisions.configuration import TOML_TABLE, Configuration
from keyleak.decisions.entries import AllowEntry, Criteria, SeverityEntry
from keyleak.decisions.toml_nodes import toml_value
from keyleak.errors import ConfigError
from keyleak.findings import Severity
from keyleak.strict_yaml import read_yaml

if TYPE_CHECKING:
    from keyleak.strict_yaml import YamlValue

KEYS: Final = ("allow", "baseline", "inline", "issuers", "min-severity", "rules", "severity")
_CRITERIA: Final = ("id", "rule", "issuer", "path")
_VERIFYING: Final = re.compile(r"verif", re.IGNORECASE)


def read_configuration(text: str, file: str) -> Configuration | None:
    """The configuration in a file's content; None for a TOML file without a table for keyleak.

    Args:
        text: the content.
        file: its name, for messages; one that ends in `.toml` is read as TOML.

    Raises:
        ConfigError: with file, line and reason.
    """
    if file.endswith(".toml"):
        value = toml_value(text, file, TOML_TABLE)
        return None if value is None else _configuration(value)
    return _configuration(read_yaml(text, file, ConfigError))


def _configuration(root: YamlValue) -> Configuration:
    for key, value in root.entries().items():
        if _VERIFYING.search(key):
            value.fail(
                f"key {key!r}: a configuration never has keys sent anywhere; "
                "verification is asked for on the command line, with --verify"
            )
    fields = root.mapping((), KEYS)
    return Configuration(
        allow=tuple(_allow_entry(each) for each in _items(fields, "allow")),
        severities=tuple(_severity_entry(each) for each in _items(fields, "severity")),
        baseline=fields["baseline"].text() if "baseline" in fields else None,
        rules=tuple(each.text() for each in _items(fields, "rules")),
        issuers=tuple(each.text() for each in _items(fields, "issuers")),
        min_severity=fields["min-severity"].choice(Severity) if "min-severity" in fields else None,
        inline=fields["inline"].boolean() if "inline" in fields else None,
    )


def _items(fields: dict[str, YamlValue], name: str) -> list[YamlValue]:
    return fields[name].items() if name in fields else []


def _allow_entry(value: YamlValue) -> AllowEntry:
    fields = value.mapping(("reason",), (*_CRITERIA, "expires"))
    return AllowEntry(
        criteria=_criteria(value, fields, _CRITERIA),
        reason=fields["reason"].text(),
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

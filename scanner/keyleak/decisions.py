"""Whether a finding counts: one object that answers for each, always with its reason.

A finding is never dropped here. An allow entry of the configuration makes it `allowed`, with the reason its
author gave; everything else stays `new`. Expired entries decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from keyleak.errors import ConfigError
from keyleak.findings import Status
from keyleak.strict_yaml import read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.findings import Finding
    from keyleak.strict_yaml import YamlValue


class AllowBy(Enum):
    """What an allow entry names."""

    ID = "id"
    RULE = "rule"
    ISSUER = "issuer"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One entry of `allow` in the configuration."""

    by: AllowBy
    value: str
    """A fingerprint, a rule id, an issuer, or a glob of paths (`*` matches `/` too)."""
    reason: str
    expires: date | None

    def covers(self, finding: Finding) -> bool:
        """Whether it speaks of this finding; of a path only if every place of the key matches."""
        match self.by:
            case AllowBy.ID:
                return finding.id == self.value
            case AllowBy.RULE:
                return finding.rule == self.value
            case AllowBy.ISSUER:
                return finding.issuer == self.value
            case AllowBy.PATH:
                return all(fnmatchcase(place.path or "", self.value) for place in finding.locations)


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a finding, and why."""

    status: Status
    reason: str | None


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decides on findings."""

    allow: tuple[AllowEntry, ...] = ()
    today: date | None = None
    """The day on which entries expire; None takes none as expired."""

    def decide(self, finding: Finding) -> Decision:
        """The decision on one finding."""
        for entry in self.allow:
            if entry.covers(finding) and not self._expired(entry):
                return Decision(Status.ALLOWED, entry.reason)
        return Decision(Status.NEW, finding.reason)

    def apply(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings, each with its status and reason."""
        return [_decided(finding, self.decide(finding)) for finding in findings]

    def expired(self) -> tuple[AllowEntry, ...]:
        """Entries that no longer count."""
        return tuple(entry for entry in self.allow if self._expired(entry))

    def _expired(self, entry: AllowEntry) -> bool:
        return self.today is not None and entry.expires is not None and entry.expires < self.today


def _decided(finding: Finding, decision: Decision) -> Finding:
    return replace(finding, status=decision.status, reason=decision.reason)


def read_config(text: str, file: str, today: date) -> Decisions:
    """The decisions that a configuration file holds.

    Args:
        text: content of the file.
        file: its name, for messages.
        today: the day on which entries expire.

    Raises:
        ConfigError: with file, line and reason.
    """
    fields = read_yaml(text, file, ConfigError).mapping((), ("allow",))
    entries = fields["allow"].items() if "allow" in fields else []
    return Decisions(tuple(_entry(entry) for entry in entries), today)


def _entry(value: YamlValue) -> AllowEntry:
    named = [by.value for by in AllowBy]
    fields = value.mapping(("reason",), (*named, "expires"))
    given = [name for name in named if name in fields]
    if len(given) != 1:
        value.fail(f"an entry names exactly one of: {', '.join(named)}")
    return AllowEntry(
        by=AllowBy(given[0]),
        value=fields[given[0]].scalar(),
        reason=fields["reason"].text(),
        expires=_day(fields["expires"]) if "expires" in fields else None,
    )


def _day(value: YamlValue) -> date:
    try:
        return date.fromisoformat(value.scalar())
    except ValueError:
        value.fail(f"{value.scalar()!r} is no day: write YYYY-MM-DD")

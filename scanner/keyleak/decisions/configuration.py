"""What a configuration says, and the names of the files that say it. Reading them is `config_reader`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.records import dataclass

if TYPE_CHECKING:
    from keyleak.decisions.entries import AllowEntry, SeverityEntry
    from keyleak.decisions.gap_entries import GapEntry
    from keyleak.findings import Severity

YAML_NAME: Final = ".keyleak.yaml"
TOML_NAME: Final = "pyproject.toml"
TOML_TABLE: Final = ("tool", "keyleak")
BASELINE_NAME: Final = ".keyleak-baseline.json"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a configuration says."""

    allow: tuple[AllowEntry, ...] = ()
    severities: tuple[SeverityEntry, ...] = ()
    gaps: tuple[GapEntry, ...] = ()
    """What may stay unread."""
    baseline: str | None = None
    """The baseline's path, relative to the configuration."""
    rules: tuple[str, ...] = ()
    """Folders of rule files, relative to the configuration."""
    issuers: tuple[str, ...] = ()
    min_severity: Severity | None = None
    inline: bool | None = None
    """Whether inline markers count; None where it does not say."""

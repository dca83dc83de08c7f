"""What every command that scans can be asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyleak.commands.destinations import DeliveryOptions
from keyleak.errors import UsageError
from keyleak.records import dataclass, field
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.provenance import RuleFolder, own_folders
from keyleak.sources.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.settings import Settings
    from keyleak.commands.verification_options import VerificationOptions
    from keyleak.findings import Severity
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.projects import Projects


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Which rules, which findings count, where they go."""

    rule_folders: tuple[RuleFolder, ...] = field(default_factory=own_folders)
    config: str | None = None
    no_config: bool = False
    """Whether the configuration and baseline of the user's own checkout are left alone."""
    baseline: str | None = None
    inline: bool | None = None
    """Whether inline markers count; None lets the configuration or the command decide."""
    issuers: frozenset[str] = frozenset()
    """Report only keys that are, or may be, of these issuers; empty for all."""
    min_severity: Severity | None = None
    """None lets the configuration say."""
    jobs: int = 0
    """Processes; 0 takes one for each processor."""
    rotation_days: int = 90
    """How old a key may be before that is a finding of its own."""
    allow_incomplete: bool = False
    exit_zero: bool = False
    explain: bool = False
    """Whether to say of every key-shaped text why it was or was not reported; reads in one process."""
    delivery: DeliveryOptions = field(default_factory=DeliveryOptions)
    verification: VerificationOptions | None = None
    """How issuers are asked whether the keys live; None asks nobody."""
    settings: Settings | None = None
    """What `configured` made of all this; None before."""

    def processes(self) -> int:
        """How many processes to read with."""
        if self.explain:
            return 1
        if self.jobs:
            return self.jobs
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1


def inspector_for(rulebook: Rulebook, options: ReportOptions, projects: Projects | None = None) -> Inspector:
    """The inspector that a command reads with.

    Args:
        rulebook: the rules.
        options: what the command was asked for.
        projects: knows the projects of what it reads.
    """
    if not options.explain:
        return Inspector(rulebook, projects=projects)
    from keyleak.sources.explaining import ExplainingInspector  # noqa: PLC0415 - loads all that looks closer

    return ExplainingInspector(rulebook, projects=projects)


def checked_rulebook(options: ReportOptions) -> Rulebook:
    """The rules, after everything that can be told before the work was told.

    Raises:
        RuleError: a rule file is wrong.
        UsageError: an issuer that no rule file has, or a test server that cannot be asked.
    """
    rulebook = load_rulebook(options.rule_folders)
    if options.verification is not None:
        # Brings the HTTP client, which no other scan needs.
        from keyleak.verification.endpoints import read_endpoints  # noqa: PLC0415

        read_endpoints(options.verification.endpoints, rulebook)
    known = sorted(issuer.issuer for issuer in rulebook.issuers if not issuer.anonymous)
    for issuer in sorted(options.issuers):
        if issuer not in known:
            raise UsageError(_no_issuer(issuer, known))
    return rulebook


def _no_issuer(name: str, known: Sequence[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    near = difflib.get_close_matches(name.lower(), known, n=1)
    meant = f"; did you mean {near[0]}?" if near else "."
    return f"issuer {name!r} is none of the rules{meant} There are: {', '.join(known)}"

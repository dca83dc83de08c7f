"""How a change that is not merged yet is judged: by what it is to be merged into.

Whoever proposes a change chooses its files, so neither its configuration, nor its baseline, nor its rules,
nor a marker that it brings may decide on the keys that it brings. All of these are read from the base, a
commit of the receiving side, by object; what lies in the work tree decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.commands.committed_settings import CommittedSettings
from keyleak.commands.settings import Reads, configured
from keyleak.coverage import Gap
from keyleak.decisions.proposals import (
    NOT_YET,
    PROPOSED,
    proposed_entries,
    with_merged_markers,
    with_proposal,
)
from keyleak.errors import KeyleakError, UsageError
from keyleak.git.committed import CommittedFiles
from keyleak.key_shapes import mask_key_shapes
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack

    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.decisions.engine import Decided, Decisions
    from keyleak.decisions.proposals import Merged
    from keyleak.findings import Finding
    from keyleak.rulebook.provenance import RuleFolder

_MOST_HEADS: Final = 16
_MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Base:
    """What a change is judged by."""

    repository: str
    """Where its objects are."""
    commit: str | None
    """The id of the commit that it is merged into; None where nothing is merged yet: then nothing counts."""
    heads: tuple[str, ...] = ()
    """Ids of the commits whose entries are proposals."""
    whole: bool = False
    """Whether more is read than the change brings, so that markers may be in old objects."""
    keep: tuple[str, ...] = ()
    """`GIT_*` variables to trust (see `keyleak.git.process`)."""


@dataclass(frozen=True, slots=True)
class Review:
    """Decides on what a change brings."""

    merged_markers: Callable[[Sequence[Finding]], Merged]
    """Which markers beside these findings the base has."""
    proposed: tuple[Decisions, ...]
    """What would decide if the change were merged."""
    gaps: tuple[Gap, ...] = ()
    """What the change proposes and cannot be read."""

    def apply(self, decisions: Decisions, findings: Sequence[Finding]) -> Decided:
        """The findings as the base decides on them, each with what is proposed for it."""
        merged = with_merged_markers(findings, self.merged_markers(findings))
        decided = decisions.apply(merged)
        found = {finding.secret: finding for finding in findings}
        proposed = (decisions, *self.proposed)
        explained = (with_proposal(each, found[each.secret], proposed) for each in decided.findings)
        return replace(decided, findings=tuple(explained))


def configured_by_base(
    options: ReportOptions, base: Base, console: Console, leaving: ExitStack
) -> ReportOptions:
    """The options together with what the base's configuration and baseline add to them.

    Args:
        options: what the command line says. Files of the repository that it names are the base's, too.
        base: what the change is judged by.
        console: told what is ignored.
        leaving: removes what was written for the time of the scan.

    Raises:
        ConfigError: a file of the base is wrong, or no regular file.
        UsageError: options that exclude each other.
        GitError: git cannot read the base.
    """
    if options.config is not None and options.no_config:
        raise UsageError("--config and --no-config exclude each other")
    if base.commit is None:
        console.note("nothing is known to be merged, so no configuration, baseline or marker counts")
    commits = {
        commit: CommittedFiles(base.repository, commit, base.keep)
        for commit in (base.commit, *base.heads[:_MOST_HEADS])
        if commit
    }
    reader = CommittedSettings(options, tuple(commits.values()), commits.get(base.commit or ""))
    stated = reader.stated(leaving, console)
    named_rules = reader.named_rules(leaving, console)
    files = replace(options, config=None, baseline=None, rule_folders=named_rules)
    settled = configured(files, ["."], Reads.HISTORY, console, stated=stated)
    assert settled.settings is not None
    # Only explanations hang on what the heads state; a push may bring thousands of refs.
    heads = [
        CommittedSettings(options, tuple(commits.values()), commits[head])
        for head in dict.fromkeys(base.heads[:_MOST_HEADS])
        if head != base.commit
    ]
    proposed, gaps = _proposals(files, heads, console)
    _name(settled.settings.decisions, proposed, console)
    review = Review(_merged_markers(base, settled.rule_folders), proposed, gaps)
    return replace(settled, settings=replace(settled.settings, review=review))


def _proposals(
    files: ReportOptions, heads: Sequence[CommittedSettings], console: Console
) -> tuple[tuple[Decisions, ...], tuple[Gap, ...]]:
    """What the heads would decide, and what of that cannot be read."""
    proposed, gaps = [], []
    for head in heads:
        try:
            stated = head.stated(None, console)
            settings = configured(files, ["."], Reads.HISTORY, console, stated=stated).settings
        except KeyleakError as error:
            # It decides nothing, but whoever merges it would stop every scan that follows.
            gaps.append(Gap("proposed configuration", mask_key_shapes(str(error))))
            continue
        assert settings is not None
        proposed.append(settings.decisions)
    return tuple(proposed), tuple(gaps)


def _name(counting: Decisions, proposed: Sequence[Decisions], console: Console) -> None:
    """Name what the change adds to the configuration, whether a key is found that it would allow or not."""
    entries = list(dict.fromkeys(each for head in proposed for each in proposed_entries(counting, head)))
    for entry in entries[:_MOST_NAMED]:
        console.note(f"{PROPOSED}{entry}; {NOT_YET}")
    if (more := len(entries) - _MOST_NAMED) > 0:
        console.note(f"{PROPOSED}{more:,} more entries; {NOT_YET}")


def _merged_markers(
    base: Base, rule_folders: tuple[RuleFolder, ...]
) -> Callable[[Sequence[Finding]], Merged]:
    def merged(findings: Sequence[Finding]) -> Merged:
        # Reads objects, which few changes need.
        from keyleak.commands.merged_markers import MergedMarkers  # noqa: PLC0415

        return MergedMarkers(base, findings, rule_folders).has

    return merged

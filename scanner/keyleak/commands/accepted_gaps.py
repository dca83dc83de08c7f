"""What was not read and the configuration accepts by name, put apart from what makes a scan incomplete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.commands.deciding import settings_of
from keyleak.records import replace

if TYPE_CHECKING:
    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.coverage import Coverage, Gap
    from keyleak.decisions.gap_entries import GapEntry
    from keyleak.sources.files import Reading


def with_accepted(reading: Reading, options: ReportOptions, console: Console, *, on_disk: bool) -> Reading:
    """The reading with the gaps that the configuration accepts listed as accepted.

    Args:
        reading: what was read and what was not.
        options: what the command was asked for.
        console: told of entries that count no more, or match nothing.
        on_disk: whether paths are relative to where keyleak runs; those of objects are to their repository.
    """
    settings = settings_of(options)
    entries = settings.decisions.gaps
    if not entries and not (reading.coverage.gaps and settings.decisions.allow):
        return reading
    # Imported only where there is such an entry: start-up is part of the product.
    from keyleak.decisions.gap_entries import GapKind, accept, kind_of, of_allowed_paths  # noqa: PLC0415

    base, today = settings.decisions.paths, settings.decisions.today

    def names(gap: Gap) -> list[str]:
        is_file = on_disk and gap.blob is None and kind_of(gap) is not GapKind.SUBMODULE
        return [base.below(path, on_disk=is_file) if base else path for path in gap.paths]

    def by(entry: GapEntry) -> str:
        until = f", until {entry.expires}" if entry.expires else ""
        return f"{_where(entry, settings.config)}: {entry.reason}{until}"

    counting = [entry for entry in entries if not entry.expired(today)]
    allowed = [entry for entry in of_allowed_paths(settings.decisions.allow) if not entry.expired(today)]
    coverage, unused = accept(reading.coverage, [*counting, *allowed], names, by)
    for entry in entries:
        if entry not in counting:
            where = _where(entry, settings.config)
            console.note(f"{where} expired on {entry.expires}: the allow-gap entry {entry}")
    if settings.sees_all and not reading.interrupted:
        for entry in (each for each in unused if each in counting):
            console.note(f"{_where(entry, settings.config)} is stale, it accepts nothing any more: {entry}")
    _say_accepted(coverage, settings.config, console)
    return replace(reading, coverage=coverage)


def _say_accepted(coverage: Coverage, config: str | None, console: Console) -> None:
    if count := len(coverage.accepted):
        what = "thing was" if count == 1 else "things were"
        console.note(f"{count:,} {what} not read, which {config or 'the configuration'} accepts")


def _where(entry: GapEntry, file: str | None) -> str:
    return f"{file}:{entry.line}" if file else "an entry"

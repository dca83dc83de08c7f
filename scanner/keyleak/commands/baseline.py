"""`keyleak baseline create|update|check`: the file of keys that are known already."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyleak.commands.accepted_gaps import with_accepted
from keyleak.commands.conclusion import Work, findings_of, with_empty_scope
from keyleak.commands.console import print_line
from keyleak.commands.options import ReportOptions, checked_rulebook, inspector_for
from keyleak.commands.repository_reading import read_repository, repository_root
from keyleak.commands.settings import (
    Reads,
    configuration_at,
    configuration_in,
    configured,
    load_baseline,
)
from keyleak.commands.user_files import decoded, text_of
from keyleak.coverage import merge_gaps
from keyleak.decisions.baseline import Baseline, Covers
from keyleak.decisions.configuration import BASELINE_NAME
from keyleak.decisions.foreign_ignores import issuer_names, read_ignores, take
from keyleak.errors import ConfigError, ExitCode, GitError, SourceError, UsageError
from keyleak.findings import Severity, Status
from keyleak.git.checkout import own_checkout, worktree_root
from keyleak.git.committed import CommittedFiles
from keyleak.regular_file import CONFIGURATION_LIMIT, read_regular
from keyleak.reports.masking import Masker
from keyleak.rulebook.loader import load_rulebook
from keyleak.secret import FINGERPRINT_KEY
from keyleak.sources.files import Reading, read_paths
from keyleak.terminal import printable
from keyleak.termination import interruption_by
from keyleak.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.console import Console
    from keyleak.commands.settings import FoundConfiguration
    from keyleak.coverage import Coverage
    from keyleak.decisions.foreign_ignores import ForeignIgnore
    from keyleak.findings import Finding

_MERGE = "merge=union"
_MOST_PLACE = 64 << 20
_SPARSE = "some tracked files are not checked out (`git sparse-checkout list`)"


@dataclass(frozen=True, slots=True)
class BaselineOptions:
    """What a command on the baseline was asked for."""

    paths: tuple[str, ...] = ()
    """What to read; nothing for the whole work tree, or the current folder outside of one."""
    history: bool = False
    """Whether everything the repository holds is read too."""
    report: ReportOptions = field(default_factory=ReportOptions)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the scan for a baseline saw."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    shows_all: bool
    """Whether a key that was not found is gone: a sparse checkout leaves out files that may hold it."""


def create(options: BaselineOptions, console: Console) -> ExitCode:
    """Write a new baseline of everything that is found.

    Raises:
        UsageError: there is one already.
        ConfigError: it cannot be written.
    """
    file, _ = _file(options)
    if os.path.lexists(file):
        raise UsageError(f"{file} exists; `keyleak baseline update` brings it up to date")
    covers = Covers.HISTORY if options.history else Covers.FILES
    empty = Baseline(FINGERPRINT_KEY, covers)
    seen = _seen(options, covers, console)
    if not _may_write(seen, options, console):
        return ExitCode.INCOMPLETE
    made = empty.with_ids(empty.id_of(finding.secret) for finding in seen.findings)
    _write(file, made.text())
    _declare_merge(file, console)
    print_line(f"{file}: {len(made.fingerprints):,} keys are known from now on")
    return ExitCode.CLEAN


def update(options: BaselineOptions, console: Console) -> ExitCode:
    """Add what is new to the baseline, and take out what is gone where everything was read.

    Raises:
        ConfigError: it is missing or damaged, or cannot be written.
    """
    file, inside = _file(options)
    old = load_baseline(file, inside)
    covers = Covers.HISTORY if options.history else old.covers
    seen = _seen(options, covers, console)
    if not _may_write(seen, options, console):
        return ExitCode.INCOMPLETE
    found = frozenset(old.id_of(finding.secret) for finding in seen.findings)
    partial = bool(options.paths) or not seen.shows_all
    new = replace(old, covers=covers).with_ids(found | old.fingerprints if partial else found)
    if partial and old.fingerprints - found:
        reason = "not everything was read" if not seen.coverage.complete or options.paths else _SPARSE
        console.note(f"{reason}, so nothing is taken out of the baseline")
    if new.text() != text_of(file):
        _write(file, new.text())
    added, gone = len(new.fingerprints - old.fingerprints), len(old.fingerprints - new.fingerprints)
    print_line(f"{file}: {added:,} added, {gone:,} taken out, {len(new.fingerprints):,} known")
    return ExitCode.CLEAN


def check(options: BaselineOptions, console: Console) -> ExitCode:
    """Say what the baseline lacks and what it holds for nothing; it is not written.

    Raises:
        ConfigError: it is missing or damaged.
    """
    file, inside = _file(options)
    known = load_baseline(file, inside)
    seen = _seen(options, Covers.HISTORY if options.history else known.covers, console)
    new = [finding for finding in seen.findings if not known.holds(finding.secret)]
    masker = Masker(finding.secret for finding in new)
    for finding in new:
        place = finding.locations[0]
        where = printable(masker.mask(f"{place.path or place.kind.value}:{place.line}"))
        print_line(f"not in {file}: {finding.secret.redacted()}  {finding.rule}  {where}")
    found = {known.id_of(finding.secret) for finding in seen.findings}
    stale = len(known.fingerprints - found)
    if stale and seen.shows_all and not options.paths:
        console.note(f"{file}: {stale:,} of its keys are found nowhere any more; update takes them out")
    if known.text() != text_of(file):
        console.note(f"{file}: not in the order that update writes, as after a merge; update puts it right")
    print_line(f"{file}: {len(found & known.fingerprints):,} known keys found, {len(new):,} new")
    return seen.coverage.exit_code(findings=bool(new), allow_incomplete=options.report.allow_incomplete)


def take_over(files: Sequence[str], options: BaselineOptions, console: Console) -> ExitCode:
    """Take the keys that other scanners' files ignore into the baseline, which is made where there is none.

    Raises:
        ConfigError: a file cannot be read or is no such file, or the baseline is damaged.
    """
    file, inside = _file(options)
    ignores = [(name, ignore) for name in files for ignore in read_ignores(text_of(name), name)]
    exists = os.path.lexists(file)
    history = options.history or any(ignore.commit for _, ignore in ignores)
    covers = Covers.HISTORY if history else Covers.FILES
    old = load_baseline(file, inside) if exists else Baseline(FINGERPRINT_KEY, covers)
    seen = _seen(options, Covers.HISTORY if history else old.covers, console)
    if not _may_write(seen, options, console):
        return ExitCode.INCOMPLETE
    issuers = issuer_names(load_rulebook(options.report.rule_folders))
    taken = [(name, take([ignore], seen.findings, issuers, _is_there)) for name, ignore in ignores]
    masker = Masker(finding.secret for finding in seen.findings)
    for name, each in taken:
        for ignore, finding in each.matched:
            said = f"{name}:{ignore.line}: {ignore.text} is {finding.secret.redacted()}, {finding.rule}"
            print_line(printable(masker.mask(said)))
        for ignore in each.dead:
            said = f"{name}:{ignore.line}: {ignore.text} is dead: no such key there"
            print_line(printable(masker.mask(said)))
        for ignore in each.others:
            said = f"{name}:{ignore.line}: {ignore.text} is another kind of secret than keyleak looks for"
            print_line(printable(masker.mask(said)))
    meant = {old.id_of(finding.secret) for _, each in taken for _, finding in each.matched}
    new = replace(old, covers=Covers.HISTORY if history else old.covers).with_ids(old.fingerprints | meant)
    if not exists or new != old:
        _write(file, new.text())
    if not exists:
        _declare_merge(file, console)
    dead = sum(len(each.dead) for _, each in taken)
    others = sum(len(each.others) for _, each in taken)
    added = len(new.fingerprints - old.fingerprints)
    of_others = f", {others:,} of another kind of secret" if others else ""
    print_line(
        f"{file}: {added:,} keys added, {len(new.fingerprints):,} known; {dead:,} entries are dead{of_others}"
    )
    return ExitCode.CLEAN


def _is_there(ignore: ForeignIgnore) -> bool:
    """Whether the place that another scanner's entry names is still there."""
    try:
        if ignore.commit is not None:
            content = CommittedFiles(_top(), ignore.commit).read(ignore.path, _MOST_PLACE)
        else:
            content = read_regular(os.path.join(_top(), ignore.path), _MOST_PLACE, inside=_top())
    except (GitError, SourceError, OSError, ValueError):
        return False
    return content is not None and content.count(b"\n") + 1 >= (ignore.at_line or 1)


def _file(options: BaselineOptions) -> tuple[str, str | None]:
    """The baseline's file, and what it may not lead out of where the user did not name it."""
    if options.report.baseline is not None:
        return options.report.baseline, None
    found = _configuration(options)
    if found is not None and found.content.baseline is not None:
        return found.path(found.content.baseline), found.tree
    return os.path.relpath(os.path.join(_top(), BASELINE_NAME)), _top()


def _configuration(options: BaselineOptions) -> FoundConfiguration | None:
    if options.report.config is not None:
        return configuration_at(options.report.config)
    own = None if options.report.no_config else own_checkout([])
    return None if own is None else configuration_in(own)


def _top() -> str:
    """The top of the work tree that keyleak runs in, or where it runs."""
    here = os.path.realpath(".")
    return worktree_root(here) or here


def _seen(options: BaselineOptions, covers: Covers, console: Console) -> _Seen:
    """Keys that count, without what the configuration or a marker allows."""
    roots = options.paths or (os.path.relpath(_top()),)
    report = configured(options.report, roots, Reads.FILES, console, with_baseline=False)
    rulebook = checked_rulebook(report)
    started, clock = datetime.now(UTC), time.monotonic()
    inspector = inspector_for(rulebook, report)
    if covers is Covers.HISTORY:
        if options.paths:
            raise UsageError("a baseline of history is of the whole repository: leave out PATHS")
        history, files = read_repository(repository_root(_top()), inspector, report, console)
        coverage = history.coverage + files.coverage
        reading = Reading(
            history.sightings + files.sightings, replace(coverage, gaps=merge_gaps(coverage.gaps))
        )
    else:
        with console.progress("scanning") as progress:
            reading = read_paths(roots, lambda: inspector, jobs=report.processes(), progress=progress.update)
    if reading.interrupted:
        raise interruption_by(reading.interrupted)
    work = Work("baseline", " ".join(roots), started, clock, notes_ignored=True)
    reading = with_empty_scope(work, with_accepted(reading, report, console, on_disk=True))
    counting = tuple(
        finding
        for finding in findings_of(work, reading, report, console)
        if finding.status is Status.NEW and finding.severity is not Severity.NOTE
    )
    for gap in reading.coverage.gaps:
        console.note(f"not read: {gap.what}: {gap.reason}")
    # A history holds the files that a sparse checkout leaves out.
    coverage = reading.coverage
    return _Seen(counting, coverage, coverage.complete if covers is Covers.HISTORY else coverage.shows_all)


def _may_write(seen: _Seen, options: BaselineOptions, console: Console) -> bool:
    if seen.coverage.complete or options.report.allow_incomplete:
        return True
    console.error(
        "not everything was read, so no baseline is written; --allow-incomplete writes it all the same"
    )
    return False


def _write(file: str, text: str) -> None:
    try:
        write_whole(file, text)
    except OSError as error:
        raise ConfigError(file, None, f"cannot be written: {error.strerror}") from error


def _declare_merge(file: str, console: Console) -> None:
    """Have git keep both sides' lines where two branches add at the same spot."""
    folder = os.path.dirname(os.path.realpath(file))
    tree = worktree_root(folder)
    if tree is None:
        return
    attributes = os.path.relpath(os.path.join(folder, ".gitattributes"))
    line = f"{os.path.basename(file)} {_MERGE}"
    try:
        before = decoded(read_regular(attributes, CONFIGURATION_LIMIT, inside=tree), attributes)
    except FileNotFoundError:
        before = ""
    except OSError as error:
        raise ConfigError(
            attributes, None, f"cannot be read, so it lacks {line!r}: {error.strerror}"
        ) from error
    if line in before.splitlines():
        return
    _write(attributes, f"{before}{'' if not before or before.endswith(chr(10)) else chr(10)}{line}\n")
    console.note(f"{attributes}: {line} was added, so that branches merge; commit it with the baseline")

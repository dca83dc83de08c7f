"""How a change that is not merged yet is judged: by what it is to be merged into.

Whoever proposes a change chooses its files, so neither its configuration, nor its baseline, nor its rules,
nor a marker that it brings may decide on the keys that it brings. All of these are read from the base, a
commit of the receiving side, by object; what lies in the work tree decides nothing.
"""

from __future__ import annotations

import os
import posixpath
import tempfile
from typing import TYPE_CHECKING, Final

from keyleak.commands.settings import FoundConfiguration, Reads, Stated, configured
from keyleak.coverage import Gap
from keyleak.decisions.configuration import BASELINE_NAME, TOML_NAME, YAML_NAME
from keyleak.decisions.proposals import with_merged_markers, with_proposal
from keyleak.errors import ConfigError, KeyleakError, SourceError, UsageError
from keyleak.git.checkout import worktree_root
from keyleak.git.committed import CommittedFiles
from keyleak.key_shapes import mask_key_shapes
from keyleak.records import dataclass, replace
from keyleak.regular_file import read_given
from keyleak.rulebook.provenance import Provenance, RuleFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack

    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.decisions.baseline import Baseline
    from keyleak.decisions.engine import Decided, Decisions
    from keyleak.decisions.proposals import Merged
    from keyleak.findings import Finding

MOST_CONFIGURATION: Final = 1 << 20
MOST_BASELINE: Final = 64 << 20
_MOST_RULE_FILE: Final = 1 << 20
_MOST_RULE_FILES: Final = 500
_RULE_FILES: Final = (".yaml", ".yml")
_MOST_HEADS: Final = 16
_SHORT: Final = 12


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
    reader = _StatedAt(options, base, base.commit)
    stated = reader.stated(leaving)
    named_rules = reader.named_rules(leaving, console)
    files = replace(options, config=None, baseline=None, rule_folders=named_rules)
    settled = configured(files, ["."], Reads.HISTORY, console, stated=stated)
    proposed, gaps = _proposals(files, options, base, console)
    assert settled.settings is not None
    review = Review(_merged_markers(base, settled.rule_folders), proposed, gaps)
    return replace(settled, settings=replace(settled.settings, review=review))


def _proposals(
    files: ReportOptions, options: ReportOptions, base: Base, console: Console
) -> tuple[tuple[Decisions, ...], tuple[Gap, ...]]:
    """What the heads would decide, and what of that cannot be read."""
    proposed, gaps = [], []
    # Only an explanation hangs on it; a push may bring thousands of refs.
    for head in [head for head in dict.fromkeys(base.heads) if head != base.commit][:_MOST_HEADS]:
        try:
            stated = _StatedAt(options, base, head).stated(None)
            settings = configured(files, ["."], Reads.HISTORY, console, stated=stated).settings
        except KeyleakError as error:
            # It decides nothing, but whoever merges it would stop every scan that follows.
            gaps.append(Gap("proposed configuration", mask_key_shapes(str(error))))
            continue
        assert settings is not None
        proposed.append(settings.decisions)
    return tuple(proposed), tuple(gaps)


def _merged_markers(
    base: Base, rule_folders: tuple[RuleFolder, ...]
) -> Callable[[Sequence[Finding]], Merged]:
    def merged(findings: Sequence[Finding]) -> Merged:
        # Reads objects, which few changes need.
        from keyleak.commands.merged_markers import MergedMarkers  # noqa: PLC0415

        return MergedMarkers(base, findings, rule_folders).has

    return merged


class _StatedAt:
    """What a commit states, in the files that the options name or in those of the usual names."""

    def __init__(self, options: ReportOptions, base: Base, commit: str | None) -> None:
        self._options = options
        self._base = base
        self._files = CommittedFiles(base.repository, commit, base.keep) if commit else None
        self._tree = worktree_root(os.path.realpath("."))

    def stated(self, leaving: ExitStack | None) -> Stated:
        """Configuration, baseline and rules.

        Args:
            leaving: removes the rules, which are written to a folder; None leaves rules out.

        Raises:
            ConfigError: a file is wrong, or no regular file.
        """
        path, found = self._configuration()
        said = found.content if found else None
        rules = said.rules if said and leaving else ()
        return Stated(
            found,
            self._baseline(self._beside(path, said.baseline) if said and said.baseline else None),
            tuple(
                RuleFolder(self._written(self._beside(path, each), leaving), Provenance.REPOSITORY)
                for each in rules
                if leaving
            ),
        )

    def named_rules(self, leaving: ExitStack, console: Console) -> tuple[RuleFolder, ...]:
        """The rule folders of the command line, those of the repository as this commit has them."""
        folders = []
        for folder in self._options.rule_folders:
            inside = self._inside(folder.path)
            if inside is None:
                folders.append(folder)
            elif self._files is not None and self._files.has(inside):
                folders.append(folder._replace(path=self._written(inside, leaving)))
            else:
                console.note(f"{folder.path} is proposed by this change: its rules count once it is merged")
        return tuple(folders)

    def _configuration(self) -> tuple[str, FoundConfiguration | None]:
        """The configuration and its path from the top of the tree."""
        named = self._options.config
        if named is not None:
            inside = self._inside(named)
            if inside is None:
                return named, _parsed(named, named, _own_file(named, MOST_CONFIGURATION))
            return inside, self._committed(inside)
        if self._options.no_config:
            return "", None
        found = [(name, self._committed(name)) for name in (YAML_NAME, TOML_NAME)]
        both = [(name, each) for name, each in found if each is not None]
        if len(both) > 1:
            raise ConfigError(TOML_NAME, None, f"holds [tool.keyleak], and so does {YAML_NAME}; keep one")
        return both[0] if both else ("", None)

    def _committed(self, path: str) -> FoundConfiguration | None:
        content = self._read(path, MOST_CONFIGURATION)
        return None if content is None else _parsed(path, self._label(path), content)

    def _baseline(self, stated: str | None) -> tuple[str, Baseline] | None:
        named = self._options.baseline
        inside = self._inside(named) if named is not None else stated
        if named is not None and inside is None:
            return named, _baseline(named, _own_file(named, MOST_BASELINE))
        if inside is None and self._options.no_config:
            return None
        content = self._read(inside or BASELINE_NAME, MOST_BASELINE)
        if content is None:
            if stated is not None:
                raise ConfigError(self._label(stated), None, "no such baseline")
            return None
        return self._label(inside or BASELINE_NAME), _baseline(self._label(inside or BASELINE_NAME), content)

    def _written(self, folder: str, leaving: ExitStack) -> str:
        """A folder of rules as this commit has it, written where nobody else writes."""
        if self._files is None:
            raise ConfigError(folder, None, "no commit to judge by has this folder of rules")
        try:
            files = self._files.folder(folder, _RULE_FILES, _MOST_RULE_FILES, _MOST_RULE_FILE)
        except SourceError as error:
            raise ConfigError(self._label(folder), None, error.reason) from error
        target = leaving.enter_context(tempfile.TemporaryDirectory(prefix="keyleak-rules-"))
        for name, content in files.items():
            with open(os.path.join(target, name), "xb") as file:
                file.write(content)
        return target

    def _read(self, path: str, most: int) -> bytes | None:
        if self._files is None:
            return None
        try:
            return self._files.read(path, most)
        except SourceError as error:
            raise ConfigError(path, None, error.reason) from error

    def _inside(self, named: str) -> str | None:
        """The path in the tree of a file that the command line names; None for one of the machine's own.

        It is one of the repository's if the base or the change has it, or anything on the way to it.
        """
        commits = [commit for commit in (self._base.commit, *self._base.heads) if commit]
        known = [CommittedFiles(self._base.repository, commit, self._base.keep) for commit in commits]
        for path in (os.path.abspath(named), os.path.realpath(named)):
            inside = self._below_tree(path)
            if inside is not None and any(files.has_beginning(inside) for files in known):
                return inside
        return None

    def _below_tree(self, path: str) -> str | None:
        """A path as seen from the tree; links in the tree, maybe of the change, are not followed."""
        parts = path.split(os.sep)
        for length in range(1, len(parts)):
            folder = os.sep.join(parts[:length]) or os.sep
            if self._tree is not None and _is_same(folder, self._tree):
                return posixpath.join(*parts[length:])
        return None

    def _beside(self, configuration: str, named: str) -> str:
        """A path in the tree, of a file that a configuration names as seen from itself."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(configuration), named))
        if named.startswith(("~", "/")) or path.startswith(".."):
            raise ConfigError(
                self._label(configuration),
                None,
                f"{named} is not in the repository; name it on the command line instead",
            )
        return path

    def _label(self, path: str) -> str:
        return f"{path} of {self._files.commit[:_SHORT]}" if self._files else path


def _parsed(name: str, label: str, content: bytes) -> FoundConfiguration | None:
    from keyleak.decisions.config_reader import read_configuration  # noqa: PLC0415 - only where there is one

    said = read_configuration(_text(label, content), name)
    folder = os.path.realpath(os.path.dirname(label) or ".")
    return None if said is None else FoundConfiguration(label, said, folder)


def _baseline(label: str, content: bytes) -> Baseline:
    from keyleak.decisions.baseline import read_baseline  # noqa: PLC0415 - only where there is one

    return read_baseline(_text(label, content), label)


def _text(label: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(label, None, f"is not UTF-8: {error.reason} at byte {error.start}") from error


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _own_file(file: str, most: int) -> bytes:
    try:
        return read_given(file, most)
    except OSError as error:
        raise ConfigError(file, None, f"cannot be read: {error.strerror}") from error

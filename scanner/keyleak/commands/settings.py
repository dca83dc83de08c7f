"""Which configuration and baseline a scan goes by.

What a repository says of itself counts only in the user's own checkout (`keyleak.git.checkout`), or where the
user names the file. Otherwise it is left alone, and a note says so.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from keyleak.commands.user_files import decoded, given_bytes, own_bytes
from keyleak.decisions.configuration import BASELINE_NAME, TOML_NAME, YAML_NAME, Configuration
from keyleak.decisions.engine import Decisions
from keyleak.decisions.entries import PathBase
from keyleak.errors import ConfigError, UsageError
from keyleak.findings import Severity
from keyleak.git.checkout import holding_tree, own_checkout, worktree_root
from keyleak.records import dataclass, replace
from keyleak.regular_file import (
    BASELINE_LIMIT,
    CONFIGURATION_LIMIT,
    resolved_inside,
)
from keyleak.rulebook.provenance import Provenance, RuleFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.commands.review import Review
    from keyleak.decisions.baseline import Baseline


class Reads(Enum):
    """What a command reads."""

    FILES = "files"
    INDEX = "index"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Settings:
    """What was settled before the scan."""

    decisions: Decisions
    config: str | None = None
    """The configuration's file."""
    baseline: str | None = None
    """The baseline's file."""
    sees_all: bool = False
    """Whether all files that the configuration speaks of are read: what then matches nothing is stale."""
    ignores_markers: bool = False
    """Whether markers are ignored because the repository may be a stranger's."""
    review: Review | None = None
    """How a change is judged that is not merged yet; None where what lies in the files decides."""

    @property
    def traces_gaps(self) -> bool:
        """Whether the paths that history had of an unread object decide on it."""
        return any(entry.path is not None for entry in self.decisions.gaps)


@dataclass(frozen=True, slots=True)
class FoundConfiguration:
    """A configuration and its file."""

    file: str
    """Its name for messages."""
    content: Configuration
    folder: str
    """The folder that its paths begin at, absolute and without links."""

    @property
    def tree(self) -> str:
        """What its paths may not lead out of: the work tree that holds it, else its folder."""
        return worktree_root(self.folder) or self.folder

    def path(self, name: str) -> str:
        """A path in the configuration, as seen from here.

        Raises:
            ConfigError: it leads out of the repository: a configuration decides what is read and written in
                its own only.
        """
        full = os.path.join(self.folder, os.path.expanduser(name))
        try:
            resolved_inside(full, self.tree)
        except OSError as error:
            raise ConfigError(
                self.file,
                None,
                f"{name!r} {error.strerror}: a configuration names files of its own repository; "
                "name others on the command line (--rules, --baseline)",
            ) from error
        return os.path.relpath(full)

    @property
    def rule_folders(self) -> tuple[RuleFolder, ...]:
        """The folders of rule files that it names; what they may say is bounded.

        Raises:
            ConfigError: one leads out of the repository.
        """
        return tuple(RuleFolder(self.path(name), Provenance.REPOSITORY) for name in self.content.rules)


@dataclass(frozen=True, slots=True)
class Stated:
    """A configuration and a baseline that were read elsewhere than from files: from a commit."""

    configuration: FoundConfiguration | None = None
    baseline: tuple[str, Baseline] | None = None
    """With the name that reports give it."""
    rule_folders: tuple[RuleFolder, ...] = ()
    """Where the rules are that the configuration names."""


def configured(
    options: ReportOptions,
    roots: Sequence[str],
    reads: Reads,
    console: Console,
    *,
    with_baseline: bool = True,
    stated: Stated | None = None,
) -> ReportOptions:
    """The options together with what the configuration and the baseline add to them.

    Args:
        options: what the command line says; it outranks the configuration.
        roots: what is to be read.
        reads: as what.
        console: told what is ignored.
        with_baseline: whether known keys are told apart.
        stated: what counts instead of configuration and baseline in files.

    Raises:
        ConfigError: a file is wrong or cannot be read.
        UsageError: options that exclude each other.
    """
    if options.config is not None and options.no_config:
        raise UsageError("--config and --no-config exclude each other")
    own = own_checkout([root for root in roots if root != "-"])
    found = stated.configuration if stated else _configuration(options, own)
    if stated is None and (own is None or options.no_config):
        _tell_ignored(options, roots, console)
    said = found.content if found else Configuration()
    trusted = reads is not Reads.HISTORY or own is not None or stated is not None
    inline = _first(options.inline, said.inline, trusted)
    baseline, known = None, None
    if stated is not None or with_baseline:
        baseline, known = stated.baseline or (None, None) if stated else _baseline(options, own, found)
    decisions = _decisions(options, said, found, inline=inline, baseline=known)
    settings = Settings(
        decisions,
        config=found.file if found else None,
        baseline=baseline,
        sees_all=found is not None and reads is Reads.FILES and _cover(roots, found.folder),
        ignores_markers=not inline and options.inline is None and said.inline is None,
    )
    folders = stated.rule_folders if stated else found.rule_folders if found else ()
    return replace(
        options,
        rule_folders=(*options.rule_folders, *folders),
        issuers=decisions.issuers,
        settings=settings,
    )


def _baseline(
    options: ReportOptions, own: str | None, found: FoundConfiguration | None
) -> tuple[str | None, Baseline | None]:
    """The baseline's file and content."""
    file = baseline_file(options, own, found)
    if file is None:
        return None, None
    inside = None if options.baseline is not None else found.tree if found else own
    return file, load_baseline(file, inside)


def _decisions(
    options: ReportOptions,
    said: Configuration,
    found: FoundConfiguration | None,
    *,
    inline: bool,
    baseline: Baseline | None,
) -> Decisions:
    """What decides on findings; the command line outranks the configuration."""
    return Decisions(
        allow=said.allow,
        severities=said.severities,
        gaps=said.gaps,
        baseline=baseline,
        inline=inline,
        issuers=options.issuers or frozenset(said.issuers),
        min_severity=options.min_severity or said.min_severity or Severity.NOTE,
        today=datetime.now(UTC).date(),
        paths=PathBase(os.path.realpath("."), found.folder) if found else None,
    )


def configuration_at(file: str) -> FoundConfiguration:
    """The configuration that a user names.

    Raises:
        ConfigError: it cannot be read or is wrong.
    """
    found = configuration_from(given_bytes(file, CONFIGURATION_LIMIT), file)
    if found is None:
        raise ConfigError(file, None, "has no table [tool.keyleak]")
    return found


def configuration_in(folder: str) -> FoundConfiguration | None:
    """The configuration of a folder, or None.

    Raises:
        ConfigError: it cannot be read or is wrong, or there are two.
    """
    found = []
    for name in (YAML_NAME, TOML_NAME):
        file = os.path.relpath(os.path.join(folder, name))
        if os.path.lexists(file):
            content = own_bytes(file, CONFIGURATION_LIMIT, folder)
            if (each := configuration_from(content, file)) is not None:
                found.append(each)
    if len(found) > 1:
        raise ConfigError(
            found[1].file, None, f"holds [tool.keyleak] beside {found[0].file}; keep one of them"
        )
    return found[0] if found else None


def own_file(folder: str) -> tuple[str, bytes]:
    """The name and the content of a folder's configuration, whatever is wrong with it.

    Raises:
        ConfigError: it cannot be read, or there are two.
        UsageError: there is none.
    """
    from keyleak.decisions.config_reader import read_leniently  # noqa: PLC0415 - as below

    files = [os.path.relpath(os.path.join(folder, name)) for name in (YAML_NAME, TOML_NAME)]
    found = [(file, own_bytes(file, CONFIGURATION_LIMIT, folder)) for file in files if os.path.lexists(file)]
    saying = [
        (file, content)
        for file, content in found
        if file.endswith(YAML_NAME) or read_leniently(decoded(content, file), file)[0] is not None
    ]
    if len(saying) > 1:
        reason = f"holds [tool.keyleak] beside {saying[0][0]}; keep one of them"
        raise ConfigError(saying[1][0], None, reason)
    if not saying:
        raise UsageError("no .keyleak.yaml and no [tool.keyleak] here; name the file to check")
    return saying[0]


def configuration_from(content: bytes, file: str, folder: str | None = None) -> FoundConfiguration | None:
    """The configuration in a content, wherever that was read from: a file, an object of git's.

    Args:
        content: the bytes.
        file: its name, for messages; one that ends in `.toml` is read as TOML.
        folder: where its paths begin; None for the folder of the file.

    Returns:
        None for TOML without a table for keyleak.

    Raises:
        ConfigError: it is wrong, with the line.
    """
    # Imported only where there is one: start-up is part of the product.
    from keyleak.decisions.config_reader import read_configuration  # noqa: PLC0415

    read = read_configuration(decoded(content, file), file)
    where = os.path.realpath(folder if folder is not None else os.path.dirname(file) or ".")
    return None if read is None else FoundConfiguration(file, read, where)


def baseline_from(content: bytes, file: str) -> Baseline:
    """The baseline in a content; see `configuration_from`.

    Raises:
        ConfigError: it is damaged.
    """
    from keyleak.decisions.baseline import read_baseline  # noqa: PLC0415 - as above

    return read_baseline(decoded(content, file), file)


def load_baseline(file: str, inside: str | None = None) -> Baseline:
    """The baseline in a file.

    Args:
        file: its name.
        inside: the folder that it may not lead out of, where a repository and not the user named it.

    Raises:
        ConfigError: it is missing, cannot be read or is damaged.
    """
    if not os.path.lexists(file):
        raise ConfigError(file, None, "no such baseline; `keyleak baseline create` makes one")
    if inside is not None:
        return baseline_from(own_bytes(file, BASELINE_LIMIT, inside), file)
    return baseline_from(given_bytes(file, BASELINE_LIMIT), file)


def baseline_file(options: ReportOptions, own: str | None, found: FoundConfiguration | None) -> str | None:
    """The baseline in force: the one named, the configuration's, or the one at the top of the checkout."""
    if options.baseline is not None:
        return options.baseline
    if found is not None and found.content.baseline is not None:
        return found.path(found.content.baseline)
    if own is None or options.no_config:
        return None
    file = os.path.relpath(os.path.join(own, BASELINE_NAME))
    return file if os.path.lexists(file) else None


def _configuration(options: ReportOptions, own: str | None) -> FoundConfiguration | None:
    if options.config is not None:
        return configuration_at(options.config)
    return None if own is None or options.no_config else configuration_in(own)


def _tell_ignored(options: ReportOptions, roots: Sequence[str], console: Console) -> None:
    """Say what lies there and is not read."""
    folders = {holding_tree(root) or os.path.realpath(root) for root in roots if root != "-"}
    why = "--no-config" if options.no_config else "it may be a stranger's"
    for folder in sorted(folders):
        if os.path.lexists(os.path.join(folder, YAML_NAME)) and options.config is None:
            console.note(f"{os.path.join(folder, YAML_NAME)} is ignored ({why}); --config FILE reads it")
        if os.path.lexists(os.path.join(folder, BASELINE_NAME)) and options.baseline is None:
            console.note(
                f"{os.path.join(folder, BASELINE_NAME)} is ignored ({why}); --baseline FILE reads it"
            )


def _cover(roots: Sequence[str], folder: str) -> bool:
    real = (os.path.realpath(root) for root in roots if root != "-")
    return any(folder == root or folder.startswith(root.rstrip("/") + "/") for root in real)


def _first(*values: bool | None) -> bool:
    return next(value for value in values if value is not None)

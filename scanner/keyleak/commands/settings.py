"""Which configuration and baseline a scan goes by.

What a repository says of itself counts only in the user's own checkout (`keyleak.git.checkout`), or where the
user names the file. Otherwise it is left alone, and a note says so.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from keyleak.decisions.configuration import BASELINE_NAME, TOML_NAME, YAML_NAME, Configuration
from keyleak.decisions.engine import Decisions
from keyleak.decisions.entries import PathBase
from keyleak.errors import ConfigError, UsageError
from keyleak.findings import Severity
from keyleak.git.checkout import holding_tree, own_checkout
from keyleak.records import dataclass, replace

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


@dataclass(frozen=True, slots=True)
class FoundConfiguration:
    """A configuration and its file."""

    file: str
    content: Configuration

    @property
    def folder(self) -> str:
        """The folder of the file, absolute."""
        return os.path.dirname(os.path.realpath(self.file))

    def path(self, name: str) -> str:
        """A path in the configuration, as seen from here."""
        return os.path.relpath(os.path.join(self.folder, os.path.expanduser(name)))


@dataclass(frozen=True, slots=True)
class Stated:
    """A configuration and a baseline that were read elsewhere than from files: from a commit."""

    configuration: FoundConfiguration | None = None
    baseline: tuple[str, Baseline] | None = None
    """With the name that reports give it."""
    rule_folders: tuple[str, ...] = ()
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
    if stated is not None:
        baseline, known = stated.baseline or (None, None)
    elif with_baseline and (baseline := baseline_file(options, own, found)) is not None:
        known = load_baseline(baseline)
    decisions = _decisions(options, said, found, inline=inline, baseline=known)
    settings = Settings(
        decisions,
        config=found.file if found else None,
        baseline=baseline,
        sees_all=found is not None and reads is Reads.FILES and _cover(roots, found.folder),
        ignores_markers=not inline and options.inline is None and said.inline is None,
    )
    folders = tuple(found.path(folder) for folder in said.rules) if found else ()
    if stated is not None:
        folders = stated.rule_folders
    return replace(
        options,
        rule_folders=(*options.rule_folders, *folders),
        issuers=decisions.issuers,
        settings=settings,
    )


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
    content = _read(file)
    if content is None:
        raise ConfigError(file, None, "has no table [tool.keyleak]")
    return FoundConfiguration(file, content)


def configuration_in(folder: str) -> FoundConfiguration | None:
    """The configuration of a folder, or None.

    Raises:
        ConfigError: it cannot be read or is wrong, or there are two.
    """
    found = []
    for name in (YAML_NAME, TOML_NAME):
        file = os.path.relpath(os.path.join(folder, name))
        if os.path.lexists(file) and (content := _read(file)) is not None:
            found.append(FoundConfiguration(file, content))
    if len(found) > 1:
        raise ConfigError(
            found[1].file, None, f"holds [tool.keyleak] beside {found[0].file}; keep one of them"
        )
    return found[0] if found else None


def load_baseline(file: str) -> Baseline:
    """The baseline in a file.

    Raises:
        ConfigError: it is missing, cannot be read or is damaged.
    """
    if not os.path.lexists(file):
        raise ConfigError(file, None, "no such baseline; `keyleak baseline create` makes one")
    # Imported only where there is one: start-up is part of the product.
    from keyleak.decisions.baseline import read_baseline  # noqa: PLC0415

    return read_baseline(text_of(file), file)


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


def text_of(file: str) -> str:
    """The text of a file of the user's.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with open(file, encoding="utf-8") as content:
            return content.read()
    except OSError as error:
        raise ConfigError(file, None, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(file, None, f"is not UTF-8: {error.reason} at byte {error.start}") from error


def _read(file: str) -> Configuration | None:
    from keyleak.decisions.config_reader import read_configuration  # noqa: PLC0415 - as above

    return read_configuration(text_of(file), file)


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

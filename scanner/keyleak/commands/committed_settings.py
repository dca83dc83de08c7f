"""Configuration, baseline and rules as a commit has them, whatever lies in the checkout.

The command line names files of the repository and files of the machine. Which of the two a name means is
decided by the commits: a link or a submodule that a change brings leads to nothing.
"""

from __future__ import annotations

import os
import posixpath
import tempfile
from typing import TYPE_CHECKING, Final

from keyleak.commands.settings import (
    Stated,
    baseline_from,
    configuration_at,
    configuration_from,
    load_baseline,
)
from keyleak.decisions.configuration import BASELINE_NAME, TOML_NAME, YAML_NAME
from keyleak.errors import ConfigError, SourceError
from keyleak.git.checkout import worktree_root
from keyleak.records import replace
from keyleak.regular_file import BASELINE_LIMIT, CONFIGURATION_LIMIT
from keyleak.rulebook.provenance import Provenance, RuleFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.commands.settings import FoundConfiguration
    from keyleak.decisions.baseline import Baseline
    from keyleak.git.committed import CommittedFiles

_MOST_RULE_FILES: Final = 500
_RULE_FILES: Final = (".yaml", ".yml")
_SHORT: Final = 12


class CommittedSettings:
    """What a commit states, in the files that the options name or in those of the usual names."""

    def __init__(
        self, options: ReportOptions, commits: Sequence[CommittedFiles], files: CommittedFiles | None
    ) -> None:
        """Know where to look.

        Args:
            options: what the command line says.
            commits: the base and the change: what any of them has is a file of the repository.
            files: the one that is read; None for no commit, which states nothing.
        """
        self._options = options
        self._commits = commits
        self._files = files
        self._tree = worktree_root(os.path.realpath("."))

    def stated(self, leaving: ExitStack | None, console: Console) -> Stated:
        """Configuration, baseline and rules.

        Args:
            leaving: removes the rules, which are written to a folder; None leaves rules out.
            console: told of files that the command line names and the commit lacks.

        Raises:
            ConfigError: a file is wrong, or no regular file.
        """
        path, found = self._configuration()
        named = self._options.config
        if named is not None and found is None and leaving:
            console.note(f"{named} is not in what this is judged by, so no configuration counts")
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
            return (named, configuration_at(named)) if inside is None else (inside, self._committed(inside))
        if self._options.no_config:
            return "", None
        found = [(name, self._committed(name)) for name in (YAML_NAME, TOML_NAME)]
        both = [(name, each) for name, each in found if each is not None]
        if len(both) > 1:
            raise ConfigError(TOML_NAME, None, f"holds [tool.keyleak], and so does {YAML_NAME}; keep one")
        return both[0] if both else ("", None)

    def _committed(self, path: str) -> FoundConfiguration | None:
        content = self._read(path, CONFIGURATION_LIMIT)
        if content is None:
            return None
        try:
            # Its paths begin at the top of what is checked out; they are looked up in the commit alone.
            found = configuration_from(content, path, ".")
        except ConfigError as error:
            raise ConfigError(self._label(path), error.line, error.reason) from error
        return found and replace(found, file=self._label(path))

    def _baseline(self, stated: str | None) -> tuple[str, Baseline] | None:
        named = self._options.baseline
        inside = self._inside(named) if named is not None else stated
        if named is not None and inside is None:
            return named, load_baseline(named)
        if inside is None and self._options.no_config:
            return None
        path = inside or BASELINE_NAME
        content = self._read(path, BASELINE_LIMIT)
        if content is not None:
            return self._label(path), baseline_from(content, self._label(path))
        if stated is not None and named is None:
            raise ConfigError(self._label(stated), None, "no such baseline")
        return None

    def _written(self, folder: str, leaving: ExitStack) -> str:
        """A folder of rules as this commit has it, written where nobody else writes."""
        if self._files is None:
            raise ConfigError(folder, None, "no commit to judge by has this folder of rules")
        try:
            files = self._files.folder(folder, _RULE_FILES, _MOST_RULE_FILES, CONFIGURATION_LIMIT)
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
            raise ConfigError(self._label(path), None, error.reason) from error

    def _inside(self, named: str) -> str | None:
        """The path in the tree of a file that the command line names; None for one of the machine's own.

        It is one of the repository's if the base or the change has it, or anything on the way to it.
        """
        for path in (os.path.abspath(named), os.path.realpath(named)):
            inside = self._below_tree(path)
            if inside is not None and any(each.has_beginning(inside) for each in self._commits):
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


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False

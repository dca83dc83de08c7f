"""Who chose a rule file, and so what it may decide.

Built-in files come with the program. The user's are those in folders named on the command line and in the
user's own configuration folder. Any other came with a repository: it may add keys to look for, and decides
nothing about those that the others speak of.
"""

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import Final, NamedTuple

from keyleak.cache_file import is_in_work_tree, is_ours
from keyleak.errors import RuleError
from keyleak.records import dataclass


class Provenance(Enum):
    """Who chose a rule file."""

    BUILT_IN = "built-in"
    USER = "user"
    REPOSITORY = "repository"

    @property
    def is_trusted(self) -> bool:
        """Whether its files say where keys may be sent and which keys are none."""
        return self is not Provenance.REPOSITORY


class RuleFolder(NamedTuple):
    """A folder of rule files."""

    path: str
    provenance: Provenance
    is_named: bool = False
    """Whether the user named it on the command line."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file as it was read."""

    name: str
    """As the user knows it."""
    provenance: Provenance
    content: bytes

    def text(self) -> str:
        """Its text.

        Raises:
            RuleError: it is not UTF-8.
        """
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RuleError(self.name, None, f"is not UTF-8: {error.reason} at byte {error.start}") from error


_FOLDER: Final = ("keyleak", "rules")


def named_folders(paths: tuple[str, ...]) -> tuple[RuleFolder, ...]:
    """The folders that a user names, behind the one that is always read."""
    named = tuple(RuleFolder(path, Provenance.USER, is_named=True) for path in paths)
    return (*own_folders(), *named)


def own_folders() -> tuple[RuleFolder, ...]:
    """The folder of rule files in this user's configuration, where there is one.

    Raises:
        RuleError: it belongs to somebody else, or others may write to it.
    """
    path = own_folder_path()
    # One in the work tree may have come with the repository.
    if path is None or not os.path.isdir(path) or is_in_work_tree(path):
        return ()
    real = os.path.realpath(path)
    # Whoever can write there, or exchange the folder above it, would choose where keys are sent.
    for folder in (os.path.dirname(real), real):
        if not is_ours(folder):
            raise RuleError(
                folder,
                None,
                "belongs to somebody else, or others may write to it: its rules say where keys are sent "
                "(chmod go-w, or remove it)",
            )
    return (RuleFolder(path, Provenance.USER),)


def own_folder_path() -> str | None:
    """Where this user's own rule files are: in `XDG_CONFIG_HOME`, or where the platform has such.

    None where there is no home of this user's.
    """
    if not hasattr(os, "geteuid"):
        return None
    parent = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(parent):
        home = os.path.expanduser("~")
        # Under sudo the home may be another user's: nothing there speaks for root.
        if not os.path.isabs(home) or not is_ours(home):
            return None
        parent = os.path.join(home, "Library/Application Support" if sys.platform == "darwin" else ".config")
    return os.path.join(parent, *_FOLDER)

"""The private folder of a rewrite, and how far it is, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from keyleak.errors import KeyleakError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SCHEMA: Final = "keyleak/fix/1"
_STATE: Final = "state.json"


class Step(IntEnum):
    """What was done last."""

    OPENED = 0
    CLONED = 1
    SAVED = 2
    REWRITING = 3
    """Begun: the clone is in no known state."""
    REWRITTEN = 4
    PROVEN = 5


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder for its owner alone."""

    folder: str
    """Its absolute path."""

    @property
    def mirror(self) -> str:
        """The clone that is rewritten."""
        return os.path.join(self.folder, "rewritten.git")

    @property
    def bundle(self) -> str:
        """Everything as it was before."""
        return os.path.join(self.folder, "backup.bundle")

    @property
    def kit(self) -> str:
        """What filter-repo is given, with keys in the clear."""
        return os.path.join(self.folder, "kit")

    def write(self, name: str, content: bytes) -> str:
        """Write a file that only its owner reads, whole or not at all; returns its path.

        Raises:
            KeyleakError: it could not be written.
        """
        path = os.path.join(self.folder, name)
        part = f"{path}.part"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb"
            ) as file:
                file.write(content)
            os.replace(part, path)
        except OSError as error:
            raise KeyleakError(f"{path} could not be written: {error.strerror}") from error
        return path

    def remove_mirror(self) -> None:
        """Remove the clone.

        Raises:
            KeyleakError: it could not be removed.
        """
        try:
            if os.path.lexists(self.mirror):
                shutil.rmtree(self.mirror)
        except OSError as error:
            raise KeyleakError(f"{self.mirror} could not be removed: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class State:
    """How far a rewrite is."""

    repository: str
    keys: tuple[str, ...]
    """Ids of the keys to remove."""
    refs: Mapping[str, str]
    """Refs of the repository when it was cloned; empty before."""
    step: Step

    def at(self, step: Step) -> State:
        """The same, one step on."""
        return replace(self, step=step)

    def save(self, workspace: Workspace) -> None:
        """Write it down.

        Raises:
            KeyleakError: it could not be written.
        """
        content = {
            "schema": _SCHEMA,
            "repository": self.repository,
            "keys": list(self.keys),
            "refs": dict(self.refs),
            "step": self.step.name.lower(),
        }
        workspace.write(_STATE, json.dumps(content, indent=1).encode() + b"\n")


def open_workspace(folder: str, repository: str) -> Workspace:
    """A folder of our own: made, taken empty, or found again.

    Raises:
        UsageError: it holds something else, somebody else can change it, or it lies in the repository, where
            its keys would leak again.
        KeyleakError: it cannot be made.
    """
    path = os.path.realpath(folder)
    root = os.path.realpath(repository)
    if os.path.commonpath([path, root]) == root:
        raise UsageError(f"{folder} lies in the repository; --output must lead elsewhere")
    try:
        _check_private(path)
        os.makedirs(path, mode=0o700, exist_ok=True)
        _check_private(path)
        held = os.listdir(path)
        if held and _STATE not in held and not {name.removesuffix(".part") for name in held} <= {_STATE}:
            raise UsageError(f"{folder} is not empty and not of keyleak; name a new folder with --output")
        os.chmod(path, 0o700)
    except OSError as error:
        raise KeyleakError(f"{folder} cannot be used: {error.strerror}") from error
    return Workspace(path)


def _check_private(path: str) -> None:
    """Whether only this user and the system's administrator can put files into a folder or in its place.

    Args:
        path: absolute and without links; it may not be there yet.

    Raises:
        UsageError: somebody else can.
    """
    if not hasattr(os, "geteuid"):
        return
    for folder in (path, *_above(path)):
        try:
            status = os.lstat(folder)
        except FileNotFoundError:
            continue
        if status.st_uid != os.geteuid() and (folder == path or status.st_uid != 0):
            raise UsageError(f"{folder} belongs to another user, who could change what --output holds")
        by_others = status.st_mode & stat.S_IWOTH
        by_group = status.st_mode & stat.S_IWGRP and status.st_gid != os.getegid()
        # In a sticky folder, such as /tmp, nobody else can move what is ours.
        if (by_others or by_group) and (folder == path or not status.st_mode & stat.S_ISVTX):
            raise UsageError(f"{folder} can be written to by other users, so --output must lead elsewhere")


def _above(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def read_state(workspace: Workspace, repository: str, keys: Iterable[str]) -> State:
    """The state that a folder is in; a new one where it is new.

    Raises:
        UsageError: the folder belongs to another repository or to other keys, or its state cannot be read.
    """
    wanted = tuple(sorted(keys))
    if not os.path.exists(os.path.join(workspace.folder, _STATE)):
        return State(repository, wanted, {}, Step.OPENED)
    state = found_state(workspace, repository)
    if state.keys != wanted:
        raise UsageError(f"{workspace.folder} holds the rewrite of other keys; remove it, or name another")
    return state


def found_state(workspace: Workspace, repository: str) -> State:
    """The state of a folder that holds a rewrite.

    Raises:
        UsageError: it holds none, or that of another repository, or its state cannot be read.
    """
    path = os.path.join(workspace.folder, _STATE)
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        state = State(found["repository"], tuple(found["keys"]), found["refs"], Step[found["step"].upper()])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} cannot be read; remove the folder, or name another") from error
    if (found["schema"], state.repository) != (_SCHEMA, repository):
        raise UsageError(
            f"{workspace.folder} holds the rewrite of another repository; remove it, or name another"
        )
    return state

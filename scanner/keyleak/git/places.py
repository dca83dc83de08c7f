"""What a repository holds beside its objects: names of refs, the index, and the files of its git folder."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Gap
from keyleak.errors import GitError
from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Read as what they are: objects by id, the index by its listing, submodules as repositories of their own.
# What is read as objects, and what git computes from them.
_OBJECTS: Final = re.compile(
    r"objects/(?:[0-9a-f]{2}/[0-9a-f]{38}(?:[0-9a-f]{24})?"
    r"|pack/[^/]*\.(?:pack|idx|rev|bitmap|mtimes)|pack/multi-pack-index[^/]*"
    r"|info/commit-graphs?(?:/[^/]*)?)"
)
_READ_ELSEWHERE: Final = frozenset({"objects", "modules", "refs", "index", "sharedindex"})


class PlaceKind(Enum):
    """What kind of place a text comes from."""

    REF_NAMES = "ref-names"
    REFLOG = "reflog"
    CONFIG = "config"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file of the git folder."""

    kind: PlaceKind
    path: str
    """Where it is."""
    name: str
    """Its path relative to the git folder."""


def git_folder(repository: str) -> str:
    """The git folder that a repository shares with its linked work trees.

    Raises:
        GitError: git does not take it for a repository, or does not trust it.
    """
    answer = run(["rev-parse", "--git-common-dir"], repository)
    return os.path.join(os.path.abspath(repository), os.fsdecode(answer.removesuffix(b"\n")))


def git_files(folder: str, note: Callable[[Gap], None]) -> Iterator[GitFile]:
    """The files of a git folder, linked work trees' included, but for those that are read in other ways.

    Args:
        folder: as `git_folder` gives it.
        note: told what could not be listed.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        for entry in _entries(here, note):
            name = os.path.relpath(entry.path, folder)
            if name == "objects":
                yield from _among_objects(entry.path, note)
            if _is_read_elsewhere(name):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif _is_regular(entry):
                yield GitFile(_kind(name), entry.path, name)


def _among_objects(objects: str, note: Callable[[Gap], None]) -> Iterator[GitFile]:
    """Files of an object folder that are no objects: why a pack is kept, what for, and what was left over."""
    waiting = [(objects, "objects")]
    while waiting:
        folder, shown = waiting.pop()
        for entry in _entries(folder, note):
            name = f"{shown}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, name))
            elif _OBJECTS.fullmatch(name) or not _is_regular(entry):
                continue
            elif entry.name.startswith("tmp_pack_"):
                reason = "a pack that git did not finish, which nobody can read; `git gc` removes it"
                note(Gap(name, reason))
            else:
                yield GitFile(PlaceKind.FILE, entry.path, name)


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False  # git removed it since it was listed


def staged_paths(repository: str, note: Callable[[Gap], None]) -> dict[bytes, list[str]]:
    """Paths by blob id in the index of every work tree.

    Args:
        repository: a work tree or a bare repository, which has no index but may have linked work trees.
        note: told which index could not be read.

    Raises:
        GitError: git does not take it for a repository.
    """
    folder = git_folder(repository)
    linked = [entry.path for entry in _entries(os.path.join(folder, "worktrees"), note)]
    staged: dict[bytes, list[str]] = {}
    for git_dir in (folder, *sorted(linked)):
        if not os.path.exists(os.path.join(git_dir, "index")):
            continue
        try:
            listing = run([f"--git-dir={git_dir}", "ls-files", "--stage", "-z"], repository)
        except GitError as error:
            name = os.path.relpath(os.path.join(git_dir, "index"), folder)
            note(Gap(name, f"what is staged is not known: {error}"))
            continue
        for entry in listing.split(b"\0"):
            if entry:
                mode_and_id, _, path = entry.partition(b"\t")
                staged.setdefault(bytes.fromhex(mode_and_id.split()[1].decode()), []).append(
                    os.fsdecode(path)
                )
    return staged


def _entries(folder: str, note: Callable[[Gap], None]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        note(Gap(folder, error.strerror or "cannot be listed"))
        return []


def _is_read_elsewhere(name: str) -> bool:
    parts = name.split(os.sep)
    own = parts[2:] if parts[0] == "worktrees" else parts
    if not own:
        return False
    return own[0] in _READ_ELSEWHERE or own[0].startswith("sharedindex.")


def _kind(name: str) -> PlaceKind:
    parts = name.split(os.sep)
    own = parts[2:] if parts[0] == "worktrees" else parts
    if own[0] == "logs":
        return PlaceKind.REFLOG
    return PlaceKind.CONFIG if own[-1] in {"config", "config.worktree", "packed-refs"} else PlaceKind.FILE

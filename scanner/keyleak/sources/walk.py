"""Which files there are: folders walked without following links, each path once, in batches.

Names decide nothing here. The folder that git keeps a repository in is left to `keyleak history`, and the
repository is named; it is recognised by what it holds, so that any other file or folder called `.git` is
read. Named pipes, sockets and devices hold no content and are never opened.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Gap
from keyleak.git.checkout import git_folder_of, is_git_folder
from keyleak.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Paths in a batch; their text together stays below the size of a pipe (see processes.py).
BATCH: Final = 256
_BATCH_TEXT: Final = 40 << 10
_GIT, _HEAD = ".git", "HEAD"
_OF_REPOSITORIES: Final = frozenset({_GIT, _HEAD})


@dataclass(frozen=True, slots=True)
class Batch:
    """Paths to read together."""

    files: tuple[str, ...]
    links: tuple[str, ...] = ()
    """Symbolic links, whose target text is read."""
    folders: tuple[str, ...] = ()
    """Folders found on the way: only their names are looked at."""


@dataclass(slots=True)
class Walk:
    """Walks roots and remembers what it could not."""

    roots: Sequence[str]
    leave_out: Callable[[str], bool] | None = None
    """Says of a path that it and what is below it is not wanted."""
    gaps: list[Gap] = field(default_factory=list)
    repositories: set[str] = field(default_factory=set)
    """Folders of repositories found below the roots, and roots that are bare repositories."""
    _files: list[str] = field(default_factory=list)
    _links: list[str] = field(default_factory=list)
    _folders: list[str] = field(default_factory=list)
    _text: int = 0

    def batches(self) -> Iterator[Batch]:
        """Every file and link below the roots, each once."""
        # Two roots can overlap; with one there is nothing to remember.
        seen: set[str] | None = set() if len(self.roots) > 1 else None
        for root in self.roots:
            yield from self._root(root, seen)
        if self._files or self._links or self._folders:
            yield self._take()

    def _root(self, root: str, seen: set[str] | None) -> Iterator[Batch]:
        try:
            mode = os.lstat(root).st_mode
            if stat.S_ISLNK(mode):
                # A link the user names is followed, one found on the way is not.
                self._links.append(root)
                root = os.path.realpath(root, strict=True)
                mode = os.stat(root).st_mode
        except (OSError, ValueError) as error:
            # Without its path: what was asked for and is not there, no entry of a configuration accepts.
            self.gaps.append(Gap(root, _words(error)))
            return
        if self._is_left_out(root):
            return
        if stat.S_ISDIR(mode):
            yield from self._folder(root, seen)
        elif stat.S_ISREG(mode):
            if _is_first(root, seen):
                self._files.append(root)
                self._text += len(root)
        else:
            reason = "is a named pipe, socket or device, which is not opened; pipe it into `keyleak scan -`"
            self.gaps.append(Gap(root, reason, paths=(root,)))
        if len(self._files) >= BATCH or self._is_full():
            yield self._take()

    def _is_left_out(self, root: str) -> bool:
        """Whether a root is not wanted, or a folder that it is in: what is below that is not named."""
        if self.leave_out is None:
            return False
        path = os.path.realpath(root)
        while path != os.path.dirname(path):
            if self.leave_out(path):
                return True
            path = os.path.dirname(path)
        return False

    def _folder(self, top: str, seen: set[str] | None) -> Iterator[Batch]:
        stack = [top]
        while stack:
            folder = stack.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._entry(entry, stack, seen, folder, top)
                        if len(self._files) >= BATCH or self._is_full():
                            yield self._take()
            except OSError as error:
                self.gaps.append(Gap(folder, _words(error), paths=(folder,)))

    def _is_git_folder(self, entry: os.DirEntry[str], folder: str, top: str) -> bool:
        """Whether an entry is the folder of a repository, which `history` reads; its repository is named."""
        if entry.name == _HEAD:
            # The files of a bare repository are read too; what its packs hold takes `history`.
            if is_git_folder(folder):
                self.repositories.add(folder)
            return False
        leads = git_folder_of(folder) is not None
        if leads and folder != top:
            self.repositories.add(folder)
        return leads and entry.is_dir(follow_symlinks=False)

    def _entry(
        self, entry: os.DirEntry[str], stack: list[str], seen: set[str] | None, folder: str, top: str
    ) -> None:
        if self.leave_out is not None and self.leave_out(entry.path):
            return
        if entry.name in _OF_REPOSITORIES and self._is_git_folder(entry, folder, top):
            return
        # The kind stands in the listing; nothing is opened or asked for to know it.
        if entry.is_file(follow_symlinks=False):
            wanted = self._files
        elif entry.is_dir(follow_symlinks=False):
            stack.append(entry.path)
            self._folders.append(entry.path)
            self._text += len(entry.path)
            return
        elif entry.is_symlink():
            wanted = self._links
        else:
            return
        if seen is None or _is_first(entry.path, seen):
            wanted.append(entry.path)
            self._text += len(entry.path)

    def _is_full(self) -> bool:
        return self._text >= _BATCH_TEXT or len(self._links) + len(self._folders) >= BATCH

    def _take(self) -> Batch:
        batch = Batch(tuple(self._files), tuple(self._links), tuple(self._folders))
        self._files, self._links, self._folders, self._text = [], [], [], 0
        return batch


def _is_first(path: str, seen: set[str] | None) -> bool:
    if seen is None:
        return True
    absolute = os.path.abspath(path)
    if absolute in seen:
        return False
    seen.add(absolute)
    return True


def _words(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__

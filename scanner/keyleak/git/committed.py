"""Files of a commit, read from its objects, whatever is checked out: regular ones, up to a stated size."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.errors import GitError, SourceError
from keyleak.git.process import run
from keyleak.git.single_objects import single_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_REGULAR: Final = frozenset({"100644", "100755"})
_MOST_ARGUMENTS: Final = 200
_KINDS: Final = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder"}


class Entry(NamedTuple):
    """One entry of a tree."""

    mode: str
    """As git writes it: `100644`."""
    oid: str
    path: str
    """From the top of the tree."""


class CommittedFiles:
    """What a commit holds."""

    def __init__(self, repository: str, commit: str, keep: Sequence[str] = ()) -> None:
        """Name them.

        Args:
            repository: where the commit is.
            commit: its id.
            keep: `GIT_*` variables to trust (see `keyleak.git.process`).
        """
        self.commit = commit
        self._repository = repository
        self._keep = keep

    def read(self, path: str, most: int) -> bytes | None:
        """The content of a regular file; None where the commit has nothing of that name.

        Args:
            path: from the top of the tree, separated by `/`.
            most: the bytes that it may have.

        Raises:
            SourceError: it is no regular file, larger than that, or its object is not here.
        """
        entry = next(iter(self._entries(path)), None)
        return None if entry is None else self._content(entry, most)

    def folder(self, path: str, endings: tuple[str, ...], most_files: int, most: int) -> dict[str, bytes]:
        """The content of the files right in a folder whose names have one of several endings, by name.

        Raises:
            SourceError: there is no such folder, it has too many of them, or see `read`.
        """
        within = () if path in {"", "."} else (path + "/",)
        found = [entry for entry in self._entries(*within) if entry.path.endswith(endings)]
        if not found or len(found) > most_files:
            said = f"holds {len(found)} files, more than {most_files}" if found else "has no such files"
            raise SourceError(path, f"{said} in commit {self.commit[:12]}")
        return {posixpath.basename(entry.path): self._content(entry, most) for entry in found}

    def has(self, path: str) -> bool:
        """Whether the commit has anything of that name."""
        return bool(self._entries(path))

    def has_beginning(self, path: str) -> bool:
        """Whether the commit has anything on the way to a path: a folder, a link, a submodule."""
        return bool(self._entries(path.partition("/")[0]))

    def regular(self, paths: Sequence[str]) -> list[Entry]:
        """The entries of those of several paths that are regular files."""
        found: list[Entry] = []
        for start in range(0, len(paths), _MOST_ARGUMENTS):
            found += self._entries(*paths[start : start + _MOST_ARGUMENTS])
        return [entry for entry in found if entry.mode in _REGULAR]

    def _entries(self, *paths: str) -> list[Entry]:
        command = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", self.commit, "--", *paths]
        listing = run(command, self._repository, keep=self._keep)
        return [_entry(line) for line in listing.split(b"\0") if line]

    def _content(self, entry: Entry, most: int) -> bytes:
        if entry.mode not in _REGULAR:
            kind = _KINDS.get(entry.mode, "something else")
            raise SourceError(entry.path, f"is {kind} in commit {self.commit[:12]}, not a regular file")
        try:
            with single_objects(self._repository, self._keep) as objects:
                return objects.read(entry.oid, most)[1]
        except GitError as error:
            raise SourceError(
                entry.path, f"cannot be read from commit {self.commit[:12]} (at most {most:,} bytes): {error}"
            ) from error


def commits_outside(repository: str, base: str, commits: Iterable[str], keep: Sequence[str] = ()) -> set[str]:
    """Which commits another one does not reach.

    Args:
        repository: where they are.
        base: the id of the other one.
        commits: ids.
        keep: `GIT_*` variables to trust (see `keyleak.git.process`).

    Raises:
        GitError: one of them is not here.
    """
    asked = set(commits)
    lines = "".join(f"{commit}\n" for commit in sorted(asked)) + f"^{base}\n"
    listing = run(["rev-list", "--stdin"], repository, stdin=lines.encode(), keep=keep)
    return asked.intersection(listing.decode().split())


def objects_within(repository: str, base: str, ids: Iterable[str], keep: Sequence[str] = ()) -> set[str]:
    """Which objects a commit reaches, itself or by one before it. Walks all of its history.

    Raises:
        GitError: history is not whole here.
    """
    command = ["rev-list", "--objects", "--no-object-names", "--end-of-options", base, "--"]
    return set(ids).intersection(run(command, repository, keep=keep).decode().split())


def _entry(line: bytes) -> Entry:
    facts, _, name = line.partition(b"\t")
    mode, _, oid = facts.decode().split(" ")
    return Entry(mode, oid, name.decode("utf-8", "surrogateescape"))

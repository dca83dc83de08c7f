"""What `git commit` would record: the entries of the index, all of them or those that HEAD has not."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.git.inherited import inherited_repository
from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyleak.git.inherited import Repository

# Trees without entries; git knows them without their being stored.
_EMPTY_TREES: Final = {
    20: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    32: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_SUBMODULE: Final = "160000"


class IndexEntry(NamedTuple):
    """A path of the index with content."""

    path: str
    """From the top of the work tree; undecodable bytes are surrogate-escaped (PEP 383)."""
    oid: bytes
    """The id of the blob: a file's content, or a symbolic link's target."""


class Staged(NamedTuple):
    """What was listed."""

    entries: tuple[IndexEntry, ...]
    """In order of path; a path in conflict once for each version that it has."""
    conflicts: tuple[str, ...] = ()
    """Paths that have no version to record yet."""
    submodules: tuple[str, ...] = ()
    """Paths that stand for a commit of another repository."""
    unstaged: tuple[str, ...] = ()
    """Of the paths that were named, those that are not in the index."""
    modified: tuple[str, ...] = ()
    """Paths below those that were named whose file in the work tree is, or may be, another version."""


class Listed(NamedTuple):
    """What is staged, and where."""

    repository: Repository
    staged: Staged


def list_staged(paths: Sequence[str], environ: Mapping[str, str]) -> Listed:
    """What `git commit` would record in the repository of this folder.

    Args:
        paths: list the entries of these, changed or not; without any, whatever the index changes.
        environ: the variables of this process.

    Raises:
        GitError: there is no repository, or git cannot read it.
        UsageError: a variable names something that does not belong to it.
    """
    repository = inherited_repository(".", environ)
    return Listed(repository, named_entries(repository, paths) if paths else changed_entries(repository))


def changed_entries(repository: Repository) -> Staged:
    """What the index adds to HEAD or changes; a change of mode or name alone brings no content.

    Raises:
        GitError: git cannot read the index, or HEAD.
    """
    head = repository.head or _EMPTY_TREES[repository.id_bytes]
    listing = ["diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff"]
    answer = run([*listing, "--ignore-submodules=none", head, "--"], repository.folder, keep=repository.keep)
    fields = answer.split(b"\0")
    entries: list[IndexEntry] = []
    conflicts: list[str] = []
    submodules: list[str] = []
    for change, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, old, new, status = change.decode().split(" ")
        if status == "U":
            conflicts.append(os.fsdecode(path))
        elif mode == _SUBMODULE:
            submodules.append(os.fsdecode(path))
        elif status != "D" and new != old:
            entries.append(IndexEntry(os.fsdecode(path), bytes.fromhex(new)))
    # Each version in conflict is content that is there; what will be recorded is none of them yet.
    entries += (row.entry for row in _listing(repository, [f":(top,literal){path}" for path in conflicts]))
    return Staged(tuple(entries), tuple(conflicts), tuple(submodules))


def named_entries(repository: Repository, paths: Sequence[str]) -> Staged:
    """The entries of paths, changed or not.

    Args:
        repository: whose index.
        paths: files or folders, relative to the folder of the repository record or absolute.

    Raises:
        GitError: git cannot read the index, or a path lies outside the work tree.
    """
    rows = _listing(repository, [f":(literal){path}" for path in paths])
    return Staged(
        tuple(row.entry for row in rows if row.mode != _SUBMODULE),
        tuple(dict.fromkeys(row.entry.path for row in rows if row.stage != "0")),
        tuple(row.entry.path for row in rows if row.mode == _SUBMODULE),
        tuple(_unlisted(repository, paths, {row.entry.path for row in rows})),
        tuple(_modified(repository, rows)),
    )


def all_entries(repository: Repository) -> tuple[IndexEntry, ...]:
    """Every path of the index with content.

    Raises:
        GitError: git cannot read the index.
    """
    return tuple(row.entry for row in _listing(repository, [":(top)"]) if row.mode != _SUBMODULE)


class _Row(NamedTuple):
    """A line of git's listing."""

    entry: IndexEntry
    mode: str
    stage: str


def _listing(repository: Repository, pathspecs: Sequence[str]) -> list[_Row]:
    if not pathspecs:
        return []
    command = ["ls-files", "--stage", "-z", "--full-name", "--", *pathspecs]
    answer = run(command, repository.folder, keep=repository.keep)
    return [_row(line) for line in answer.split(b"\0") if line]


def _row(line: bytes) -> _Row:
    facts, _, path = line.partition(b"\t")
    mode, oid, stage = facts.decode().split(" ")
    return _Row(IndexEntry(os.fsdecode(path), bytes.fromhex(oid)), mode, stage)


def _modified(repository: Repository, rows: Sequence[_Row]) -> Iterator[str]:
    """Paths whose file in the work tree is not known to be the staged version.

    Git is not asked: `diff-files` starts the clean filter that the repository's configuration names.
    """
    for path, oid in sorted((row.entry.path, row.entry.oid) for row in rows):
        file = in_work_tree(repository, path)
        if (os.path.islink(file) or os.path.isfile(file)) and _blob_id(file, len(oid)) != oid:
            yield path


def _blob_id(file: str, id_bytes: int) -> bytes | None:
    """The id of a file's content, or of a link's target, as a blob; None where it cannot be read."""
    try:
        if os.path.islink(file):
            return _digest(io.BytesIO(os.fsencode(os.readlink(file))), id_bytes)
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0) as content:
            return _digest(content, id_bytes)
    except OSError:
        return None


def _digest(content: io.RawIOBase | io.BytesIO, id_bytes: int) -> bytes:
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    digest = hashlib.sha256() if id_bytes == 32 else hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % size)
    while piece := content.read(1 << 20):
        digest.update(piece)
    return digest.digest()


def in_work_tree(repository: Repository, path: str) -> str:
    """Where a path of the index is in the work tree, relative to the folder of this process if that is."""
    return os.path.normpath(os.path.join(repository.folder, os.path.relpath(path, repository.prefix or ".")))


def _unlisted(repository: Repository, paths: Iterable[str], known: set[str]) -> Iterator[str]:
    """Paths that are neither listed nor folders of what is."""
    folders = {"."}.union(*(_folders(path) for path in known))
    for path in paths:
        below = os.path.relpath(os.path.join(repository.folder, path), repository.folder)
        whole = os.path.normpath(os.path.join(repository.prefix, below))
        if whole not in known and whole not in folders:
            yield path


def _folders(path: str) -> Iterator[str]:
    while path := os.path.dirname(path):
        yield path

"""What a repository's object database is made of: packs, loose objects, and those of its alternates."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Gap
from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrOrBytesPath

_LOOSE_NAME: Final = re.compile(r"[0-9a-f]{38}(?:[0-9a-f]{24})?\Z")
_DEEPEST_ALTERNATE: Final = 5  # as git itself follows them


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Where a repository keeps its objects."""

    id_bytes: int
    """20 where ids are SHA-1, 32 where they are SHA-256."""
    packs: tuple[str, ...]
    """Paths of the `.pack` files, largest first."""
    loose: tuple[bytes, ...]
    """Ids of loose objects, in order."""
    folders: tuple[str, ...]
    """Its object folder and those of its alternates."""
    gaps: tuple[Gap, ...] = ()
    """Folders and packs that could not be listed."""


def open_store(repository: StrOrBytesPath) -> ObjectStore:
    """Lists the packs and loose objects of a repository.

    Args:
        repository: a bare repository, a work tree, or a folder in one.

    Raises:
        GitError: git does not take it for a repository, or does not trust it.
    """
    answer = run(["rev-parse", "--show-object-format", "--git-path", "objects"], repository)
    form, _, folder = answer.removesuffix(b"\n").partition(b"\n")
    start = os.path.join(os.fsdecode(os.path.abspath(repository)), os.fsdecode(folder))
    gaps: list[Gap] = []
    packs: list[str] = []
    loose: set[bytes] = set()
    id_bytes = 32 if form == b"sha256" else 20
    folders = tuple(_object_folders(start, gaps))
    for objects in folders:
        packs.extend(_packs(objects, gaps))
        loose.update(oid for oid in _loose(objects, gaps) if len(oid) == id_bytes)
    packs.sort(key=lambda path: (-_size(path), path))
    return ObjectStore(id_bytes, tuple(packs), tuple(sorted(loose)), folders, tuple(gaps))


def _object_folders(start: str, gaps: list[Gap]) -> Iterator[str]:
    """The folder itself and those its alternates name, each once."""
    waiting = [(start, 0)]
    seen = set()
    while waiting:
        folder, depth = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        if depth > _DEEPEST_ALTERNATE:
            gaps.append(Gap(folder, "git does not follow alternates this far"))
            continue
        yield real
        waiting.extend((path, depth + 1) for path in _alternates(real, gaps))


def _alternates(objects: str, gaps: list[Gap]) -> list[str]:
    path = os.path.join(objects, "info", "alternates")
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        gaps.append(Gap(path, error.strerror or "cannot be read"))
        return []
    return [os.path.join(objects, os.fsdecode(line)) for line in lines if line and not line.startswith(b"#")]


def _entries(folder: str, gaps: list[Gap], *, required: bool = False) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        absent = isinstance(error, FileNotFoundError | NotADirectoryError)
        if required or not absent:
            gaps.append(Gap(folder, error.strerror or "cannot be listed"))
        return []


def _packs(objects: str, gaps: list[Gap]) -> Iterator[str]:
    folder = os.path.join(objects, "pack")
    names = set(_entries(folder, gaps))
    for name in sorted(names):
        stem, extension = os.path.splitext(name)
        path = os.path.join(folder, name)
        if extension == ".pack":
            if f"{stem}.idx" in names:
                yield path
            else:
                gaps.append(Gap(path, "has no index; `git index-pack` makes one"))
        elif extension == ".idx" and f"{stem}.pack" not in names:
            gaps.append(Gap(path, "has no pack"))


def _loose(objects: str, gaps: list[Gap]) -> Iterator[bytes]:
    fans = [name for name in _entries(objects, gaps, required=True) if re.fullmatch("[0-9a-f]{2}", name)]
    for fan in fans:
        for name in _entries(os.path.join(objects, fan), gaps):
            if _LOOSE_NAME.match(name):
                yield bytes.fromhex(fan + name)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0

"""What a repository's object database is made of: packs, loose objects, and those of its alternates."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.coverage import Gap
from keyleak.git.layout import find_layout
from keyleak.git.regular import odd_kind, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import StrOrBytesPath

    from keyleak.git.layout import Layout

_LOOSE_NAME: Final = re.compile(r"[0-9a-f]{38}(?:[0-9a-f]{24})?\Z")
_DEEPEST_ALTERNATE: Final = 5  # as git itself follows them
_MOST_FOLDERS: Final = 1000
_MOST_ALTERNATES: Final = 1 << 20  # bytes of a list of them


class LooseFile(NamedTuple):
    """The file of a loose object."""

    oid: bytes
    """The id that its name is."""
    path: str


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Where a repository keeps its objects."""

    id_bytes: int
    """20 where ids are SHA-1, 32 where they are SHA-256."""
    packs: tuple[str, ...]
    """Paths of the `.pack` files, largest first."""
    loose: tuple[LooseFile, ...]
    """Loose objects in order of their ids; the same one once for each folder that has it. Ids of the other
    length, which git passes over, are among them."""
    folders: tuple[str, ...]
    """Its object folder and those of its alternates."""
    gaps: tuple[Gap, ...] = ()
    """Folders and packs that could not be listed."""
    asks_git: bool = True
    """Whether git reads this repository, so that it can be asked for what is left."""


def open_store(repository: StrOrBytesPath, layout: Layout | None = None) -> ObjectStore:
    """Lists the packs and loose objects of a repository.

    Args:
        repository: a bare repository, a work tree, or a folder in one.
        layout: where it has them, if that is known already.

    Raises:
        GitError: git does not take it for a repository, or does not trust it.
    """
    layout = layout or find_layout(repository)
    gaps: list[Gap] = []
    packs: list[str] = []
    loose: list[LooseFile] = []
    folders = tuple(_object_folders(layout.objects, gaps))
    for objects in folders:
        packs.extend(_packs(objects, gaps))
        loose.extend(_loose(objects, gaps))
    packs.sort(key=lambda path: (-_size(path), path))
    return ObjectStore(
        layout.id_bytes, tuple(packs), tuple(sorted(loose)), folders, tuple(gaps), layout.asks_git
    )


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
        if len(seen) > _MOST_FOLDERS:
            gaps.append(Gap("alternates", "there are more than anybody has", len(waiting) + 1))
            return
        yield real
        waiting.extend((path, depth + 1) for path in _alternates(real, gaps))


def _alternates(objects: str, gaps: list[Gap]) -> list[str]:
    path = os.path.join(objects, "info", "alternates")
    try:
        lines = read_regular(path, _MOST_ALTERNATES).split(b"\n")
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
            if f"{stem}.idx" not in names:
                gaps.append(Gap(path, "has no index; `git index-pack` makes one"))
            elif not _odd(path, gaps) and not _odd(f"{stem}.idx", gaps, folder):
                yield path
        elif extension == ".idx" and f"{stem}.pack" not in names:
            gaps.append(Gap(path, "has no pack"))


def _odd(name: str, gaps: list[Gap], folder: str = "") -> bool:
    """Whether something is no file that can be read; notes what it is."""
    path = os.path.join(folder, name)
    try:
        kind = odd_kind(os.stat(path))
        reason = kind and f"is {kind}, not what git writes"
    except OSError as error:
        reason = error.strerror or "cannot be read"
    if reason:
        gaps.append(Gap(path, reason))
    return reason is not None


def _loose(objects: str, gaps: list[Gap]) -> Iterator[LooseFile]:
    fans = [name for name in _entries(objects, gaps, required=True) if re.fullmatch("[0-9a-f]{2}", name)]
    for fan in fans:
        folder = os.path.join(objects, fan)
        for name in _entries(folder, gaps):
            if _LOOSE_NAME.match(name):
                yield LooseFile(bytes.fromhex(fan + name), os.path.join(folder, name))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0

"""What a repository holds beside its objects: names of refs and files, reflogs, configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from keyleak.coverage import Gap
from keyleak.errors import GitError
from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class PlaceKind(Enum):
    """What kind of place a text comes from."""

    REF_NAMES = "ref-names"
    PATH_NAMES = "path-names"
    REFLOG = "reflog"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is no object."""

    kind: PlaceKind
    name: str
    """The file it stands in, relative to the git folder, or what was listed."""
    content: bytes
    """Names are one a line."""


def texts(repository: str, note: Callable[[Gap], None]) -> Iterator[Text]:
    """All such texts of a repository.

    Args:
        repository: a bare repository, a work tree, or a folder in one.
        note: told what could not be read.

    Raises:
        GitError: git does not take it for a repository, or does not trust it.
    """
    folder = _git_folder(repository)
    yield Text(PlaceKind.REF_NAMES, "refs", run(["for-each-ref", "--format=%(refname)"], repository))
    yield Text(PlaceKind.PATH_NAMES, "trees", _path_names(repository, note))
    for name in ("config", "config.worktree", "packed-refs"):
        yield from _file(folder, name, PlaceKind.CONFIG, note)
    logs = os.path.join(folder, "logs")
    for parent, _, names in os.walk(logs, onerror=lambda error: _unlisted(error, note)):
        for name in sorted(names):
            relative = os.path.relpath(os.path.join(parent, name), folder)
            yield from _file(folder, relative, PlaceKind.REFLOG, note)


def incomplete_views(repository: str) -> Iterator[Gap]:
    """Why a repository may hold less than its history: shallow, partial, submodules.

    Raises:
        GitError: git cannot say.
    """
    if run(["rev-parse", "--is-shallow-repository"], repository).strip() == b"true":
        yield Gap("shallow clone", "older commits are not here; `git fetch --unshallow` brings them")
    promisors = run(["config", "--get-regexp", r"^remote\..*\.promisor$"], repository, accept=(0, 1))
    if promisors.strip():
        yield from _missing(repository)
    if run(["rev-parse", "-q", "--verify", "HEAD^{tree}"], repository, accept=(0, 1)):
        listing = run(["ls-tree", "-r", "-z", "--full-tree", "HEAD"], repository)
        for entry in listing.split(b"\0"):
            if entry.startswith(b"160000 "):
                path = os.fsdecode(entry.partition(b"\t")[2])
                yield Gap(path, "a submodule, which has a repository of its own: scan that too")


def _missing(repository: str) -> Iterator[Gap]:
    listing = run(["rev-list", "--all", "--objects", "--missing=print"], repository)
    missing = sum(line.startswith(b"?") for line in listing.splitlines())
    if missing:
        reason = "objects are only on the remote; a full clone brings them"
        yield Gap("partial clone", reason, missing)


def _path_names(repository: str, note: Callable[[Gap], None]) -> bytes:
    """Names of all files of all tips, one a line."""
    tips = run(["for-each-ref", "--format=%(objectname)"], repository).split()
    head = run(["rev-parse", "-q", "--verify", "HEAD"], repository, accept=(0, 1)).split()
    names: set[bytes] = set()
    trees: set[bytes] = set()
    for tip in dict.fromkeys([*tips, *head]):
        tree = run(["rev-parse", "-q", "--verify", tip + b"^{tree}"], repository, accept=(0, 1, 128)).strip()
        if not tree or tree in trees:
            continue
        trees.add(tree)
        try:
            names.update(
                run(["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree], repository).split(b"\0")
            )
        except GitError as error:
            note(Gap(f"names in {tree.decode()}", str(error)))
    return b"\n".join(sorted(name.replace(b"\n", b" ") for name in names))


def _file(folder: str, name: str, kind: PlaceKind, note: Callable[[Gap], None]) -> Iterator[Text]:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            yield Text(kind, name, file.read())
    except FileNotFoundError:
        return
    except OSError as error:
        note(Gap(name, error.strerror or "cannot be read"))


def _unlisted(error: OSError, note: Callable[[Gap], None]) -> None:
    if not isinstance(error, FileNotFoundError):
        note(Gap(str(error.filename), error.strerror or "cannot be listed"))


def _git_folder(repository: str) -> str:
    answer = run(["rev-parse", "--git-common-dir"], repository)
    return os.path.join(os.path.abspath(repository), os.fsdecode(answer.removesuffix(b"\n")))

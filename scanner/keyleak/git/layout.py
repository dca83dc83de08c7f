"""Where a repository has its files, and whether git can be asked about it.

Git is the authority where it reads the repository. Where it does not, because a file is damaged or because
something that is no file would keep it waiting for ever, the objects are still there: they are read without
git, and what git alone could tell is a gap.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Gap
from keyleak.errors import GitError
from keyleak.git.process import run
from keyleak.git.regular import read_regular
from keyleak.git.special import special_files

if TYPE_CHECKING:
    from _typeshed import StrOrBytesPath

_MOST: Final = 1 << 20  # bytes of a file that holds a path


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a repository has what."""

    folder: str
    """The git folder that linked work trees share."""
    objects: str
    """The object folder."""
    id_bytes: int
    """20 where ids are SHA-1, 32 where they are SHA-256."""
    gaps: tuple[Gap, ...] = ()
    """Why git cannot be asked, where it cannot."""

    @property
    def asks_git(self) -> bool:
        """Whether git reads this repository."""
        return not self.gaps


def find_layout(repository: StrOrBytesPath) -> Layout:
    """Finds out where a repository has its files.

    Args:
        repository: a bare repository, a work tree, or a folder in one.

    Raises:
        GitError: there is no repository, or git does not trust it.
    """
    own = nearest_git_folder(os.fsdecode(os.path.abspath(repository)))
    shared = own and shared_folder(own)
    if own and shared and (gaps := tuple(special_files(own, shared))):
        return _without_git(shared, gaps)
    command = ["rev-parse", "--show-object-format", "--git-common-dir", "--git-path", "objects"]
    try:
        form, folder, objects = run(command, repository).removesuffix(b"\n").split(b"\n", 2)
    except (GitError, ValueError) as error:
        if shared is None or (isinstance(error, GitError) and _is_no_damage(error)):
            raise
        said = " ".join(error.stderr.split()) if isinstance(error, GitError) else str(error)
        reason = f"git does not read it, so only its objects and files were read: {said}"
        return _without_git(shared, (Gap("repository", reason),))
    start = os.fsdecode(os.path.abspath(repository))
    return Layout(
        os.path.join(start, os.fsdecode(folder)),
        os.path.join(start, os.fsdecode(objects)),
        32 if form == b"sha256" else 20,
    )


def _is_no_damage(error: GitError) -> bool:
    """Whether git was not started, or refuses a repository of somebody else."""
    return error.returncode is None or "belongs to another user" in error.stderr


def _without_git(shared: str, gaps: tuple[Gap, ...]) -> Layout:
    objects = os.path.join(shared, "objects")
    return Layout(shared, objects, _id_bytes(objects), gaps)


def _id_bytes(objects: str) -> int:
    """The length of ids, by the names of files: what the configuration says may be what is damaged."""
    digits = Counter[int]()
    for folder in ("pack", *(f"{number:02x}" for number in range(256))):
        try:
            names = os.listdir(os.path.join(objects, folder))
        except OSError:
            continue
        if folder == "pack":
            digits.update(len(name[5:-5]) for name in names if name.endswith(".pack"))
        else:
            digits.update(len(name) + 2 for name in names)
    return 32 if digits[64] > digits[40] else 20


def nearest_git_folder(folder: str) -> str | None:
    """The git folder that git would find from here, found without git; None where there is none.

    Args:
        folder: an absolute path.
    """
    while True:
        link = os.path.join(folder, ".git")
        for each in (_linked(link) or link, folder):
            if _looks_like_one(each):
                return os.path.realpath(each)
        parent = os.path.dirname(folder)
        if parent == folder or os.path.lexists(link):
            return None
        folder = parent


def _linked(link: str) -> str | None:
    """The folder that a `.git` file names."""
    if not os.path.isfile(link):
        return None
    try:
        named, _, path = read_regular(link, _MOST).partition(b":")
    except OSError:
        return None
    target = os.path.join(os.path.dirname(link), os.fsdecode(path.strip()))
    return target if named == b"gitdir" else None


def _looks_like_one(folder: str) -> bool:
    if not os.path.lexists(os.path.join(folder, "HEAD")):
        return False
    shared = shared_folder(folder)
    return all(os.path.isdir(os.path.join(shared, name)) for name in ("objects", "refs"))


def shared_folder(own: str) -> str:
    """The git folder that a linked work tree's own one shares with the others; otherwise itself."""
    try:
        path = read_regular(os.path.join(own, "commondir"), _MOST)
    except OSError:
        return own
    return os.path.realpath(os.path.join(own, os.fsdecode(path.strip())))

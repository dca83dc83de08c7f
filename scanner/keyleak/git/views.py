"""Why a repository may hold less than its history: shallow and partial clones, submodules."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.coverage import Gap
from keyleak.errors import GitError
from keyleak.git.places import git_folder
from keyleak.git.process import run
from keyleak.git.regular import read_regular
from keyleak.git.remotes import promisors
from keyleak.git.single_objects import single_objects
from keyleak.git.trace import EVERYTHING
from keyleak.git.tree_walk import SUBMODULE, TreeWalk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_ID: Final = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LARGEST_LIST: Final = 64 << 20  # bytes
_MOST_SUBMODULES: Final = 10_000
_NAMED_GAPS: Final = 20  # objects named one by one; the rest are counted
_SECTION: Final = re.compile(r"submodule\.(.*)\.path\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Submodule:
    """A repository in the tree of another."""

    path: str
    folder: str | None
    """Its git folder or work tree on this machine, or None where it was never fetched."""


def shallow_gap(repository: str, commits: frozenset[bytes] | None) -> Iterator[Gap]:
    """The gap of a shallow clone.

    Args:
        repository: which one.
        commits: those that are looked at; the gap counts only where one of them is a boundary. None for all.

    Raises:
        GitError: git cannot say.
    """
    if run(["rev-parse", "--is-shallow-repository"], repository).strip() != b"true":
        return
    boundary = _shallow_commits(repository)
    if commits is None or commits & boundary:
        reason = (
            "older commits are not here; `git fetch --unshallow` brings them, in CI `fetch-depth: 0` for"
            " actions/checkout, `GIT_DEPTH: 0` on GitLab"
        )
        yield Gap("shallow clone", reason)


def _shallow_commits(repository: str) -> frozenset[bytes]:
    path = os.path.join(git_folder(repository), "shallow")
    try:
        content = read_regular(path, _LARGEST_LIST)
    except OSError as error:
        raise GitError(("rev-parse",), None, f"{path}: {error.strerror}") from error
    ids = [line for line in content.split() if _ID.fullmatch(line)]
    if len(ids) != len(content.split()):
        raise GitError(("rev-parse",), None, f"{path} is damaged: it holds more than ids of commits")
    return frozenset(bytes.fromhex(line.decode()) for line in ids)


def missing_objects(repository: str) -> bytes:
    """Ids of objects that history names and a partial clone lacks, one a line.

    Raises:
        GitError: git cannot say.
    """
    if not promisors(repository):
        return b""
    listing = run(["rev-list", "--all", "--objects", "--missing=print"], repository)
    return b"".join(line[1:] + b"\n" for line in listing.splitlines() if line.startswith(b"?"))


def missing_ids(repository: str, absent: Collection[bytes], *, walk: bool = False) -> frozenset[bytes]:
    """Ids of objects that history names and the repository lacks.

    Args:
        repository: which one.
        absent: those that any object names, also one that no ref reaches; git may have removed these.
        walk: whether git is asked though no object that was read names one that is not here, because not
            all of them were looked at for that.

    Raises:
        GitError: git cannot say.
    """
    if not absent and not walk and not promisors(repository):
        return frozenset()
    command = ["rev-list", "--objects", "--no-object-names", "--missing=print", *EVERYTHING]
    try:
        lines = run(command, repository).split()
    except GitError:
        # Git does not get past a commit that is not there.
        if not absent:
            raise
        return frozenset(absent)
    return frozenset(bytes.fromhex(line[1:].decode()) for line in lines if line.startswith(b"?"))


def tips_digest(repository: str) -> str:
    """What all refs and HEAD lead to, as a digest: the same refs over the same objects lack the same.

    Raises:
        GitError: git cannot list them.
    """
    # 1 is git's answer where there is no ref at all.
    return hashlib.sha256(run(["show-ref", "--head"], repository, accept=(0, 1))).hexdigest()


def absent_gaps(repository: str, missing: Collection[bytes]) -> Iterator[Gap]:
    """A gap for each object that is not here, whatever led to it.

    Args:
        repository: which one.
        missing: their ids.

    Raises:
        GitError: git cannot say whether it is a partial clone.
    """
    if not missing:
        return
    if promisors(repository):
        reason = "objects are only on the remote; `--fetch-missing` asks it for them"
        yield Gap("partial clone", reason, len(missing))
        return
    reason = "history needs it, and this repository does not have it; `git fsck` lists all such objects"
    named = sorted(missing)[:_NAMED_GAPS]
    yield from (Gap(f"object {oid.hex()}", reason) for oid in named)
    if more := len(missing) - len(named):
        yield Gap("further objects", reason, more)


def submodules(repository: str) -> list[Submodule]:
    """The submodules in the tree of HEAD, each tree of which is read once.

    Raises:
        GitError: git cannot list the tree, or there are more than anybody has.
    """
    tree = run(["rev-parse", "-q", "--verify", "HEAD^{tree}"], repository, accept=(0, 1)).strip()
    if not tree:
        return []
    with single_objects(repository) as objects:
        trees = TreeWalk(objects, {SUBMODULE})
        count = trees.held(tree.decode()).get(SUBMODULE, 0)
        paths = list(trees.paths(tree.decode(), SUBMODULE, _MOST_SUBMODULES))
    if count > len(paths):
        raise GitError(("ls-tree",), None, f"HEAD has submodules at {count:,} paths")
    if not paths:
        return []
    names = _submodule_names(repository, tree)
    top = run(["rev-parse", "--show-cdup"], repository, accept=(0, 128)).removesuffix(b"\n")
    root = os.path.join(os.path.abspath(repository), os.fsdecode(top))
    modules = os.path.join(git_folder(repository), "modules")
    return [Submodule(path, _folder(root, modules, path, names.get(path))) for path in paths]


def _submodule_names(repository: str, tree: bytes) -> dict[str, str]:
    """Names by path, as `.gitmodules` in the tree gives them."""
    blob = run(["rev-parse", "-q", "--verify", tree + b":.gitmodules"], repository, accept=(0, 1)).strip()
    if not blob:
        return {}
    listing = run(
        ["config", f"--blob={blob.decode()}", "-z", "--get-regexp", r"^submodule\..*\.path$"],
        repository,
        accept=(0, 1),
    )
    names = {}
    for entry in listing.split(b"\0"):
        key, _, path = entry.partition(b"\n")
        if section := _SECTION.match(os.fsdecode(key)):
            names[os.fsdecode(path)] = section[1]
    return names


def _folder(root: str, modules: str, path: str, name: str | None) -> str | None:
    """The first of its usual places that holds a repository; a name that leads elsewhere is not followed."""
    for base, inner in ((root, path), (modules, name or path)):
        folder = os.path.normpath(os.path.join(base, inner))
        inside = folder.startswith(os.path.normpath(base) + os.sep)
        if inside and (
            os.path.exists(os.path.join(folder, ".git")) or os.path.exists(os.path.join(folder, "HEAD"))
        ):
            return folder
    return None

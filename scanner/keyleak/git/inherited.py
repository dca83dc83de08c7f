"""The `GIT_*` variables that git hands to its hooks, honoured where they speak of the repository at hand.

`git commit -a` and `git commit FILE` record a temporary index, a commit from a linked work tree or with
`--git-dir` names its git folder: a hook that did not listen would look at something else than what is
recorded. Anyone can set these variables, so each must name something that belongs to the repository.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.errors import GitError, UsageError
from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMATS: Final = {"sha1": 20, "sha256": 32}


class Repository(NamedTuple):
    """A repository as a hook, or a person in a folder, means it."""

    folder: str
    """Where git is run."""
    prefix: str
    """What of that lies below the top of the work tree: empty, or a path that ends in `/`."""
    git_dir: str
    """Its git folder, of a linked work tree that one's own; absolute."""
    id_bytes: int
    """20 where ids are SHA-1, 32 where they are SHA-256."""
    head: str | None
    """The commit at HEAD; None before the first one."""
    keep: tuple[str, ...]
    """The variables to trust (see `keyleak.git.process.clean_environment`)."""


def inherited_repository(folder: str, environ: Mapping[str, str]) -> Repository:
    """The repository that a folder and git's variables mean.

    Args:
        folder: where the work is done; git starts hooks at the top of the work tree.
        environ: the variables of this process.

    Raises:
        GitError: there is none, or git does not read it.
        UsageError: a variable names something that does not belong to it.
    """
    named = environ.get("GIT_DIR")
    try:
        found = _repository(folder, ())
    except GitError:
        if named is None:
            raise
        # `git --git-dir=REPO --work-tree=FOLDER`: nothing else says which repository is meant.
        found = _repository(folder, ("GIT_DIR", "GIT_WORK_TREE"))
    else:
        if named is not None and not _is_same(os.path.join(folder, named), found.git_dir):
            raise UsageError(
                f"GIT_DIR names {named}, and this folder belongs to {found.git_dir}: which is meant is not"
                " known. Unset GIT_DIR, or leave this folder"
            )
    index = environ.get("GIT_INDEX_FILE")
    if index is None:
        return found
    if not _is_same(os.path.dirname(os.path.join(folder, index)), found.git_dir):
        raise UsageError(
            f"GIT_INDEX_FILE names {index}, which is no index of the repository in {found.git_dir};"
            " unset it, or put that index there"
        )
    return found._replace(keep=(*found.keep, "GIT_INDEX_FILE"))


def _repository(folder: str, keep: tuple[str, ...]) -> Repository:
    asked = ["rev-parse", "--absolute-git-dir", "--show-prefix", "--show-object-format"]
    # 1 is git's answer before the first commit; the rest of the answer is there then, too.
    answer = run([*asked, "--quiet", "--verify", "HEAD"], folder, keep=keep, accept=(0, 1))
    *paths, last = os.fsdecode(answer.removesuffix(b"\n")).split("\n")
    head = None if last in _FORMATS else last
    form = paths.pop() if head else last
    # Folder names may hold line breaks; a prefix with one would be taken for part of the git folder's name.
    *git_dir, prefix = paths
    return Repository(folder, prefix, "\n".join(git_dir), _FORMATS[form], head, keep)


def _is_same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)

"""Where git looks for hooks here, and who else manages them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from keyleak.git.process import run

if TYPE_CHECKING:
    from keyleak.git.inherited import Repository


class HookFolder(NamedTuple):
    """The folder whose programs git starts."""

    path: str
    """Absolute; it may not exist."""
    configured: str | None
    """Scope of the `core.hooksPath` that names it (`local`, `global`, ...); None for git's own place."""
    usual: str
    """The folder that git takes where nothing is configured."""
    top: str | None
    """The top of the work tree; None in a bare repository."""
    has_work_trees: bool
    """Whether work trees are linked to the repository, which run the same hooks."""
    is_relative: bool = False
    """Whether the configured folder is another one in each work tree."""


def hook_folder(repository: Repository) -> HookFolder:
    """See `HookFolder`.

    Raises:
        GitError: git cannot say.
    """
    common = _answer(repository, ["rev-parse", "--git-common-dir"])
    shared = os.path.abspath(os.path.join(repository.folder, common))
    usual = os.path.join(shared, "hooks")
    linked = _has_entries(os.path.join(shared, "worktrees"))
    bare = _answer(repository, ["rev-parse", "--is-bare-repository"]) == "true"
    top = None if bare else _answer(repository, ["rev-parse", "--show-toplevel"])
    scope, path = _configured(repository)
    if path is None:
        return HookFolder(usual, None, usual, top, linked)
    # Git takes a relative path from where it runs hooks: the top of the work tree, or the bare repository.
    whole = os.path.abspath(os.path.join(top or repository.git_dir, path))
    return HookFolder(whole, scope, usual, top, linked, is_relative=not os.path.isabs(path))


def _has_entries(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


def _configured(repository: Repository) -> tuple[str | None, str | None]:
    """Scope and value of `core.hooksPath`, without the one that our own calls of git set."""
    command = ["config", "-z", "--show-scope", "--type=path", "--get-all", "core.hooksPath"]
    answer = run(command, repository.folder, keep=repository.keep, accept=(0, 1))
    fields = os.fsdecode(answer).split("\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    found = [(scope, path) for scope, path in pairs if scope != "command"]
    return found[-1] if found and found[-1][1] else (None, None)


def _answer(repository: Repository, command: list[str]) -> str:
    return os.fsdecode(run(command, repository.folder, keep=repository.keep).removesuffix(b"\n"))

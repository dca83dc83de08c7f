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


def hook_folder(repository: Repository) -> HookFolder:
    """See `HookFolder`.

    Raises:
        GitError: git cannot say.
    """
    common = _answer(repository, ["rev-parse", "--git-common-dir"])
    usual = os.path.join(os.path.abspath(os.path.join(repository.folder, common)), "hooks")
    bare = _answer(repository, ["rev-parse", "--is-bare-repository"]) == "true"
    top = None if bare else _answer(repository, ["rev-parse", "--show-toplevel"])
    scope, path = _configured(repository)
    if path is None:
        return HookFolder(usual, None, usual, top)
    # Git takes a relative path from where it runs hooks: the top of the work tree, or the bare repository.
    return HookFolder(os.path.abspath(os.path.join(top or repository.git_dir, path)), scope, usual, top)


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

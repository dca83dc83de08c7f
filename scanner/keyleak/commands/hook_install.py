"""`keyleak hook install` and `keyleak hook uninstall`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from keyleak.commands.console import print_line
from keyleak.commands.hook_managers import manager_of
from keyleak.commands.hook_scripts import HookScript
from keyleak.errors import ExitCode, UsageError
from keyleak.git.hook_folder import hook_folder
from keyleak.git.inherited import inherited_repository
from keyleak.git.tracking import record_remotes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.console import Console
    from keyleak.git.hook_folder import HookFolder
    from keyleak.git.inherited import Repository

AT_WORK: Final = ("pre-commit", "pre-merge-commit", "commit-msg", "pre-push")
"""What is installed in a work tree where no stage is named."""
ON_A_SERVER: Final = ("pre-receive",)
"""The same in a bare repository."""


def install(stages: Sequence[str], console: Console) -> ExitCode:
    """Have git start keyleak here.

    Args:
        stages: which; the usual ones where none is named.
        console: where words go.

    Raises:
        KeyleakError: there is no repository, or a file cannot be written.
    """
    repository = inherited_repository(".", os.environ)
    folder = _usable_folder(repository)
    # Before the first push: a remote that gets another URL later is another place.
    record_remotes(repository)
    wanted = tuple(stages) or usual_stages(folder)
    if folder.configured in {"global", "system"}:
        console.note(f"{folder.path} serves every repository of yours: core.hooksPath is {folder.configured}")
    if folder.top is None:
        console.note(_on_work_trees(folder))
    manager = manager_of(folder)
    scripts = [HookScript(folder.path, stage) for stage in wanted]
    done = manager.install(wanted) if manager else [script.install() for script in scripts]
    for line in done:
        print_line(line)
    return ExitCode.CLEAN


def _on_work_trees(folder: HookFolder) -> str:
    """What hooks of a bare repository mean for commits."""
    if folder.is_relative and folder.has_work_trees:
        return (
            f"core.hooksPath ({folder.configured}) is relative, so each linked work tree has hooks of its"
            " own: run `keyleak hook install` in each as well"
        )
    if folder.has_work_trees:
        return "this bare repository has linked work trees; commits in them are looked at too"
    return "this repository is bare; after linking a work tree, run `keyleak hook install` again"


def uninstall(stages: Sequence[str], console: Console) -> ExitCode:
    """Take away what `install` made; what stood there before stands there again.

    Raises:
        KeyleakError: there is no repository, or a file cannot be written.
    """
    folder = _usable_folder(inherited_repository(".", os.environ))
    wanted = tuple(stages) or (*AT_WORK, *ON_A_SERVER)
    done = []
    for path in dict.fromkeys((folder.path, folder.usual)):
        done += [line for stage in wanted if (line := HookScript(path, stage).uninstall())]
    if manager := manager_of(folder):
        done += manager.uninstall(wanted)
    for line in done:
        print_line(line)
    if not done:
        console.note("no hook of keyleak's is installed here")
    return ExitCode.CLEAN


def usual_stages(folder: HookFolder) -> tuple[str, ...]:
    """The stages that make sense in a repository of this kind.

    In a bare one, commits are made in the work trees that are linked to it.
    """
    if folder.top is not None:
        return AT_WORK
    return (*AT_WORK, *ON_A_SERVER) if folder.has_work_trees else ON_A_SERVER


def _usable_folder(repository: Repository) -> HookFolder:
    folder = hook_folder(repository)
    if os.path.lexists(folder.path) and not os.path.isdir(folder.path):
        raise UsageError(
            f"core.hooksPath ({folder.configured}) is {folder.path}, which is no folder, so git runs no hook"
        )
    return folder

"""`keyleak hook doctor`: whether a hook really runs here, and what it would look at."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from keyleak.commands.console import print_line
from keyleak.commands.hook_install import usual_stages
from keyleak.commands.hook_managers import manager_of
from keyleak.commands.hook_scripts import HookScript, Kind
from keyleak.commands.skip import VARIABLE, recorded_skips
from keyleak.errors import ExitCode
from keyleak.git.hook_folder import hook_folder
from keyleak.git.index import changed_entries
from keyleak.git.inherited import inherited_repository
from keyleak.git.process import run
from keyleak.regular_file import CONFIGURATION_LIMIT, read_regular
from keyleak.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyleak.git.hook_folder import HookFolder
    from keyleak.git.inherited import Repository

_FRAMEWORK_IDS: Final = {
    "pre-commit": "keyleak",
    "pre-merge-commit": "keyleak",
    "commit-msg": "keyleak-commit-msg",
    "pre-push": "keyleak-pre-push",
}
_CONFIG: Final = ".pre-commit-config.yaml"
_WIDEST: Final = 18


def doctor(environ: Mapping[str, str]) -> ExitCode:
    """Say of each stage whether keyleak runs; not all of them is exit code 2.

    Raises:
        KeyleakError: there is no repository, or git cannot read it.
    """
    repository = inherited_repository(".", environ)
    folder = hook_folder(repository)
    where = f"core.hooksPath ({folder.configured})" if folder.configured else "git's own place"
    print_line(f"{'hooks':<{_WIDEST}}{folder.path}, {where}")
    problems = {stage: _problem(stage, folder) for stage in usual_stages(folder)}
    for stage, problem in problems.items():
        print_line(f"{stage:<{_WIDEST}}{'does NOT run: ' + problem if problem else 'runs'}")
    for label, fact in _facts(repository, folder, environ):
        print_line(f"{label:<{_WIDEST}}{fact}")
    return ExitCode.INCOMPLETE if any(problems.values()) else ExitCode.CLEAN


def _problem(stage: str, folder: HookFolder) -> str | None:
    if os.path.lexists(folder.path) and not os.path.isdir(folder.path):
        return f"{folder.path} is no folder, so git runs no hook at all"
    manager = manager_of(folder)
    script = HookScript(folder.path, stage)
    if manager and (script.kind is not Kind.OURS):
        return manager.problem(stage)
    return _script_problem(script, folder)


def _script_problem(script: HookScript, folder: HookFolder) -> str | None:
    kind = script.kind
    if kind is Kind.NONE:
        return _absent(script, folder)
    if not script.runs:
        return f"{script.path} is not executable: chmod +x {script.path}"
    if kind is Kind.OURS:
        return _own_problem(script)
    if kind is Kind.FRAMEWORK:
        return _framework_problem(script.stage, folder.top or "")
    if re.search(r"^[^#\n]*\bkeyleak\b", script.text(), re.MULTILINE):
        return None
    return f"{script.path} does not start keyleak: keyleak hook install puts it in front"


def _own_problem(script: HookScript) -> str | None:
    if not script.is_isolated:
        older = "is of an earlier version, which imports modules from here"
        return f"{script.path} {older}: keyleak hook install"
    if script.program() is None:
        return f"{script.path} finds no program keyleak: keyleak hook install"
    return None


def _absent(script: HookScript, folder: HookFolder) -> str:
    usual = HookScript(folder.usual, script.stage)
    if folder.path != folder.usual and usual.kind is Kind.OURS:
        return f"{usual.path} is shadowed by core.hooksPath ({folder.configured}): keyleak hook install"
    return "nothing is installed: keyleak hook install"


def _framework_problem(stage: str, top: str) -> str | None:
    wanted = _FRAMEWORK_IDS.get(stage)
    try:
        content = read_regular(os.path.join(top, _CONFIG), CONFIGURATION_LIMIT, inside=top)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return f"the pre-commit framework stands here, and {_CONFIG} cannot be read"
    if re.search(rf"^\s*-?\s*id:\s*['\"]?{wanted}['\"]?\s*(?:#.*)?$", text, re.MULTILINE):
        return None
    return f"the pre-commit framework stands here, and {_CONFIG} has no hook {wanted}"


def _facts(
    repository: Repository, folder: HookFolder, environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    if folder.top is not None:
        staged = changed_entries(repository)
        yield "a commit", f"{counted(len(staged.entries), 'staged version')} to read now"
        command = ["rev-list", "--count", "--branches", "--not", "--remotes"]
        commits = int(run(command, repository.folder, keep=repository.keep))
        yield "a push", f"{counted(commits, 'commit')} on no remote; of these, those that are pushed"
    if VARIABLE in environ:
        yield "skipped", f"{VARIABLE} is set in this shell, so every hook is skipped: unset it"
    if environ.get("SKIP"):
        yield "skipped", f"SKIP={environ['SKIP']} makes the pre-commit framework leave out hooks"
    skips = recorded_skips(repository.git_dir)
    if skips:
        yield "skips", f"{len(skips):,} recorded, the last: {skips[-1]}"

"""Command lines without options, which nearly all are: read without the library that reads options.

That library takes a whole start of Python to import. What it would make of these command lines is the
defaults of every option (a test holds the two to each other); anything else is left to it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyleak.errors import ExitCode
    from keyleak.git.index import Listed

_STAGES: Final = frozenset({"pre-commit", "pre-merge-commit", "commit-msg", "pre-push", "pre-receive"})


def plain_command(arguments: Sequence[str], seen: Listed | None = None) -> Callable[[], ExitCode] | None:
    """What these arguments of `keyleak` ask for, or None where that takes a closer look.

    Args:
        arguments: a command and its paths. `--` may stand before them.
        seen: what a glance listed of a commit already.
    """
    words = list(arguments)
    if "--" in words:
        words.remove("--")
    if any(word.startswith("-") for word in words):
        return None
    match words:
        case ["scan", *paths]:
            return lambda: _scan(tuple(paths))
        case ["staged", *paths]:
            return lambda: _staged(tuple(paths), seen)
        case ["hook", "run", stage, *rest] if stage in _STAGES:
            return lambda: _hook(stage, tuple(rest), seen)
    return None


def _scan(paths: tuple[str, ...]) -> ExitCode:
    from keyleak.commands.console import Console  # noqa: PLC0415 - each command imports only what it needs
    from keyleak.commands.scan import ScanOptions, scan  # noqa: PLC0415

    return scan(ScanOptions(paths or (".",)), Console())


def _staged(paths: tuple[str, ...], seen: Listed | None) -> ExitCode:
    from keyleak.commands.console import Console  # noqa: PLC0415
    from keyleak.commands.options import ReportOptions  # noqa: PLC0415
    from keyleak.commands.staged import staged  # noqa: PLC0415

    return staged(paths, ReportOptions(), Console(), seen)


def _hook(stage: str, arguments: tuple[str, ...], seen: Listed | None) -> ExitCode:
    from keyleak.commands.console import Console  # noqa: PLC0415
    from keyleak.commands.hook_run import HookCall, Stage, run_hook  # noqa: PLC0415
    from keyleak.commands.options import ReportOptions  # noqa: PLC0415

    return run_hook(HookCall(Stage(stage), arguments, os.environ, ReportOptions(), Console(), seen))

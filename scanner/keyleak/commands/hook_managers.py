"""Husky and lefthook: their own files get a block of ours, for they write git's hook folder themselves."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Final, Protocol

from keyleak.commands.hook_scripts import HookScript, Kind, hook_line, this_installation, write_whole
from keyleak.errors import SourceError, UsageError
from keyleak.regular_file import CONFIGURATION_LIMIT, read_regular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.git.hook_folder import HookFolder

_BEGIN: Final = "# keyleak: begin (`keyleak hook uninstall` takes this away)\n"
_END: Final = "# keyleak: end\n"
_BLOCK: Final = re.compile(re.escape(_BEGIN) + r".*?" + re.escape(_END), re.DOTALL)
# A file that people share names no path of this machine. Emptied, these variables count as not set, so that
# Python imports nothing from the current folder, whatever they say.
_SHARED: Final = (
    *(f"{name}=" for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX")),
    "PYTHONSAFEPATH=1",
    "keyleak",
)
# A shell script's beginning, up to and with the line that loads Husky's own.
_PREAMBLE: Final = re.compile(r"(?:#!.*\n)?(?:\s*\. .*husky\.sh.*\n)?")
_HUSKY_8: Final = '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\n'
# Git's lines about refs are read by keyleak and by what follows it in the same script.
_WITH_LINES: Final = (
    'keyleak_lines=$(cat)\nprintf "%s\\n" "$keyleak_lines" | {command} || exit $?\n'
    "exec <<KEYLEAK_LINES\n$keyleak_lines\nKEYLEAK_LINES\n"
)
_LEFTHOOK: Final = tuple(
    f"{dot}lefthook.{ending}" for dot in ("", ".") for ending in ("yml", "yaml", "toml", "json")
)
_LEFTHOOK_LOCAL: Final = (
    "lefthook-local.yml",
    "lefthook-local.yaml",
    ".lefthook-local.yml",
    ".lefthook-local.yaml",
)


class HookManager(Protocol):
    """Who writes the hook folder here."""

    def install(self, stages: Sequence[str]) -> list[str]:
        """Add keyleak to stages; says what was done, a line for each."""

    def uninstall(self, stages: Sequence[str]) -> list[str]:
        """Take it away again."""

    def problem(self, stage: str) -> str | None:
        """Why keyleak does not run at a stage; None where it does."""


def manager_of(folder: HookFolder) -> HookManager | None:
    """The manager whose files are there, if any."""
    if folder.top is None:
        return None
    husky = os.path.join(folder.top, ".husky")
    if folder.path in {husky, os.path.join(husky, "_")}:
        return Husky(husky, own_folder=folder.path == husky)
    if any(os.path.exists(os.path.join(folder.top, name)) for name in _LEFTHOOK):
        return Lefthook(folder.top, folder.path)
    return None


class Husky:
    """https://typicode.github.io/husky: `.husky/STAGE`, started by `.husky/_` or by git itself."""

    def __init__(self, folder: str, *, own_folder: bool) -> None:
        self._folder = folder
        self._beginning = _HUSKY_8 if own_folder else ""
        self._starts_directly = own_folder

    def install(self, stages: Sequence[str]) -> list[str]:
        """See `HookManager`."""
        for stage in stages:
            text = _BLOCK.sub("", self._text(stage)) or self._beginning
            start = _preamble_end(text)
            whole = f"{text[:start]}{_BEGIN}{_shell(stage)}{_END}{text[start:]}"
            _write(self._path(stage), whole, mode=0o755)
        return [f"{stage}: {self._path(stage)}, which all who use this repository share" for stage in stages]

    def uninstall(self, stages: Sequence[str]) -> list[str]:
        """See `HookManager`."""
        ours = [stage for stage in stages if _BLOCK.search(self._text(stage))]
        for stage in ours:
            rest = _BLOCK.sub("", self._text(stage))
            _write(self._path(stage), "" if rest == self._beginning else rest, mode=0o755)
        return [f"{stage}: {self._path(stage)} is what it was before" for stage in ours]

    def problem(self, stage: str) -> str | None:
        """See `HookManager`."""
        text, path = self._text(stage), self._path(stage)
        if "keyleak" not in text:
            return f"{path} does not start keyleak"
        started = path if self._starts_directly else os.path.join(self._folder, "_", stage)
        return (
            None if os.access(started, os.X_OK) else f"{started} is not there or not executable: run `husky`"
        )

    def _path(self, stage: str) -> str:
        return os.path.join(self._folder, stage)

    def _text(self, stage: str) -> str:
        return _read(self._path(stage))


class Lefthook:
    """https://lefthook.dev: `lefthook-local.yml` adds to the shared file on this machine alone."""

    def __init__(self, top: str, hook_folder: str) -> None:
        self._hook_folder = hook_folder
        names = [name for name in _LEFTHOOK_LOCAL if os.path.exists(os.path.join(top, name))]
        self._path = os.path.join(top, names[0] if names else _LEFTHOOK_LOCAL[0])
        self._shared = [os.path.join(top, name) for name in _LEFTHOOK]

    def install(self, stages: Sequence[str]) -> list[str]:
        """See `HookManager`."""
        text = _BLOCK.sub("", _read(self._path))
        block = "".join(_yaml(stage) for stage in stages)
        taken = [stage for stage in stages if re.search(rf"^{stage}\s*:", text, re.MULTILINE)]
        if taken:
            lines = _yaml(taken[0]).strip()
            raise UsageError(f"{self._path} has {' and '.join(taken)} already; add there yourself: {lines!r}")
        before = text if not text or text.endswith("\n") else text + "\n"
        _write(self._path, f"{before}{_BEGIN}{block}{_END}", mode=0o644)
        return [f"{stage}: {self._path}; run `lefthook install` now" for stage in stages]

    def uninstall(self, stages: Sequence[str]) -> list[str]:
        """See `HookManager`."""
        text = _read(self._path)
        if not _BLOCK.search(text):
            return []
        _write(self._path, _BLOCK.sub("", text), mode=0o644)
        return [f"{', '.join(stages)}: {self._path} is what it was before; run `lefthook install` now"]

    def problem(self, stage: str) -> str | None:
        """See `HookManager`."""
        section = re.compile(rf"^{stage}\s*:(?:\n[ \t#].*|\n)*", re.MULTILINE)
        sections = [section.search(_read(path)) for path in (self._path, *self._shared)]
        if not any(found and "keyleak" in found[0] for found in sections):
            return f"neither {self._path} nor the shared file starts keyleak"
        script = HookScript(self._hook_folder, stage)
        if script.kind is not Kind.LEFTHOOK or not script.runs:
            return f"{script.path} does not start lefthook: run `lefthook install`"
        return None


def _preamble_end(text: str) -> int:
    found = _PREAMBLE.match(text)
    return found.end() if found else 0


def _shell(stage: str) -> str:
    command = hook_line(stage, _SHARED, ["--", '"$@"'])
    return _WITH_LINES.format(command=command) if stage == "pre-push" else f"{command} || exit $?\n"


def _yaml(stage: str) -> str:
    arguments = {"commit-msg": ["{1}"], "pre-push": ["{1}", "{2}"]}.get(stage, [])
    line = hook_line(stage, [shlex.quote(word) for word in this_installation()], ["--", *arguments])
    stdin = "      use_stdin: true\n" if stage == "pre-push" else ""
    return f"{stage}:\n  commands:\n    keyleak:\n      run: {line}\n{stdin}"


def _read(path: str) -> str:
    try:
        return read_regular(path, CONFIGURATION_LIMIT, inside=os.path.dirname(path) or ".").decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _write(path: str, text: str, *, mode: int) -> None:
    """Write a file, or remove it where nothing is left to write."""
    try:
        if text:
            write_whole(path, text, mode)
        else:
            os.unlink(path)
    except OSError as error:
        raise SourceError(path, f"cannot be written: {error.strerror}") from error

"""What in a git folder would keep git waiting for ever or never end: pipes, devices, links to either.

Git opens its files by name, whatever they are. So they are looked for before git is started at all.
"""

from __future__ import annotations

import os
import re
from typing import Final

from keyleak.coverage import Gap
from keyleak.git.regular import never_ends, odd_kind, read_regular

_MOST_CONFIGURATION: Final = 16 << 20  # bytes
_MOST_ALTERNATES: Final = 1 << 20
_MOST_FOLDERS: Final = 1000  # more are not followed
_DEEPEST: Final = 10  # includes and alternates within each other
_MOST_LINKED: Final = 100_000  # entries of folders that links lead to: one could lead to the whole machine
# The folders that git looks into; submodules are repositories of their own.
_GITS: Final = frozenset({"refs", "logs", "objects", "info", "worktrees", "reftable"})
_LOOSE: Final = 38  # characters of the name of a loose object, of which git maps no more than there is
_IN_TREE: Final = (".gitattributes", ".gitmodules", ".mailmap")
_SECTION: Final = re.compile(rb"(?m)^\s*\[\s*([A-Za-z]+)[^\]\n]*\]")
_VALUE: Final = re.compile(rb"(?im)^[^#;\n]*?\b(path|excludesfile|attributesfile|file)\s*=\s*(.*)$")


def special_files(own: str, shared: str, *, settings: bool = True) -> tuple[Gap, ...]:
    """What git would open and must not, each with what it is.

    Args:
        own: the git folder of the work tree.
        shared: the one that it shares with others.
        settings: whether files count that a setting names, such as `core.excludesFile`. Calls that keyleak
            makes of git have these settings of its own; what a configuration includes git reads in any case.
    """
    looking = _Looking(settings=settings)
    for folder in dict.fromkeys((shared, own)):
        looking.folder(folder, folder)
        for name in ("config", "config.worktree"):
            looking.configuration(os.path.join(folder, name), 0)
    looking.alternates(os.path.join(shared, "objects"), 0)
    for name in _IN_TREE:
        looking.one(os.path.join(os.path.dirname(own), name), name)
    return tuple(looking.gaps)


class _Looking:
    """One search for special files."""

    def __init__(self, *, settings: bool) -> None:
        self.gaps: list[Gap] = []
        self._settings = settings
        self._seen: set[str] = set()
        self._linked = 0

    def folder(self, top: str, shown: str, *, whole: bool = False) -> None:
        """Looks through a git folder, or an object folder (`whole`)."""
        waiting = [(top, False)]
        while waiting:
            folder, linked = waiting.pop()
            real = os.path.realpath(folder) if linked or folder == top else folder
            if real in self._seen:
                continue
            self._seen.add(real)
            for entry in _entries(folder):
                if entry.is_dir():
                    if whole or folder != top or entry.name in _GITS:
                        waiting.append((entry.path, linked or entry.is_symlink()))
                elif not entry.is_file() or _is_read_whole(entry.name):
                    self.one(entry.path, os.path.relpath(entry.path, shown))
                self._linked += linked
                if self._linked > _MOST_LINKED:
                    reason = "links in it lead to more than belongs to a repository, so git was not started"
                    self.gaps.append(Gap(shown, reason))
                    return

    def one(self, path: str, name: str) -> None:
        """Looks at one file."""
        try:
            status = os.stat(path)
        except OSError:
            return  # a link to nothing: git says so at once
        if never_ends(status):
            reason = f"is {odd_kind(status)}, at which git would wait or never end, so git was not started"
            self.gaps.append(Gap(name, f"{reason}; take it away, and look again"))

    def configuration(self, path: str, depth: int) -> None:
        """Looks at the files that a configuration file has git read besides."""
        if depth > _DEEPEST or path in self._seen:
            return
        self._seen.add(path)
        try:
            content = read_regular(path, _MOST_CONFIGURATION)
        except OSError as error:
            if os.path.isfile(path):
                self.gaps.append(Gap(path, f"{error.strerror}; git was not started"))
            return
        includes = any(section[1].lower().startswith(b"include") for section in _SECTION.finditer(content))
        for value in _VALUE.finditer(content):
            text = os.fsdecode(value[2].strip().strip(b'"'))
            if not text or "\0" in text:
                continue
            named = os.path.join(os.path.dirname(path), os.path.expanduser(text))
            is_included = includes and value[1].lower() == b"path"
            if self._settings or is_included:
                self.one(named, f"{os.path.basename(path)}: {text}")
            if is_included and os.path.isfile(named):
                self.configuration(os.path.realpath(named), depth + 1)

    def alternates(self, objects: str, depth: int) -> None:
        """Looks at the object folders that one borrows from."""
        try:
            lines = read_regular(os.path.join(objects, "info", "alternates"), _MOST_ALTERNATES).split(b"\n")
        except OSError:
            return
        if len(lines) > _MOST_FOLDERS:
            self.gaps.append(Gap(objects, "has more alternates than anybody has, so git was not started"))
        for line in lines[:_MOST_FOLDERS]:
            path = os.path.join(objects, os.fsdecode(line))
            if line and b"\0" not in line and depth < _DEEPEST and os.path.realpath(path) not in self._seen:
                self.folder(path, os.path.dirname(path), whole=True)
                self.alternates(path, depth + 1)


def _is_read_whole(name: str) -> bool:
    """Whether git reads all of a file that has this name, however long it is."""
    return not name.endswith((".pack", ".idx", ".rev", ".bitmap")) and len(name) != _LOOSE


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []  # noted where it is read

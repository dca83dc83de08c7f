"""Notes of a rewritten history. filter-repo passes refs/notes/* through as they are (2.47, `_parse_commit`).

A note is a file named after the commit that it annotates, whose id may be new. So a commit of a notes ref
is written anew if it names such a commit or holds a key, and so are those after it; no other one changes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.remediation.affected import notes_refs
from keyleak.remediation.tags import edited_person

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.rewrite_plan import RewritePlan


def rewrite_notes(mirror: str, plan: RewritePlan, renamed: Mapping[str, str]) -> None:
    """Write what has to change in every notes ref.

    Args:
        mirror: a clone that keyleak made, where everything else is rewritten.
        plan: what is to be replaced.
        renamed: other commits before and after.

    Raises:
        GitError: git said no.
    """
    for ref in notes_refs(mirror):
        listing = run(["rev-list", "--topo-order", "--reverse", ref, "--"], mirror)
        with single_objects(mirror) as objects:
            commits = b"".join(_Notes(mirror, objects, plan, renamed).commits(ref, listing.decode().split()))
        if commits:
            stream = b"feature done\n" + commits + b"done\n"
            run(["fast-import", "--quiet", "--force", "--date-format=raw-permissive"], mirror, stdin=stream)


def filter_repo_map(mirror: str) -> dict[str, str]:
    """Commits before and after, as filter-repo leaves them; without those that were dropped.

    Raises:
        OSError: filter-repo left no such file.
        ValueError: it is no text.
    """
    renamed = {}
    with open(os.path.join(mirror, "filter-repo", "commit-map"), encoding="ascii") as lines:
        for line in lines:
            before, _, after = line.strip().partition(" ")
            if len(before) == len(after) and after.strip("0"):
                renamed[before] = after
    return renamed


@dataclass(frozen=True, slots=True)
class _File:
    mode: bytes
    oid: str
    path: bytes


class _Notes:
    """The commits of one notes ref that change, as `git fast-import` takes them."""

    def __init__(
        self, mirror: str, objects: SingleObjects, plan: RewritePlan, renamed: Mapping[str, str]
    ) -> None:
        self._mirror = mirror
        self._objects = objects
        self._plan = plan
        self._renamed = renamed
        self._marks: dict[str, bytes] = {}

    def commits(self, ref: str, ids: list[str]) -> Iterator[bytes]:
        """Those that change, parents first; nothing where none does."""
        name = os.fsencode(ref)
        for oid in ids:
            headers, message = self._taken_apart(oid)
            parents = [value.decode() for key, value in headers if key == b"parent"]
            files = self._files(oid)
            if not (self._is_changed(oid, files) or any(parent in self._marks for parent in parents)):
                continue
            if not self._marks:
                yield b"reset %s\n" % name
            self._marks[oid] = b":%d" % (len(self._marks) + 1)
            yield b"commit %s\nmark %s\n" % (name, self._marks[oid])
            yield from self._head(headers, message)
            for word, parent in zip([b"from", *[b"merge"] * len(parents)], parents, strict=False):
                yield b"%s %s\n" % (word, self._marks.get(parent, parent.encode()))
            yield b"deleteall\n"
            for file in files:
                yield from self._written(file)

    def _taken_apart(self, oid: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
        head, _, message = self._objects.read(oid)[1].partition(b"\n\n")
        return [
            (key, value) for key, _, value in (line.partition(b" ") for line in head.split(b"\n"))
        ], message

    def _is_changed(self, oid: str, files: list[_File]) -> bool:
        return oid in self._plan.commits or any(
            file.oid in self._plan.edited
            or file.oid in self._plan.dropped
            or self._moved(file.path) != file.path
            for file in files
        )

    def _head(self, headers: list[tuple[bytes, bytes]], message: bytes) -> Iterator[bytes]:
        for key, value in headers:
            if key in {b"author", b"committer"}:
                yield b"%s %s\n" % (key, edited_person(value, self._plan))
        edited = self._plan.messages.apply(message)
        yield b"data %d\n%s\n" % (len(edited), edited)

    def _files(self, commit: str) -> list[_File]:
        listing = run(["ls-tree", "-r", "-z", commit], self._mirror)
        entries = (entry.partition(b"\t") for entry in listing.split(b"\0") if entry)
        return [_File(facts.split()[0], facts.split()[2].decode(), path) for facts, _, path in entries]

    def _written(self, file: _File) -> Iterator[bytes]:
        if file.oid in self._plan.dropped:
            return
        path = _quoted(self._moved(file.path))
        if file.oid not in self._plan.edited:
            yield b"M %s %s %s\n" % (file.mode, file.oid.encode(), path)
            return
        content = self._plan.texts.apply(self._objects.read(file.oid)[1])
        yield b"M %s inline %s\n" % (file.mode, path)
        yield b"data %d\n%s\n" % (len(content), content)

    def _moved(self, path: bytes) -> bytes:
        """The path for the commit's new id, spread over folders as before."""
        commit = self._renamed.get(path.replace(b"/", b"").decode("ascii", "replace"))
        if commit is None:
            return path
        digits = iter(commit.encode())
        return bytes(character if character == ord("/") else next(digits) for character in path)


def _quoted(path: bytes) -> bytes:
    r"""A path as fast-import reads it: in quotes, with `"`, `\` and line ends escaped."""
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'

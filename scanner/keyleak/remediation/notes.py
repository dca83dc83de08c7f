"""Notes of a rewritten history. filter-repo passes refs/notes/* through as they are (2.47, `_parse_commit`).

A note is a file named after the commit it speaks of, whose id is new. So every commit of a notes ref is
written anew: files renamed, keys in them and in messages replaced.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.rewrite_plan import RewritePlan

_NOTES: Final = "refs/notes/"


def rewrite_notes(mirror: str, plan: RewritePlan, renamed: Mapping[str, str]) -> None:
    """Write every notes ref anew.

    Args:
        mirror: a clone that keyleak made, where everything else is rewritten.
        plan: what is to be replaced.
        renamed: other commits before and after.

    Raises:
        GitError: git said no.
    """
    refs = [
        os.fsdecode(ref) for ref in run(["for-each-ref", "--format=%(refname)", _NOTES], mirror).splitlines()
    ]
    for ref in refs:
        listing = run(["rev-list", "--topo-order", "--reverse", ref, "--"], mirror)
        with single_objects(mirror) as objects:
            commits = _Notes(mirror, objects, plan, renamed).commits(ref, listing.decode().split())
            told = b"feature done\n" + b"".join(commits) + b"done\n"
        run(["fast-import", "--quiet", "--force", "--date-format=raw-permissive"], mirror, stdin=told)


def read_commit_map(mirror: str) -> dict[str, str]:
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


class _Notes:
    """The commits of one notes ref as `git fast-import` takes them."""

    def __init__(
        self, mirror: str, objects: SingleObjects, plan: RewritePlan, renamed: Mapping[str, str]
    ) -> None:
        self._mirror = mirror
        self._objects = objects
        self._plan = plan
        self._renamed = renamed
        self._identities = dict(plan.identities)

    def commits(self, ref: str, ids: list[str]) -> Iterator[bytes]:
        """All of them, parents first."""
        marks = {oid: mark for mark, oid in enumerate(ids, 1)}
        name = os.fsencode(ref)
        yield b"reset %s\n" % name
        for oid, mark in marks.items():
            head, _, message = self._objects.read(oid)[1].partition(b"\n\n")
            headers = [line.partition(b" ")[::2] for line in head.split(b"\n")]
            message = self._plan.messages.apply(message)
            yield b"commit %s\nmark :%d\n" % (name, mark)
            for key, value in headers:
                if key in {b"author", b"committer"}:
                    yield b"%s %s\n" % (key, self._person(value))
            yield b"data %d\n%s\n" % (len(message), message)
            parents = [marks[value.decode()] for key, value in headers if key == b"parent"]
            for word, parent in zip([b"from", *[b"merge"] * len(parents)], parents, strict=False):
                yield b"%s :%d\n" % (word, parent)
            yield b"deleteall\n"
            yield from self._files(oid)

    def _person(self, value: bytes) -> bytes:
        person, bracket, moment = value.rpartition(b"> ")
        return self._identities.get(person + b">", person + b">") + b" " + moment if bracket else value

    def _files(self, commit: str) -> Iterator[bytes]:
        for entry in run(["ls-tree", "-r", "-z", commit], self._mirror).split(b"\0"):
            facts, _, path = entry.partition(b"\t")
            if not path:
                continue
            mode, _, oid = facts.split()
            name = oid.decode()
            if name in self._plan.dropped:
                continue
            if name not in self._plan.edited:
                yield b"M %s %s %s\n" % (mode, oid, _quoted(self._moved(path)))
                continue
            content = self._plan.texts.apply(self._objects.read(name)[1])
            yield b"M %s inline %s\n" % (mode, _quoted(self._moved(path)))
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

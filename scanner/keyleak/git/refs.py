"""The refs of a repository, and what stands among them that is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.coverage import Gap
from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_OF_ONE_TREE: Final = frozenset({"bisect", "rewritten", "worktree"})
"""Refs that each work tree has for itself: git lists those of the one it is asked in."""
_NAMED: Final = 20  # broken refs that are named one by one


class Tip(NamedTuple):
    """An object that a ref leads to."""

    oid: bytes
    """In hexadecimal digits."""
    name: str
    """Full name of the ref; undecodable bytes are surrogate-escaped."""


def list_refs(repository: str) -> dict[bytes, bytes]:
    """The refs that git lists: all but those whose file holds no id.

    Returns:
        By full name the id that a ref names, in hexadecimal digits, whether that object exists or not.

    Raises:
        GitError: it cannot list them.
    """
    listing = run(["for-each-ref", "--format=%(objectname) %(refname)"], repository)
    lines = (line.partition(b" ") for line in listing.split(b"\n"))
    return {name: oid for oid, _, name in lines if name}


def stray_files(folder: str, refs: Collection[bytes]) -> Iterator[tuple[str, str]]:
    """Files among the refs that git does not list as refs: damaged ones, and those of other programs.

    Args:
        folder: the git folder.
        refs: names of those that git lists.

    Yields:
        The path of each and its path in the git folder.
    """
    if os.path.isdir(os.path.join(folder, "reftable")):
        return  # refs are not in files
    top = os.path.join(folder, "refs")
    waiting = [top]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue  # git said that it cannot list them
        for entry in found:
            name = os.path.relpath(entry.path, folder)
            if entry.is_dir(follow_symlinks=False):
                if here != top or entry.name not in _OF_ONE_TREE:
                    waiting.append(entry.path)
            elif os.fsencode(name.replace(os.sep, "/")) not in refs:
                yield entry.path, name


def broken_refs(repository: str, refs: Mapping[bytes, bytes]) -> Iterator[Gap]:
    """A gap for each ref whose object is not there.

    Args:
        repository: whose.
        refs: as git lists them.

    Raises:
        GitError: git does not read the repository.
    """
    asked = b"".join(oid + b"\n" for oid in dict.fromkeys(refs.values()))
    answers = run(["cat-file", "--buffer", "--batch-check=%(objectname)"], repository, stdin=asked)
    missing = {line[:-8] for line in answers.split(b"\n") if line.endswith(b" missing")}
    broken = [name for name, oid in refs.items() if oid in missing] if missing else []
    for name in broken[:_NAMED]:
        reason = f"a broken ref: object {refs[name].decode()}, which it names, is not in the repository"
        yield Gap(os.fsdecode(name), reason)
    if len(broken) > _NAMED:
        reason = "broken refs: the objects that they name are not in the repository"
        yield Gap("further refs", reason, len(broken) - _NAMED)


def tips_of(repository: str) -> list[Tip]:
    """What refs and HEAD lead to, as far as it is there: annotated tags, and what they name.

    Raises:
        GitError: git does not read the repository.
    """
    named = {**list_refs(repository), b"HEAD": b"HEAD"}
    distinct = dict.fromkeys(named.values())
    asked = b"".join(b"%s\n%s^{}\n" % (oid, oid) for oid in distinct)
    command = ["cat-file", "--buffer", "--batch-check=%(objectname) %(objecttype)"]
    lines = iter(run(command, repository, stdin=asked).splitlines())
    leads: dict[bytes, list[bytes]] = {}
    for oid in distinct:
        answers = [next(lines, b"missing").split() for _ in range(2)]
        leads[oid] = list(dict.fromkeys(answer[0] for answer in answers if answer[-1] != b"missing"))
    return [Tip(oid, os.fsdecode(name)) for name, named_by in named.items() for oid in leads[named_by]]

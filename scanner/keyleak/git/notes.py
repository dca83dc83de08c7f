"""Notes of a rewritten history: they are named after the commits they speak of, whose ids are new."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping


def rename_notes(repository: str, renamed: Mapping[str, str]) -> None:
    """Give the notes of every notes ref the new ids of their commits.

    The tip of each ref is replaced by a commit with the same author, message and parents.

    Args:
        repository: a bare clone that keyleak made.
        renamed: commits before and after.

    Raises:
        GitError: git said no.
    """
    for line in run(["for-each-ref", "--format=%(objectname) %(refname)", "refs/notes/"], repository).splitlines():
        tip, _, ref = line.decode("utf-8", "surrogateescape").partition(" ")
        listing = run(["ls-tree", "-r", "-z", tip], repository)
        entries = [entry.partition(b"\t") for entry in listing.split(b"\0") if entry]
        moved = [(facts, _moved(path, renamed)) for facts, _, path in entries]
        if [path for _, path in moved] != [path for _, _, path in entries]:
            _replace_tip(repository, ref, tip, moved)


def read_commit_map(repository: str) -> dict[str, str]:
    """Commits before and after, as filter-repo leaves them; without those that were dropped."""
    renamed = {}
    with open(os.path.join(repository, "filter-repo", "commit-map"), encoding="ascii") as lines:
        for line in lines:
            before, _, after = line.strip().partition(" ")
            if len(before) == len(after) and after.strip("0"):
                renamed[before] = after
    return renamed


def _moved(path: bytes, renamed: Mapping[str, str]) -> bytes:
    commit = path.replace(b"/", b"").decode("ascii", "replace")
    return renamed[commit].encode() if commit in renamed else path


def _replace_tip(repository: str, ref: str, tip: str, entries: list[tuple[bytes, bytes]]) -> None:
    index = os.path.join(repository, "index")
    try:
        run(["read-tree", "--empty"], repository)
        lines = b"".join(facts + b"\t" + path + b"\0" for facts, path in entries)
        run(["update-index", "-z", "--index-info"], repository, stdin=lines)
        tree = run(["write-tree"], repository).strip()
    finally:
        with suppress(FileNotFoundError):
            os.unlink(index)  # noqa: PTH108 - a bare repository has none
    commit = run(["cat-file", "commit", tip], repository)
    _, _, rest = commit.partition(b"\n")
    made = run(["hash-object", "-t", "commit", "-w", "--stdin"], repository, stdin=b"tree %s\n%s" % (tree, rest))
    run(["update-ref", ref, made.strip(), tip], repository)

"""Histories made object by object, as no git command would write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repositories import git

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PERSON = b"A <a@example.com> 1700000000 +0000"
SIGNATURE = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n -----END PGP SIGNATURE-----\n"


@dataclass(frozen=True)
class Made:
    """A commit to write."""

    files: dict[str, bytes]
    parents: Sequence[str] = ()
    author: bytes = PERSON
    headers: bytes = b""
    message: bytes = b"change\n"
    modes: dict[str, str] = field(default_factory=dict)


def write(repository: Path, made: Made) -> str:
    """Write a commit with its tree and blobs; its id."""
    entries = []
    for name, content in sorted(made.files.items()):
        blob = git(repository, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
        entries.append((made.modes.get(name, "100644").encode(), name.encode(), bytes.fromhex(blob)))
    tree = b"".join(mode + b" " + name + b"\0" + oid for mode, name, oid in entries)
    lines = [
        b"tree " + _object(repository, "tree", tree).encode() + b"\n",
        *(b"parent " + parent.encode() + b"\n" for parent in made.parents),
        b"author " + made.author + b"\ncommitter " + made.author + b"\n" + made.headers + b"\n",
        made.message,
    ]
    return _object(repository, "commit", b"".join(lines))


def _object(repository: Path, kind: str, content: bytes) -> str:
    command = ("hash-object", "-t", kind, "-w", "--stdin", "--literally")
    return git(repository, *command, stdin=content).decode().strip()


def graph(repository: Path, *refs: str) -> dict[str, list[str]]:
    """Every commit of these refs, or of all, with its parents."""
    listing = git(repository, "rev-list", "--parents", *(refs or ("--all",))).decode()
    return {line.split()[0]: line.split()[1:] for line in listing.splitlines()}


def holders(repository: Path, commits: Sequence[str], *needles: bytes) -> set[str]:
    """Those commits whose tree, header or message holds one of the texts."""
    found = set()
    for oid in commits:
        texts = git(repository, "cat-file", "commit", oid)
        for entry in git(repository, "ls-tree", "-r", oid).splitlines():
            texts += entry + git(repository, "cat-file", "blob", entry.split()[2].decode())
        if any(needle in texts for needle in needles):
            found.add(oid)
    return found


def descendants(parents: dict[str, list[str]], of: set[str]) -> set[str]:
    """Those commits and whatever builds upon them."""
    found = set(of)
    while more := {oid for oid, above in parents.items() if oid not in found and found & set(above)}:
        found |= more
    return found

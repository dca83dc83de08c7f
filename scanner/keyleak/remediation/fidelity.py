"""What `git fast-export` and `git fast-import` cannot carry over, so that a rewrite loses it.

git filter-repo is built upon these two. Only objects that get a new id anyway are looked at: all others stay
as they are. What was observed with git 2.39 and filter-repo 2.47 is in docs/decisions.md.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.remediation.tags import without_signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.affected import Affected

_CARRIED: Final = frozenset({b"tree", b"parent", b"author", b"committer", b"encoding"})
_SIGNATURES: Final = frozenset({b"gpgsig", b"gpgsig-sha256"})
_HEADER: Final = re.compile(rb"^([a-zA-Z][^ \n]*) ", re.MULTILINE)
# An author and a committer that fast-import takes: a name, if an empty one, an address, seconds and a zone.
_PERSON: Final = re.compile(rb"^(?:author|committer) [^<>\n]* <[^<>\n]*> -?[0-9]+ [-+][0-9]+$", re.MULTILINE)
# Modes that git reads as others: with leading zeros, or of a file that a group may write.
_EXAMPLES: Final = 3
_ODD_MODE: Final = re.compile(rb"0[0-7]* |100(?!644 |755 )[0-7]* ")


class Loss(Enum):
    """Something that an affected object has and its new form has not."""

    SIGNATURE = "signed commits lose their signature"
    MERGED_TAG = "merges lose the copy of the signed tag that they merged (mergetag)"
    HEADER = "commits lose headers that only other programs write"
    AFTER_ZERO = "messages end at their first zero byte"
    MODE = "trees spell a mode in an unusual way, which is written as git writes it today"
    TAG_SIGNATURE = "signed tags lose their signature"
    TAGGER = "tags without a tagger get one"


_ALWAYS_LOST: Final = frozenset({Loss.SIGNATURE, Loss.MERGED_TAG, Loss.TAG_SIGNATURE})


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What a rewrite loses, known before it begins."""

    losses: Mapping[Loss, frozenset[str]] = field(default_factory=dict)
    """Ids of the objects, by what they lose."""
    refused: tuple[str, ...] = ()
    """Ids of commits that fast-export or fast-import do not take at all."""

    @property
    def is_raw(self) -> bool:
        """Whether keyleak writes the commits itself, as git filter-repo cannot."""
        return bool(self.refused)

    def has(self, loss: Loss, oid: str) -> bool:
        """Whether an object loses that."""
        return oid in self.losses.get(loss, frozenset())


def fidelity(repository: str, affected: Affected) -> Fidelity:
    """Look through every object that gets a new id.

    Args:
        repository: where they are.
        affected: the commits and refs that a rewrite changes.

    Raises:
        GitError: an object is not there.
    """
    losses: dict[Loss, set[str]] = defaultdict(set)
    refused: list[str] = []
    with single_objects(repository) as objects:
        for oid, kind, content in objects.read_many(_objects(repository, affected)):
            if kind == "commit" and len(_PERSON.findall(content.partition(b"\n\n")[0])) != 2:
                refused.append(oid)
            for loss in _losses(oid, kind, content):
                losses[loss].add(oid)
        for oid, loss in _losses_of_tags(objects, affected):
            losses[loss].add(oid)
    # Written object by object only what signs something else is lost.
    lost = (loss for loss in losses if not refused or loss in _ALWAYS_LOST)
    return Fidelity({loss: frozenset(losses[loss]) for loss in lost}, tuple(refused))


def _objects(repository: str, affected: Affected) -> Iterator[str]:
    """Ids of the affected commits, of the trees that they brought and of tags that name them."""
    if not affected.commits:
        return
    asked = b"".join(os.fsencode(revision) + b"\n" for revision in affected.range)
    command = ["rev-list", "--objects", "--filter=blob:none", "--no-object-names", "--stdin"]
    yield from run(command, repository, stdin=asked).decode().split()


def _losses(oid: str, kind: str, content: bytes) -> Iterator[Loss]:
    if kind == "commit":
        yield from _losses_of_commit(content)
    elif kind == "tree" and _has_odd_mode(content, len(oid) // 2):
        yield Loss.MODE


def _losses_of_commit(content: bytes) -> Iterator[Loss]:
    header, _, message = content.partition(b"\n\n")
    names = frozenset(_HEADER.findall(header))
    if names & _SIGNATURES:
        yield Loss.SIGNATURE
    if b"mergetag" in names:
        yield Loss.MERGED_TAG
    if names - _CARRIED - _SIGNATURES - {b"mergetag"}:
        yield Loss.HEADER
    if b"\0" in message:
        yield Loss.AFTER_ZERO


def _has_odd_mode(tree: bytes, id_bytes: int) -> bool:
    position = 0
    while position < len(tree):
        if _ODD_MODE.match(tree, position):
            return True
        position = tree.index(b"\0", position) + 1 + id_bytes
    return False


def _losses_of_tags(objects: SingleObjects, affected: Affected) -> Iterator[tuple[str, Loss]]:
    for ref, chain in affected.chains.items():
        for oid in chain[:-1]:
            header, _, message = objects.read(oid)[1].partition(b"\n\n")
            if without_signature(message)[1]:
                yield oid, Loss.TAG_SIGNATURE
            if b"\ntagger " not in header and ref in affected.refs:
                yield oid, Loss.TAGGER


def described(found: Fidelity) -> Iterator[str]:
    """Each loss as a sentence, with the number of objects and the first of them."""
    if found.is_raw:
        yield (
            f"Written by keyleak itself, object by object: git fast-import, and so git filter-repo, refuses"
            f" {len(found.refused):,} of these commits ({_some(sorted(found.refused))}) for their author or"
            " committer line."
        )
    for loss in Loss:
        if ids := sorted(found.losses.get(loss, ())):
            yield f"Lost in the rewrite: {loss.value}: {len(ids):,} ({_some(ids)})."


def _some(ids: Sequence[str]) -> str:
    return ", ".join(oid[:12] for oid in ids[:_EXAMPLES]) + (", …" if len(ids) > _EXAMPLES else "")

"""Proof that a rewritten history is the old one without the keys: both are walked side by side.

Nothing of what filter-repo says is believed. From each pair of refs the walk goes to tags, commits, parents
and trees; a subtree whose id is the same on both sides is the same. Every difference must be one that the
plan calls for: a blob edited exactly as its expressions say, a dropped one absent, a message, a name.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.rewrite_plan import RewritePlan

_HASH: Final = re.compile(rb"\b[0-9a-f]{7,64}\b")
_SIGNATURE: Final = re.compile(rb"^-----BEGIN (?:PGP|SSH|SIGNED) (?:SIGNATURE|MESSAGE)-----$", re.MULTILINE)
# Headers that cannot outlive a change of what they sign.
_SIGNED: Final = (b"gpgsig", b"gpgsig-sha256", b"mergetag")
_TREE: Final = b"40000"
_SUBMODULE: Final = b"160000"


@dataclass(slots=True)
class Proof:
    """What the comparison saw."""

    refs: int = 0
    """Refs on both sides."""
    commits: int = 0
    """Commits compared, the same number on both sides."""
    rewritten_commits: int = 0
    """Those with a new id."""
    edited_blobs: set[str] = field(default_factory=set)
    """Ids before of the blobs that were edited as planned."""
    dropped_blobs: set[str] = field(default_factory=set)
    """Ids before of the blobs that are gone as planned."""
    signatures: int = 0
    """Signatures of commits and tags that are gone."""
    updated_hashes: int = 0
    """Messages in which ids of other commits were brought up to date."""
    differences: list[str] = field(default_factory=list)
    """What differs and should not; empty in a proven rewrite."""


def compare(before: str, after: str, refs: Mapping[str, str], plan: RewritePlan) -> Proof:
    """Walk two repositories side by side.

    Args:
        before: the repository as it was.
        after: the rewritten one.
        refs: names and ids of all refs before.
        plan: what was to be done.

    Raises:
        GitError: one of them lacks an object that it should have.
    """
    proof = Proof()
    now = refs_of(after)
    with single_objects(before) as old, single_objects(after) as new:
        walk = _Walk(old, new, plan, proof)
        for name, oid in sorted(refs.items()):
            if name not in now:
                proof.differences.append(f"{name} is gone")
                continue
            proof.refs += 1
            walk.ref(name, oid, now[name])
        proof.differences += [f"{name} is new" for name in sorted(now.keys() - refs.keys())]
        walk.finish()
    return proof


def refs_of(repository: str) -> dict[str, str]:
    """Full names of all refs and the ids they have.

    Raises:
        GitError: git cannot list them.
    """
    listing = run(["for-each-ref", "--format=%(objectname) %(refname)"], repository)
    return {os.fsdecode(line[41:]): line[:40].decode() for line in listing.splitlines()}


@dataclass(frozen=True, slots=True)
class _Signed:
    """A commit or tag taken apart."""

    headers: tuple[tuple[bytes, bytes], ...]
    message: bytes
    signatures: int


class _Walk:
    def __init__(self, old: SingleObjects, new: SingleObjects, plan: RewritePlan, proof: Proof) -> None:
        self._old = old
        self._new = new
        self._plan = plan
        self._proof = proof
        self._renamed: dict[str, str] = {}
        self._pairs: set[tuple[str, str]] = set()
        self._trees: dict[tuple[str, str], bool] = {}
        self._blobs: dict[str, str] = {}
        self._identities = dict(plan.identities)
        self._messages: list[tuple[str, bytes, bytes]] = []
        self._notes: list[tuple[str, str, str]] = []

    def ref(self, name: str, before: str, after: str) -> None:
        """Compare everything that a ref reaches."""
        waiting = [(before, after)]
        while waiting:
            pair = waiting.pop()
            if pair in self._pairs:
                continue
            self._pairs.add(pair)
            waiting += self._pair(name, *pair)

    def finish(self) -> None:
        """Compare what needs the ids of all commits."""
        if len(set(self._renamed.values())) < len(self._renamed):
            self._differ("several commits became one")
        for name, before, after in self._notes:
            self._noted(name, before, after)
        for where, expected, message in self._messages:
            if expected != message and not self._only_hashes(expected, message):
                self._differ(f"the message of {where} differs in more than keys and ids")

    def _pair(self, name: str, before: str, after: str) -> Iterator[tuple[str, str]]:
        kind, content = self._old.read(before)
        new_kind, new_content = self._new.read(after)
        if kind != new_kind:
            self._differ(f"{name} leads to a {new_kind} in place of a {kind}")
        elif kind == "commit":
            yield from self._commit(name, (before, content), (after, new_content))
        elif kind == "tag":
            yield from self._tag(name, content, new_content)
        elif before != after:
            self._differ(f"{name} leads to another {kind}")

    def _commit(
        self, name: str, before: tuple[str, bytes], after: tuple[str, bytes]
    ) -> Iterator[tuple[str, str]]:
        if self._renamed.setdefault(before[0], after[0]) != after[0]:
            self._differ(f"commit {before[0][:12]} became two")
        self._proof.commits += 1
        self._proof.rewritten_commits += before[0] != after[0]
        old, new = _taken_apart(before[1]), _taken_apart(after[1])
        self._proof.signatures += old.signatures
        where = f"commit {before[0][:12]}"
        self._same_headers(where, old, new)
        self._messages.append((where, self._plan.messages.apply(old.message), new.message))
        old_ids, new_ids = (_values(each, b"parent") for each in (old, new))
        if len(old_ids) != len(new_ids):
            self._differ(f"{where} has other parents")
        yield from zip(old_ids, new_ids, strict=False)
        trees = _values(old, b"tree")[0], _values(new, b"tree")[0]
        if name.startswith("refs/notes/"):
            self._notes.append((where, *trees))
        else:
            self._tree(where, *trees)

    def _tag(self, name: str, before: bytes, after: bytes) -> Iterator[tuple[str, str]]:
        old, new = _taken_apart(before), _taken_apart(after)
        message, signature = _without_signature(old.message)
        self._proof.signatures += old.signatures + signature
        self._same_headers(name, old, new)
        self._messages.append((name, self._plan.messages.apply(message), new.message))
        yield _values(old, b"object")[0], _values(new, b"object")[0]

    def _same_headers(self, where: str, old: _Signed, new: _Signed) -> None:
        """Whether all but ids and names that hold a key are the same."""
        expected = tuple((key, self._identity(value)) for key, value in _plain(old))
        if expected != _plain(new):
            self._differ(f"{where} has other headers")

    def _identity(self, value: bytes) -> bytes:
        person, bracket, moment = value.rpartition(b"> ")
        return self._identities.get(person + b">", person + b">") + b" " + moment if bracket else value

    def _tree(self, where: str, before: str, after: str) -> bool:
        """Compare two trees; whether the old one is all dropped."""
        if before == after:
            return False
        known = self._trees.get((before, after))
        if known is not None:
            return known
        old, new = (
            dict(_entries(each.read(oid)[1])) for each, oid in ((self._old, before), (self._new, after))
        )
        kept = {self._plan.names.apply(name): (name, entry) for name, entry in old.items()}
        for name in new.keys() - kept.keys():
            self._differ(f"{_shown(name)} is new in {where}")
        emptied = [
            self._entry(where, original, entry, new.get(name)) for name, (original, entry) in kept.items()
        ]
        self._trees[before, after] = bool(emptied) and all(emptied)
        return self._trees[before, after]

    def _entry(self, where: str, name: bytes, old: tuple[bytes, str], new: tuple[bytes, str] | None) -> bool:
        """Compare two entries of a tree; whether the old one is dropped."""
        mode, before = old
        if new is None:
            return self._may_be_gone(where, name, mode, before)
        new_mode, after = new
        if mode != new_mode:
            self._differ(f"{_shown(name)} has another mode in {where}")
        if before == after:
            return False
        if mode == _TREE:
            return self._tree(where, before, after)
        if mode == _SUBMODULE or self._edited(before) != after:
            self._differ(f"{_shown(name)} has another content in {where}")
        self._proof.edited_blobs.add(before)
        return False

    def _may_be_gone(self, where: str, name: bytes, mode: bytes, before: str) -> bool:
        if mode == _TREE:
            inner = _entries(self._old.read(before)[1])
            gone = [self._may_be_gone(where, each, *entry) for each, entry in inner]
            return all(gone)
        if before in self._plan.dropped:
            self._proof.dropped_blobs.add(before)
            return True
        self._differ(f"{_shown(name)} is gone from {where}")
        return False

    def _noted(self, name: str, before: str, after: str) -> None:
        """Compare the notes of a ref, whose names are ids of commits that have new ids."""
        old, new = dict(self._flat(self._old, before)), dict(self._flat(self._new, after))
        expected = {}
        for note, oid in old.items():
            if oid not in self._plan.dropped:
                expected[self._renamed.get(note, note)] = self._edited(oid)
            (self._proof.dropped_blobs if oid in self._plan.dropped else self._proof.edited_blobs).update(
                {oid} & (self._plan.edited | self._plan.dropped.keys())
            )
        if expected != new:
            self._differ(f"{name} has other notes")

    def _flat(self, objects: SingleObjects, tree: str, above: str = "") -> Iterator[tuple[str, str]]:
        """Notes by the id they speak of: git spreads them over folders of two digits."""
        for name, (mode, oid) in _entries(objects.read(tree)[1]):
            joined = above + os.fsdecode(name)
            if mode == _TREE:
                yield from self._flat(objects, oid, joined)
            else:
                yield joined, oid

    def _edited(self, oid: str) -> str:
        """The id that an edited blob must have."""
        if oid not in self._plan.edited:
            return oid
        if oid not in self._blobs:
            content = self._plan.texts.apply(self._old.read(oid)[1])
            self._blobs[oid] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324
        return self._blobs[oid]

    def _only_hashes(self, before: bytes, after: bytes) -> bool:
        """Whether two messages differ only in ids of commits, each that of the same commit."""
        if _HASH.sub(b"", before) != _HASH.sub(b"", after):
            return False
        pairs = [
            (old.decode(), new.decode())
            for old, new in zip(_HASH.findall(before), _HASH.findall(after), strict=False)
            if old != new
        ]
        self._proof.updated_hashes += 1
        return all(
            any(old_id.startswith(old) and new_id.startswith(new) for old_id, new_id in self._renamed.items())
            for old, new in pairs
        )

    def _differ(self, text: str) -> None:
        self._proof.differences.append(text)


def _taken_apart(content: bytes) -> _Signed:
    head, _, message = content.partition(b"\n\n")
    headers: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n"):
        if line.startswith(b" ") and headers:
            headers[-1] = (headers[-1][0], headers[-1][1] + b"\n" + line[1:])
        else:
            key, _, value = line.partition(b" ")
            headers.append((key, value))
    signatures = sum(key in _SIGNED for key, _ in headers)
    return _Signed(tuple(headers), message, signatures)


def _values(commit: _Signed, header: bytes) -> list[str]:
    return [value.decode() for key, value in commit.headers if key == header]


def _plain(commit: _Signed) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that a rewrite leaves as they are, names apart."""
    ids = (b"tree", b"parent", b"object")
    return tuple((key, value) for key, value in commit.headers if key not in _SIGNED and key not in ids)


def _without_signature(message: bytes) -> tuple[bytes, int]:
    signature = _SIGNATURE.search(message)
    return (message[: signature.start()], 1) if signature else (message, 0)


def _entries(tree: bytes) -> Iterator[tuple[bytes, tuple[bytes, str]]]:
    position = 0
    while position < len(tree):
        end = tree.index(b"\0", position)
        mode, _, name = tree[position:end].partition(b" ")
        position = end + 21
        yield name, (mode, tree[end + 1 : position].hex())


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")

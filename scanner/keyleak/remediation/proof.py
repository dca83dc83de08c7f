"""Proof that a rewritten history is the old one without the keys: both are walked side by side.

Nothing of what filter-repo says is believed. From each pair of refs the walk goes to tags, commits, parents
and trees; what has the same id on both sides is the same. Every difference must be one that the plan calls
for: a blob edited exactly as its expressions say, a dropped one absent, a message, a name, or something that
was named before the rewrite as what it cannot carry over. A commit that need not change has its old id.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.remediation.affected import NOTES, REFS
from keyleak.remediation.fidelity import Loss
from keyleak.remediation.new_ids import NAMED_ID, NewIds
from keyleak.remediation.tags import edited_person, without_signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.affected import Affected
    from keyleak.remediation.fidelity import Fidelity
    from keyleak.remediation.rewrite_plan import RewritePlan

# Headers that cannot outlive a change of what they sign.
_SIGNED: Final = (b"gpgsig", b"gpgsig-sha256", b"mergetag")
_CARRIED: Final = (b"author", b"committer", b"encoding")
_TREE: Final = b"40000"
_SUBMODULE: Final = b"160000"
_REGULAR: Final = 0o10


@dataclass(slots=True)
class Proof:
    """What the comparison saw."""

    refs: int = 0
    """Refs on both sides."""
    changed_refs: int = 0
    """Those of them that lead to something else than before."""
    commits: int = 0
    """Commits that the refs reached before."""
    rewritten_commits: int = 0
    """Those of them with a new id."""
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


def compare(before: str, after: str, refs: Mapping[str, str], expected: Expected) -> Proof:
    """Walk two repositories side by side.

    Args:
        before: the repository as it was.
        after: the rewritten one.
        refs: names and ids of all refs before.
        expected: what may differ.

    Raises:
        GitError: one of them lacks an object that it should have.
    """
    proof = Proof(commits=_count(before))
    if (count := _count(after)) != proof.commits:
        proof.differences.append(f"{proof.commits:,} commits became {count:,}")
    now = refs_of(after)
    with single_objects(before) as old, single_objects(after) as new:
        walk = _Walk(old, new, expected, proof)
        names = {name: expected.affected.renamed.get(name, name) for name in refs}
        for name, oid in sorted(refs.items()):
            if names[name] not in now:
                proof.differences.append(f"{name} is gone")
                continue
            proof.refs += 1
            proof.changed_refs += oid != now[names[name]] or names[name] != name
            walk.ref(name, oid, now[names[name]])
        proof.differences += [f"{name} is new" for name in sorted(now.keys() - set(names.values()))]
        walk.finish()
    return proof


def _count(repository: str) -> int:
    return int(run(["rev-list", "--count", REFS, "--"], repository))


def refs_of(repository: str) -> dict[str, str]:
    """Full names of all refs and the ids they have.

    Raises:
        GitError: git cannot list them.
    """
    listing = run(["for-each-ref", "--format=%(objectname) %(refname)"], repository)
    parts = (os.fsdecode(line).partition(" ") for line in listing.splitlines())
    return {name: oid for oid, _, name in parts}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a rewrite was to do, decided before it ran."""

    plan: RewritePlan
    affected: Affected
    fidelity: Fidelity


@dataclass(frozen=True, slots=True)
class _Signed:
    """A commit or tag taken apart."""

    headers: tuple[tuple[bytes, bytes], ...]
    message: bytes
    signatures: int


class _Walk:
    def __init__(self, old: SingleObjects, new: SingleObjects, expected: Expected, proof: Proof) -> None:
        self._old = old
        self._new = new
        self._plan = expected.plan
        self._fidelity = expected.fidelity
        self._may_change = frozenset(expected.affected.commits)
        self._proof = proof
        self._new_ids = NewIds()
        self._pairs: set[tuple[str, str]] = set()
        self._trees: dict[tuple[str, str], bool] = {}
        self._blobs: dict[str, str] = {}
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
        renamed = self._new_ids.renamed
        if len(set(renamed.values())) < len(renamed):
            self._differ("several commits became one")
        for oid in sorted(self._may_change - renamed.keys()):
            self._differ(f"commit {oid[:12]} has its old id, though it was to change")
        for name, before, after in self._notes:
            self._noted(name, before, after)
        for where, expected, message in self._messages:
            if expected != message and not self._only_hashes(expected, message):
                self._differ(f"the message of {where} differs in more than keys and ids")

    def _pair(self, name: str, before: str, after: str) -> Iterator[tuple[str, str]]:
        if before == after:
            return
        kind, content = self._old.read(before)
        new_kind, new_content = self._new.read(after)
        if kind != new_kind:
            self._differ(f"{name} leads to a {new_kind} in place of a {kind}")
        elif kind == "commit":
            yield from self._commit(name, (before, content), (after, new_content))
        elif kind == "tag":
            yield from self._tag(name, (before, content), new_content)
        elif self._edited(before) != after:
            self._differ(f"{name} leads to another {kind}")
        else:
            self._proof.edited_blobs.add(before)

    def _commit(
        self, name: str, before: tuple[str, bytes], after: tuple[str, bytes]
    ) -> Iterator[tuple[str, str]]:
        oid, is_note = before[0], name.startswith(NOTES)
        where = f"commit {oid[:12]}"
        if self._new_ids.renamed.get(oid, after[0]) != after[0]:
            self._differ(f"{where} became two")
        else:
            self._new_ids.add(oid, after[0])
        if not (is_note or oid in self._may_change):
            self._differ(f"{where} has a new id, though nothing in it had to change")
        self._proof.rewritten_commits += 1
        old, new = _taken_apart(before[1]), _taken_apart(after[1])
        self._proof.signatures += max(0, old.signatures - new.signatures)
        self._same_headers(where, self._expected_headers(oid, old), new)
        self._messages.append(
            (where, self._plan.messages.apply(self._carried(oid, old.message)), new.message)
        )
        old_ids, new_ids = (_values(each, b"parent") for each in (old, new))
        if len(old_ids) != len(new_ids):
            self._differ(f"{where} has other parents")
        yield from zip(old_ids, new_ids, strict=False)
        trees = _values(old, b"tree")[0], _values(new, b"tree")[0]
        if is_note:
            self._notes.append((where, *trees))
        else:
            self._tree(where, *trees)

    def _carried(self, oid: str, message: bytes) -> bytes:
        return message.partition(b"\0")[0] if self._fidelity.has(Loss.AFTER_ZERO, oid) else message

    def _expected_headers(self, oid: str, old: _Signed) -> Iterator[tuple[bytes, bytes]]:
        only_carried = self._fidelity.has(Loss.HEADER, oid)
        for key, value in _lasting(old):
            if key in _CARRIED or not only_carried:
                yield key, edited_person(value, self._plan)

    def _tag(self, name: str, before: tuple[str, bytes], after: bytes) -> Iterator[tuple[str, str]]:
        oid, content = before
        old, new = _taken_apart(content), _taken_apart(after)
        message, signature = without_signature(old.message)
        new_message, signed_again = without_signature(new.message)
        self._proof.signatures += old.signatures + (signature and not signed_again)
        if self._fidelity.has(Loss.TAGGER, oid):
            new = replace(new, headers=tuple(each for each in new.headers if each[0] != b"tagger"))
        expected = ((key, edited_person(value, self._plan)) for key, value in _lasting(old))
        self._same_headers(name, expected, new)
        self._messages.append((name, self._plan.messages.apply(message), new_message))
        yield _values(old, b"object")[0], _values(new, b"object")[0]

    def _same_headers(self, where: str, expected: Iterable[tuple[bytes, bytes]], new: _Signed) -> None:
        """Whether all headers but ids and signatures are as expected."""
        if tuple(expected) != _lasting(new):
            self._differ(f"{where} has other headers")

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
        if _canonical(mode) != _canonical(new_mode):
            self._differ(f"{_shown(name)} has another mode in {where}")
        if before == after:
            return False
        if _canonical(mode) == _TREE:
            return self._tree(where, before, after)
        if mode == _SUBMODULE or self._edited(before) != after:
            self._differ(f"{_shown(name)} has another content in {where}")
        self._proof.edited_blobs.add(before)
        return False

    def _may_be_gone(self, where: str, name: bytes, mode: bytes, before: str) -> bool:
        if _canonical(mode) == _TREE:
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
                expected[self._new_ids.renamed.get(note, note)] = self._edited(oid)
            (self._proof.dropped_blobs if oid in self._plan.dropped else self._proof.edited_blobs).update(
                {oid} & (self._plan.edited | self._plan.dropped.keys())
            )
        if expected != new:
            self._differ(f"{name} has other notes")

    def _flat(self, objects: SingleObjects, tree: str, above: str = "") -> Iterator[tuple[str, str]]:
        """Notes by the id they speak of: git spreads them over folders of two digits."""
        for name, (mode, oid) in _entries(objects.read(tree)[1]):
            joined = above + os.fsdecode(name)
            if _canonical(mode) == _TREE:
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
        if NAMED_ID.sub(b"", before) != NAMED_ID.sub(b"", after):
            return False
        self._proof.updated_hashes += 1
        pairs = zip(NAMED_ID.findall(before), NAMED_ID.findall(after), strict=False)
        return all(self._is_renamed(old.decode(), new.decode()) for old, new in pairs if old != new)

    def _is_renamed(self, old: str, new: str) -> bool:
        """Whether the beginnings of two ids are those of one commit before and after."""
        return any(after.startswith(new) for after in self._new_ids.after(old))

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


def _lasting(commit: _Signed) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that a rewrite leaves as they are, names apart."""
    ids = (b"tree", b"parent", b"object")
    return tuple((key, value) for key, value in commit.headers if key not in _SIGNED and key not in ids)


def _canonical(mode: bytes) -> bytes:
    """A mode as git reads it: without leading zeros, and of a file only whether its owner may run it."""
    bits = int(mode, 8)
    if bits >> 12 != _REGULAR:
        return b"%o" % bits
    return b"100755" if bits & 0o100 else b"100644"


def _entries(tree: bytes) -> Iterator[tuple[bytes, tuple[bytes, str]]]:
    position = 0
    while position < len(tree):
        end = tree.index(b"\0", position)
        mode, _, name = tree[position:end].partition(b" ")
        position = end + 21
        yield name, (mode, tree[end + 1 : position].hex())


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")

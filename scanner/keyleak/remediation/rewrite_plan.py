"""What a rewrite of history does, object by object, decided before anything runs."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keyleak.findings import LocationKind
from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.git.tags import tag_chain
from keyleak.remediation.expressions import Expressions, spellings_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from keyleak.findings import Finding, Location
    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.encodings import Spelling
    from keyleak.secret import Secret

_NONE: Final = Expressions()
_BESIDE: Final = {
    LocationKind.REFLOG: "a reflog; it stays in this clone until `git reflog expire --expire=now --all`",
    LocationKind.GIT_CONFIG: "the configuration of this clone; edit it by hand",
    LocationKind.FILE: "a file of this clone; edit it by hand",
    LocationKind.INDEX: "staged in this clone; stage the file again without the key",
}
_UNREACHABLE: Final = (
    "no ref reaches it, so no clone gets it; here `git reflog expire --expire=now --all` and then"
    " `git gc --prune=now` drop it"
)
_REF_OF_TREE: Final = (
    "it names a tree, which git filter-repo does not rewrite: delete it, or make it anew from a commit"
)
_BY_HAND: Final = (
    "no expression describes how the key is written. Take it out of the file by hand and commit that; old"
    " versions are dropped from the rewritten clone by `git filter-repo --force --partial"
    " --strip-blobs-with-ids FILE`, where FILE has the line {}"
)
_IDENTITY: Final = re.compile(rb"^(?:author|committer|tagger) (.*?) ?<([^>\n]*)> [-+0-9 ]+$", re.MULTILINE)
_CONTROL: Final = re.compile(rb"[\0-\x06\x0e-\x1a\x1c-\x1f]")
# Pairs of UTF-16 in either byte order; what they leave must be text of single bytes.
_WIDE_PAIRS: Final = re.compile(rb"(?:[\t\n\r -~]\0)+|(?:\0[\t\n\r -~])+")
_WIDE_MARKS: Final = {b"\xff\xfe\0\0": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class Leftover:
    """A place that a rewrite does not clean."""

    what: str
    """Where: a path, a ref, a file of the git folder. May hold a key, so it is masked where it is shown."""
    reason: str
    """Why, and what to do about it."""


@dataclass(frozen=True, slots=True)
class RewritePlan:
    """What is replaced, dropped and renamed, and what is left."""

    texts: Expressions = _NONE
    """For the blobs in `edited`."""
    messages: Expressions = _NONE
    """For every commit and tag message."""
    names: Expressions = _NONE
    """For every path; without any, no path changes."""
    identities: tuple[tuple[bytes, bytes], ...] = ()
    """`Name <address>` before and after."""
    edited: frozenset[str] = frozenset()
    """Ids of blobs to edit."""
    dropped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of blobs that cannot be edited, with the paths that vanish where they have that content."""
    commits: frozenset[str] = frozenset()
    """Ids of commits whose message or header holds a key."""
    tags: frozenset[str] = frozenset()
    """Ids of tag objects whose message or header holds a key."""
    paths: tuple[bytes, ...] = ()
    """Paths that hold a key in their own last name."""
    refs: frozenset[str] = frozenset()
    """Full names of refs whose name holds a key."""
    left: tuple[Leftover, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether a rewrite would change nothing."""
        return not (self.edited or self.dropped or self.commits or self.tags or self.paths or self.refs)


def plan_rewrite(
    repository: str, findings: Sequence[Finding], holds: Callable[[bytes], frozenset[Secret]]
) -> RewritePlan:
    """Decide on every place where the keys stand.

    Args:
        repository: where they were found.
        findings: the keys to remove, with the places that history gave them.
        holds: the keys that scanning a content finds.

    Raises:
        GitError: an object could not be read.
    """
    places = [place for finding in findings for place in finding.locations]
    with single_objects(repository) as objects:
        return _Planner(repository, objects, [finding.secret for finding in findings], holds).plan(places)


class _Planner:
    def __init__(
        self,
        repository: str,
        objects: SingleObjects,
        secrets: Sequence[Secret],
        holds: Callable[[bytes], frozenset[Secret]],
    ) -> None:
        self._repository = repository
        self._objects = objects
        self._secrets = secrets
        self._holds = holds

    def plan(self, places: Sequence[Location]) -> RewritePlan:
        reachable = [place for place in places if place.refs]
        blobs: dict[str, set[str]] = defaultdict(set)
        for place in reachable:
            if place.blob is not None and place.kind is not LocationKind.PATH_NAME:
                blobs[place.blob].add(place.path or "(no path)")
        commits, tags = self._changed(_commits_of(reachable)), self._changed(self._tags())
        texts_of = [*commits.values(), *tags.values()]
        messages = [message for _, message in texts_of if self._is_in(message)]
        named = [_bytes(place.path) for place in reachable if place.kind is LocationKind.PATH_NAME]
        texts = Expressions(self._spellings(blobs))
        edited, dropped, uneditable = self._blobs(blobs, texts)
        return RewritePlan(
            texts=texts,
            messages=Expressions(spellings_in(messages, self._secrets)) if messages else _NONE,
            names=Expressions(spellings_in(named, self._secrets)) if named else _NONE,
            identities=self._identities(header for header, _ in texts_of),
            edited=frozenset(edited),
            dropped={oid: tuple(sorted(blobs[oid])) for oid in sorted(dropped)},
            commits=frozenset(commits),
            tags=frozenset(tags),
            paths=tuple(dict.fromkeys(named)),
            refs=frozenset(
                place.path for place in places if place.kind is LocationKind.REF_NAME and place.path
            ),
            left=tuple(dict.fromkeys([*uneditable, *self._refs_of_trees(blobs), *_left_beside(places)])),
        )

    def _spellings(self, blobs: Iterable[str]) -> tuple[Spelling, ...]:
        contents = (self._objects.read(oid)[1] for oid in sorted(blobs))
        return spellings_in(contents, self._secrets)

    def _blobs(
        self, blobs: Mapping[str, set[str]], texts: Expressions
    ) -> tuple[set[str], set[str], list[Leftover]]:
        edited, dropped, left = set(), set(), []
        wanted = frozenset(self._secrets)
        for oid, paths in sorted(blobs.items()):
            content = self._objects.read(oid)[1]
            if not is_text(content):
                dropped.add(oid)
                continue
            edited.add(oid)
            after = texts.apply(content)
            if self._holds(after) & wanted:
                reason = _BY_HAND.format(hashlib.sha1(b"blob %d\0" % len(after) + after).hexdigest())  # noqa: S324
                left += [Leftover(path, reason) for path in sorted(paths)]
        return edited, dropped, left

    def _changed(self, ids: Iterable[str]) -> dict[str, tuple[bytes, bytes]]:
        """Header and message of those commits or tags that hold a key."""
        parts = {oid: self._objects.read(oid)[1].partition(b"\n\n") for oid in ids}
        return {
            oid: (header, message)
            for oid, (header, _, message) in parts.items()
            if self._is_in(message) or self._is_plain_in(header)
        }

    def _tags(self) -> Iterator[str]:
        """Every tag object that a ref leads to, also by way of other tags."""
        listing = run(["for-each-ref", "--format=%(objecttype) %(objectname)"], self._repository)
        for line in listing.splitlines():
            if line.startswith(b"tag "):
                yield from tag_chain(self._objects, line[4:].decode())[:-1]

    def _refs_of_trees(self, blobs: Collection[str]) -> Iterator[Leftover]:
        """Refs of a tree, which no commit brings, that hold a key."""
        form = "--format=%(objecttype) %(*objecttype) %(refname)"
        for line in run(["for-each-ref", form], self._repository).splitlines():
            if b"tree" in line.split(b" ")[:2]:
                ref = os.fsdecode(line.split(b" ")[-1])
                listing = run(["ls-tree", "-r", "-z", ref], self._repository).split(b"\0")
                if any(entry.split(b"\t")[0].split()[2].decode() in blobs for entry in listing if entry):
                    yield Leftover(ref, _REF_OF_TREE)

    def _is_in(self, text: bytes) -> bool:
        return bool(self._holds(text) & frozenset(self._secrets)) or self._is_plain_in(text)

    def _is_plain_in(self, text: bytes) -> bool:
        return any(secret.reveal() in text for secret in self._secrets)

    def _identities(self, headers: Iterable[bytes]) -> tuple[tuple[bytes, bytes], ...]:
        found: dict[bytes, bytes] = {}
        for header in headers:
            for name, address in _IDENTITY.findall(header):
                before = b"%s <%s>" % (name, address)
                if self._is_plain_in(before):
                    plain = Expressions(spellings_in([before], self._secrets))
                    found[before] = plain.apply(before)
        return tuple(found.items())


def is_text(content: bytes) -> bool:
    """Whether a content can be edited without breaking it: text in one-byte or wide characters."""
    for mark, codec in _WIDE_MARKS.items():
        if content.startswith(mark):
            try:
                return not _CONTROL.search(content.decode(codec).encode("utf-8", "surrogatepass"))
            except UnicodeDecodeError:
                return False
    return not _CONTROL.search(_WIDE_PAIRS.sub(b"", content))


def _commits_of(places: Iterable[Location]) -> dict[str, None]:
    """Commits that hold a key themselves, in no blob and no tree."""
    return {
        place.commit: None
        for place in places
        if place.blob is None and place.commit and place.kind is not LocationKind.PATH_NAME
    }


def _left_beside(places: Iterable[Location]) -> Iterator[Leftover]:
    for place in places:
        if place.kind is LocationKind.REF_NAME:
            continue
        if place.kind in _BESIDE:
            yield Leftover(place.path or place.kind.value, _BESIDE[place.kind])
        elif not place.refs:
            oid = place.blob or place.commit or ""
            yield Leftover(f"{place.path or place.kind.value} ({oid[:12]})", _UNREACHABLE)


def _bytes(path: str | None) -> bytes:
    return (path or "").encode("utf-8", "surrogateescape")

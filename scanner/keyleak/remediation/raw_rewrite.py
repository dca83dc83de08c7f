"""A rewrite object by object, for commits that `git fast-import` refuses and git filter-repo so cannot write.

Real histories hold such commits: an author without an address, without a zone, or with an empty name. Here
nothing is taken apart further than what changes, so all else of an object stays as it is, byte for byte.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.remediation.new_ids import NewIds
from keyleak.remediation.tags import edited_person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.proof import Expected
    from keyleak.remediation.rewrite_plan import RewritePlan

# A header and the lines that continue it.
_HEADER: Final = re.compile(rb"[^\n]*(?:\n [^\n]*)*")
_VOID: Final = frozenset({b"gpgsig", b"gpgsig-sha256", b"mergetag"})  # of what no longer is
_NUMBERS: Final = {"commit": 1, "tree": 2, "blob": 3}
_FOLDER: Final = 0o040000
_ID_BYTES: Final = 20
_MOST_HELD: Final = 64 << 20  # bytes written at once


def rewrite_raw(mirror: str, expected: Expected) -> dict[str, str]:
    """Write every affected commit anew, with the trees and blobs that change; the refs stay where they are.

    Args:
        mirror: a clone that keyleak made, whose ids are SHA-1.
        expected: what is to be done.

    Returns:
        The affected commits before and after.

    Raises:
        GitError: an object is not there, or git does not take what was written.
    """
    with single_objects(mirror) as objects:
        writing = _Writing(mirror, objects, expected.plan)
        for oid in expected.affected.commits:
            writing.commit(oid)
        writing.flush()
    return writing.new_ids.renamed


class _Writing:
    def __init__(self, mirror: str, objects: SingleObjects, plan: RewritePlan) -> None:
        self._mirror = mirror
        self._objects = objects
        self._plan = plan
        self._trees: dict[str, str | None] = {}
        self._blobs: dict[str, str] = {}
        self._entries: list[bytes] = []
        self._held = 0
        self.new_ids = NewIds()

    def commit(self, oid: str) -> None:
        """Write one commit whose parents are written."""
        header, blank, message = self._objects.read(oid)[1].partition(b"\n\n")
        lines = b"\n".join(self._headers(header))
        message = self.new_ids.in_text(self._plan.messages.apply(message))
        self.new_ids.add(oid, self._write("commit", lines + blank + message))

    def _headers(self, header: bytes) -> Iterator[bytes]:
        for line in _HEADER.findall(header):
            key, _, value = line.partition(b" ")
            if key == b"tree":
                yield b"tree " + (self._tree(value.decode()) or self._write("tree", b"")).encode()
            elif key == b"parent":
                yield b"parent " + self.new_ids.renamed.get(value.decode(), value.decode()).encode()
            elif key in {b"author", b"committer"}:
                yield key + b" " + edited_person(value, self._plan)
            elif line and key not in _VOID:
                yield line

    def _tree(self, oid: str) -> str | None:
        """The id of a tree afterwards; None where nothing is left in it."""
        if oid not in self._trees:
            content = self._objects.read(oid)[1]
            entries = list(self._rewritten(content))
            entries.sort(key=lambda entry: entry[1] + (b"/" if int(entry[0], 8) == _FOLDER else b""))
            after = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(new) for mode, name, new in entries)
            if not entries and content:
                self._trees[oid] = None
            else:
                self._trees[oid] = (
                    oid if len(after) == len(content) and after == content else self._write("tree", after)
                )
        return self._trees[oid]

    def _rewritten(self, tree: bytes) -> Iterator[tuple[bytes, bytes, str]]:
        position = 0
        while position < len(tree):
            end = tree.index(b"\0", position)
            mode, _, name = tree[position:end].partition(b" ")
            position = end + 1 + _ID_BYTES
            oid = tree[end + 1 : position].hex()
            new = self._tree(oid) if int(mode, 8) == _FOLDER else self._blob(oid)
            if new is not None:
                yield mode, self._plan.names.apply(name), new

    def _blob(self, oid: str) -> str | None:
        if oid in self._plan.dropped:
            return None
        if oid in self._plan.edited and oid not in self._blobs:
            self._blobs[oid] = self._write("blob", self._plan.texts.apply(self._objects.read(oid)[1]))
        return self._blobs.get(oid, oid)

    def _write(self, kind: str, content: bytes) -> str:
        oid = hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content, usedforsecurity=False)
        entry = _entry_head(_NUMBERS[kind], len(content)) + zlib.compress(content, 1)
        self._entries.append(entry)
        self._held += len(entry)
        if self._held > _MOST_HELD:
            self.flush()
        return oid.hexdigest()

    def flush(self) -> None:
        """Hand what was written to git, which checks every id.

        Raises:
            GitError: git does not take it.
        """
        if not self._entries:
            return
        pack = b"PACK" + struct.pack(">II", 2, len(self._entries)) + b"".join(self._entries)
        pack += hashlib.sha1(pack, usedforsecurity=False).digest()
        run(["index-pack", "--stdin"], self._mirror, stdin=pack)
        self._entries, self._held = [], 0


def _entry_head(number: int, size: int) -> bytes:
    """Kind and size of an object as a pack writes them: four bits of the size, then seven a byte."""
    head = [number << 4 | size & 15]
    size >>= 4
    while size:
        head[-1] |= 128
        head.append(size & 127)
        size >>= 7
    return bytes(head)

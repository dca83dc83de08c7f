"""Signing again what a rewrite took the signature of: the user's own commits and tags, nobody else's.

A new signature gives a commit a new id, so every commit after it, every tag that leads to one and every
message that names one is written once more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.git.tags import tag_chain
from keyleak.remediation.fidelity import Loss
from keyleak.remediation.new_ids import NewIds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.git.signing import Signer
    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.proof import Expected

_PERSON: Final = re.compile(rb"^(?:committer|tagger) .*<([^<>\n]*)> ", re.MULTILINE)


def sign_again(mirror: str, expected: Expected, renamed: Mapping[str, str], signer: Signer) -> dict[str, str]:
    """Sign, and move every ref to what is signed.

    Args:
        mirror: the rewritten clone.
        expected: what was rewritten, and what lost a signature.
        renamed: affected commits before and after the rewrite.
        signer: the user's key.

    Returns:
        The affected commits before the rewrite and after it is signed.

    Raises:
        GitError: a signature could not be made; the refs are as they were.
    """
    with single_objects(mirror) as objects:
        signing = _Signing(mirror, objects, expected, signer)
        final = signing.commits(renamed)
        moved = signing.refs()
    for ref, (before, after) in moved.items():
        run(["update-ref", ref, after, before], mirror)
    return final


class _Signing:
    def __init__(self, mirror: str, objects: SingleObjects, expected: Expected, signer: Signer) -> None:
        self._mirror = mirror
        self._objects = objects
        self._expected = expected
        self._signer = signer
        self._new_ids = NewIds()

    def commits(self, renamed: Mapping[str, str]) -> dict[str, str]:
        """Write every affected commit that is signed or comes after one that is; ids before and after all."""
        final = {}
        for old in self._expected.affected.commits:
            new = renamed[old]
            content = self._new_ids.in_text(self._objects.read(new)[1])
            if self._expected.fidelity.has(Loss.SIGNATURE, old) and self._is_own(content):
                content = _signed(content, self._signer.sign(content))
            final[old] = self._written("commit", new, content)
        return final

    def refs(self) -> dict[str, tuple[str, str]]:
        """Refs to move, with the ids before and after."""
        moved = {}
        for ref, chain in self._expected.affected.chains.items():
            name = self._expected.affected.renamed.get(ref, ref)
            before = run(["rev-parse", "--verify", name], self._mirror).decode().strip()
            *tags, end = tag_chain(self._objects, before)
            after = self._new_ids.renamed.get(end, end)
            for tag, old in zip(reversed(tags), reversed(chain[:-1]), strict=True):
                after = self._tag(tag, old, after)
            if after != before:
                moved[name] = (before, after)
        return moved

    def _tag(self, tag: str, old: str, target: str) -> str:
        content = self._objects.read(tag)[1]
        rest = content.split(b"\n", 1)[1]
        content = b"object " + target.encode() + b"\n" + rest
        if self._expected.fidelity.has(Loss.TAG_SIGNATURE, old) and self._is_own(content):
            content += self._signer.sign(content)
        return self._written("tag", tag, content)

    def _is_own(self, content: bytes) -> bool:
        person = _PERSON.search(content.partition(b"\n\n")[0])
        return person is not None and person[1].decode("utf-8", "replace") == self._signer.email

    def _written(self, kind: str, before: str, content: bytes) -> str:
        if content == self._objects.read(before)[1]:
            return before
        command = ["hash-object", "-t", kind, "-w", "--stdin", "--literally"]
        after = run(command, self._mirror, stdin=content).decode().strip()
        self._new_ids.add(before, after)
        return after


def _signed(content: bytes, signature: bytes) -> bytes:
    """A commit with a signature in its header, where git looks for it."""
    header, blank, message = content.partition(b"\n\n")
    lines = signature.rstrip(b"\n").split(b"\n")
    return header + b"\ngpgsig " + b"\n ".join(lines) + blank + message

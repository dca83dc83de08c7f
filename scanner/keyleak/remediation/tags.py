"""Refs that hold a key while no commit that they lead to does: tags by their message, refs of a blob.

git filter-repo rewrites what commits bring; these are written here, object by object, and nothing else.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run
from keyleak.git.single_objects import single_objects
from keyleak.git.tags import tag_chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.git.single_objects import SingleObjects
    from keyleak.remediation.affected import Affected
    from keyleak.remediation.rewrite_plan import RewritePlan

SIGNATURE: Final = re.compile(rb"^-----BEGIN (?:PGP|SSH|SIGNED) (?:SIGNATURE|MESSAGE)-----$", re.MULTILINE)


def rewrite_refs(mirror: str, affected: Affected, plan: RewritePlan, renamed: Mapping[str, str]) -> None:
    """Write the tags and blobs of refs anew, and move the refs to them.

    Args:
        mirror: a clone that keyleak made, in which filter-repo is done.
        affected: which refs hold a key themselves, and which lead to a rewritten commit: fast-export strips
            signatures of OpenPGP from tags of those, but no others, which are void as well.
        plan: what is replaced.
        renamed: affected commits before and after; refs and tags that filter-repo moved lead there already.

    Raises:
        GitError: git said no.
    """
    moved = []
    with single_objects(mirror) as objects:
        for ref in (*affected.others, *affected.refs):
            before = run(["rev-parse", "--verify", ref], mirror).decode().strip()
            *tags, end = tag_chain(objects, before)
            chain = (*tags, renamed.get(end, end))
            after = _written(mirror, objects, chain, plan, leads_to_new=ref in affected.refs)
            if after != before:
                moved.append((ref, after, before))
    for ref, after, before in moved:
        run(["update-ref", ref, after, before], mirror)


def rename_refs(mirror: str, renamed: Mapping[str, str]) -> None:
    """Give refs whose name holds a key another name.

    Args:
        mirror: a clone that keyleak made.
        renamed: full names before and after.

    Raises:
        GitError: git said no; a ref may have the new name already.
    """
    head = os.fsdecode(run(["symbolic-ref", "-q", "HEAD"], mirror, accept=(0, 1)).strip())
    for ref, name in renamed.items():
        oid = run(["rev-parse", "--verify", ref], mirror).decode().strip()
        run(["update-ref", name, oid, "0" * len(oid)], mirror)
        if ref == head:
            run(["symbolic-ref", "HEAD", name], mirror)
        run(["update-ref", "-d", ref, oid], mirror)


def _written(
    mirror: str, objects: SingleObjects, chain: tuple[str, ...], plan: RewritePlan, *, leads_to_new: bool
) -> str:
    """The id of a chain's first object once all of it is written, the last one first."""
    *tags, end = chain
    new = end
    if end in plan.edited:
        new = _write(mirror, "blob", plan.texts.apply(objects.read(end)[1]))
    for oid in reversed(tags):
        content = objects.read(oid)[1]
        named = content.split(b"\n", 1)[0].removeprefix(b"object ").decode()
        is_void = leads_to_new and without_signature(content.partition(b"\n\n")[2])[1]
        new = (
            _write(mirror, "tag", _edited_tag(content, new, plan))
            if (new != named or oid in plan.tags or is_void)
            else oid
        )
    return new


def _edited_tag(content: bytes, target: str, plan: RewritePlan) -> bytes:
    header, blank, message = content.partition(b"\n\n")
    lines = header.split(b"\n")
    lines[0] = b"object " + target.encode()
    for number, line in enumerate(lines):
        key, _, value = line.partition(b" ")
        if key == b"tagger":
            lines[number] = b"tagger " + edited_person(value, plan)
    return b"\n".join(lines) + blank + plan.messages.apply(without_signature(message)[0])


def edited_person(value: bytes, plan: RewritePlan) -> bytes:
    """`Name <address> date` as the plan changes it."""
    person, bracket, moment = value.rpartition(b"> ")
    if not bracket:
        return value
    return dict(plan.identities).get(person + b">", person + b">") + b" " + moment


def without_signature(message: bytes) -> tuple[bytes, bool]:
    """A tag's message without the signature at its end, and whether there was one."""
    signature = SIGNATURE.search(message)
    return (message[: signature.start()], True) if signature else (message, False)


def _write(mirror: str, kind: str, content: bytes) -> str:
    written = run(["hash-object", "-t", kind, "-w", "--stdin", "--literally"], mirror, stdin=content)
    return written.decode().strip()

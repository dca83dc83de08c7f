"""Annotated tags, which may name other tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyleak.git.single_objects import SingleObjects


def tag_chain(objects: SingleObjects, oid: str) -> tuple[str, ...]:
    """A tag, the tags that it leads to, and what the last of them names.

    Raises:
        GitError: one of them is not there.
    """
    chain = [oid]
    while True:
        kind, content = objects.read(chain[-1])
        if kind != "tag":
            return tuple(chain)
        chain.append(content.split(b"\n", 1)[0].removeprefix(b"object ").decode())

"""The objects that commits, tags and trees name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.git.visitor import Kind

_SUBMODULE: Final = b"160000"
_ENTRIES: Final = {
    length: re.compile(rb"([0-7]+) [^\0]+\0(.{%d})" % length, re.DOTALL) for length in (20, 32)
}
_FIRST: Final = (b"tree ", b"object ")
_PARENT: Final = b"parent "


def ids_named(content: bytes, id_bytes: int) -> Iterator[bytes]:
    """The ids in the header of a commit (its tree and parents) or a tag (its object)."""
    digits = 2 * id_bytes
    for word in _FIRST:
        if content.startswith(word):
            place = len(word)
            yield from _id(content[place : place + digits])
            place += digits + 1
            while content.startswith(_PARENT, place):
                place += len(_PARENT)
                yield from _id(content[place : place + digits])
                place += digits + 1


def ids_of_entries(tree: bytes, id_bytes: int) -> Iterator[bytes]:
    """The ids in a tree, but for the commits of submodules, which belong to other repositories."""
    for mode, oid in _ENTRIES[id_bytes].findall(tree):
        if mode != _SUBMODULE:
            yield oid


def ids_in(kind: Kind, content: bytes, id_bytes: int) -> Iterator[bytes]:
    """The ids in an object."""
    if kind == "tree":
        yield from ids_of_entries(content, id_bytes)
    elif kind != "blob":
        yield from ids_named(content, id_bytes)


def ids_of_digits(written: Iterable[bytes], id_bytes: int) -> bytes:
    """Ids that are written in hexadecimal digits, one behind the other.

    What is no id is left out, as git does not read it either.
    """
    digits = [each for each in written if len(each) == 2 * id_bytes]
    try:
        return bytes.fromhex(b"".join(digits).decode("ascii"))
    except ValueError:
        return b"".join(oid for each in digits for oid in _id(each))


def _id(digits: bytes) -> Iterator[bytes]:
    try:
        yield bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return  # no commit that git reads

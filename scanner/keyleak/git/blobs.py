"""A few small blobs at once, for what has to be quick. Everything else is read by `keyleak.git.plain`."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keyleak.git.process import stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from keyleak.git.inherited import Repository

_LONGEST_HEADER: Final = 1024
# Their ids fit into a pipe, so that neither side ever waits for the other.
MOST: Final = 512


class UnusualBlobError(Exception):
    """An object is large, damaged, missing or no blob."""


def small_blobs(repository: Repository, ids: Sequence[bytes], limit: int) -> list[bytes]:
    """The content of blobs, in order.

    Args:
        repository: where they are.
        ids: at most `MOST` of them.
        limit: the most bytes that all of them together may have.

    Raises:
        UnusualBlobError: see there; whatever it is, the plain path tells.
        GitError: git cannot be started or gave up.
    """
    assert len(ids) <= MOST
    contents: list[bytes] = []
    # Leaving by an exception ends git without waiting for the rest of what it has to say.
    with stream(["cat-file", "--batch"], repository.folder, keep=repository.keep) as git:
        with suppress(BrokenPipeError):  # it ended; that shows where its answers are read
            git.stdin.write(b"".join(oid.hex().encode() + b"\n" for oid in ids))
            git.stdin.close()
        for oid in ids:
            contents.append(_blob(oid, git.stdout, limit))
            limit -= len(contents[-1])
    return contents


def _blob(oid: bytes, answers: IO[bytes], limit: int) -> bytes:
    header = answers.readline(_LONGEST_HEADER).split()
    if len(header) != 3 or header[1] != b"blob" or int(header[2]) > limit:
        raise UnusualBlobError
    size = int(header[2])
    content = answers.read(size + 1)
    digest = hashlib.sha256() if len(oid) == 32 else hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % size + content[:-1])
    if len(content) != size + 1 or digest.digest() != oid:
        raise UnusualBlobError
    return content[:-1]

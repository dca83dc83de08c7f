"""Objects that a partial clone left on its remote, fetched where the user asks for it.

The one place that lets git use a network for a repository which is already here. Its configuration says where
from; but no program that it names is run: not for transport, credentials, references or maintenance.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.process import run, transfer

if TYPE_CHECKING:
    from collections.abc import Callable

_PROMISOR: Final = re.compile(r"remote\.(.*)\.promisor\Z", re.DOTALL)
_USUAL: Final = re.compile(r"https?://|ssh://|git://|file://|/|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:")


def fetch_missing(repository: str, ids: bytes, tell: Callable[[str], None]) -> None:
    """Asks the promisor remote for objects.

    Args:
        repository: where they are missing.
        ids: one a line.
        tell: told who is asked for how much, before it is.

    Raises:
        GitError: there is no such remote, it is not reached in a usual way, or it does not give them.
    """
    for name in _promisors(repository):
        url = run(["remote", "get-url", name], repository).decode("utf-8", "surrogateescape").strip()
        if not _USUAL.match(url):
            raise GitError(("fetch",), None, f"remote {name!r} is reached by {url!r}, which is refused")
        tell(f"asking {url} for {ids.count(chr(10).encode()):,} missing objects")
        transfer(
            [
                *("fetch", name, "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no"),
                *("--upload-pack=git-upload-pack", "--filter=blob:none", "--stdin"),
            ],
            repository,
            stdin=ids,
        )
        return
    raise GitError(("fetch",), None, "no remote promises the missing objects")


def _promisors(repository: str) -> list[str]:
    listing = run(
        ["config", "--name-only", "-z", "--get-regexp", r"^remote\..*\.promisor$"], repository, accept=(0, 1)
    )
    names = (_PROMISOR.match(key) for key in listing.decode("utf-8", "surrogateescape").split("\0") if key)
    return [name[1] for name in names if name]

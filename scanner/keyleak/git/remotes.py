"""The remotes that a repository's own configuration names, and where they are."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The repository's own file alone: what that includes could be any file of this machine.
_OWN: Final = ("config", "--local", "--no-includes", "-z")
_NAME: Final = re.compile(r"remote\.(.*)\.[a-z]+\Z", re.DOTALL)


def remote_urls(repository: str, keep: Sequence[str] = ()) -> dict[str, str]:
    """The first URL of each remote, as it is written there, by name.

    Args:
        repository: which one.
        keep: `GIT_*` variables to trust (see `keyleak.git.process`).

    Raises:
        GitError: git does not read its configuration.
    """
    urls: dict[str, str] = {}
    for name, url in _settings(repository, r"^remote\..*\.url$", keep):
        if url:
            urls.setdefault(name, url)
    return urls


def promisors(repository: str) -> list[str]:
    """Names of the remotes that hold what a partial clone lacks.

    Raises:
        GitError: git does not read its configuration.
    """
    named = [name for name, value in _settings(repository, r"^remote\..*\.promisor$", ()) if _is_true(value)]
    # As git before 2.24 wrote it.
    older = run([*_OWN, "--get", "extensions.partialClone"], repository, accept=(0, 1)).rstrip(b"\0")
    return list(dict.fromkeys([*named, *([os.fsdecode(older)] if older else [])]))


def _settings(repository: str, pattern: str, keep: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Remote and value of each setting whose name fits; None where it has none, which means yes."""
    listing = run([*_OWN, "--get-regexp", pattern], repository, keep=keep, accept=(0, 1))
    for entry in listing.split(b"\0"):
        key, line_end, value = entry.partition(b"\n")
        if named := _NAME.match(os.fsdecode(key)):
            yield named[1], os.fsdecode(value) if line_end else None


def _is_true(value: str | None) -> bool:
    return value is None or value.lower() in {"true", "yes", "on", "1"}

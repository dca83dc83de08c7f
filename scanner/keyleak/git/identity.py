"""What a repository is called, where it came from, and who wrote its commits."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.errors import GitError
from keyleak.git.process import run
from keyleak.git.remotes import remote_urls
from keyleak.git.single_objects import single_objects

if TYPE_CHECKING:
    from collections.abc import Iterable

_USER: Final = re.compile(r"(?<=://)[^/\s]*@")
_QUERY: Final = re.compile(r"(?<=://)([^?#]*)[?#].*", re.DOTALL)
_PARTS: Final = re.compile(r"[/:\\]+")
_AUTHOR: Final = re.compile(rb"(?:\A|\n)author ([^\n<>]*) <")
_ENCODING: Final = re.compile(rb"\nencoding ([^\n]+)")
_LARGEST_COMMIT: Final = 1 << 20  # bytes
_LONGEST_NAME: Final = 200


class RepositoryFacts(NamedTuple):
    """Which repository it is."""

    name: str
    """`owner/name` by its address, else the name of its folder."""
    url: str | None
    """Where it was cloned from, without credentials."""
    head: str | None
    """The commit at HEAD."""


def public_url(url: str) -> str:
    """An address without anything that lets its owner in: no user, no password, no token in a query."""
    return _QUERY.sub(r"\1", _USER.sub("", url))


def repository_facts(repository: str, cloned_from: str | None = None) -> RepositoryFacts:
    """Which repository it is; what git cannot say is None.

    Args:
        repository: a folder.
        cloned_from: the URL that it was cloned from for this reading.
    """
    url = cloned_from
    if url is None:
        try:
            urls = remote_urls(repository)
        except GitError:
            urls = {}
        url = urls.get("origin") or next(iter(urls.values()), None)
    shown = public_url(url) if url else None
    return RepositoryFacts(_name(shown, repository), shown, _head(repository))


def _name(url: str | None, repository: str) -> str:
    if url is not None:
        path = url.partition("://")[2].partition("/")[2] if "://" in url else url.rpartition(":")[2]
        parts = [part for part in _PARTS.split(path) if part]
    else:
        parts = [os.path.basename(os.path.realpath(repository).removesuffix(f"{os.sep}.git"))]
    return "/".join(parts[-2:]).removesuffix(".git") or "/"


def _head(repository: str) -> str | None:
    try:
        answer = run(["rev-parse", "--quiet", "--verify", "HEAD^{commit}"], repository, accept=(0, 1))
    except GitError:
        return None
    return answer.decode().strip() or None


def authors(repository: str, commits: Iterable[str], keep: tuple[str, ...] = ()) -> dict[str, str]:
    """Names of the authors of commits; not of those that have none, or an address for one.

    Args:
        repository: where the commits are.
        commits: their ids.
        keep: `GIT_*` variables to trust (see `keyleak.git.process`).

    Raises:
        GitError: git does not read the repository.
    """
    names: dict[str, str] = {}
    with single_objects(repository, keep) as objects:
        for commit in dict.fromkeys(commits):
            try:
                kind, content = objects.read(commit, _LARGEST_COMMIT)
            except GitError:
                continue  # not there, or too large: nothing is known of it
            if kind == "commit" and (name := _author(content.partition(b"\n\n")[0])):
                names[commit] = name
    return names


def _author(header: bytes) -> str | None:
    written = _AUTHOR.search(header)
    if written is None:
        return None
    encoding = _ENCODING.search(header)
    try:
        name = written[1].decode(encoding[1].decode("ascii") if encoding else "utf-8", "replace").strip()
    except (LookupError, UnicodeDecodeError):
        name = written[1].decode("utf-8", "replace").strip()
    return name[:_LONGEST_NAME] if name and "@" not in name else None

"""The remotes of a repository: their URLs, and which refs here repeat which of theirs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.git.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from keyleak.git.inherited import Repository

_USER: Final = re.compile(r"\A(\w+://)[^/@]*@")
_TRACKING: Final = "refs/remotes/"


class Refspec(NamedTuple):
    """One `remote.NAME.fetch` with a destination below `refs/remotes/`."""

    source: str
    """A ref of the remote, with at most one `*`."""
    destination: str
    """The ref here that repeats it, with a `*` where the source has one."""

    def tracking(self, ref: str) -> str | None:
        """The ref here that repeats one of the remote's; None where this refspec does not map it."""
        middle = _middle(self.source, ref)
        return None if middle is None else self.destination.replace("*", middle, 1)

    def fills(self, ref: str) -> bool:
        """Whether this refspec writes a ref here."""
        return _middle(self.destination, ref) is not None


class Remote(NamedTuple):
    """One configured remote."""

    name: str
    urls: tuple[str, ...]
    """As configured; fetches use the first."""
    refspecs: tuple[Refspec, ...]


def remotes(repository: Repository) -> dict[str, Remote]:
    """The configured remotes by name.

    Raises:
        GitError: git cannot read the configuration.
    """
    command = ["config", "-z", "--get-regexp", r"^remote\..*\.(url|fetch)$"]
    answer = run(command, repository.folder, keep=repository.keep, accept=(0, 1))
    values: dict[str, dict[str, list[str]]] = {}
    for entry in os.fsdecode(answer).split("\0"):
        key, _, value = entry.partition("\n")
        name, _, variable = key.partition(".")[2].rpartition(".")
        if name:
            values.setdefault(name, {"url": [], "fetch": []})[variable].append(value)
    return {
        name: Remote(name, tuple(each["url"]), tuple(_refspecs(each["fetch"])))
        for name, each in values.items()
    }


def fetch_url(repository: Repository, remote: Remote) -> str | None:
    """Where a fetch of a remote goes, `url.*.insteadOf` included; None where it has no URL.

    Raises:
        GitError: git cannot say.
    """
    if not remote.urls:
        return None
    command = ["ls-remote", "--get-url", "--", remote.name]
    return os.fsdecode(run(command, repository.folder, keep=repository.keep).removesuffix(b"\n"))


def tracking_refs(repository: Repository, remote: Remote, others: Iterable[Remote]) -> dict[str, str]:
    """The refs below `refs/remotes/` that repeat this remote's refs and no other remote's, with their ids.

    Of the remotes `a` and `a/b`, both may have written `refs/remotes/a/b/main`, so it counts for neither.

    Raises:
        GitError: git cannot list refs.
    """
    command = ["for-each-ref", "--format=%(objectname) %(refname)", _TRACKING]
    listing = os.fsdecode(run(command, repository.folder, keep=repository.keep))
    pairs = [line.partition(" ") for line in listing.splitlines()]
    foreign = [spec for other in others if other.name != remote.name for spec in other.refspecs]
    return {
        ref: oid
        for oid, _, ref in pairs
        if any(spec.fills(ref) for spec in remote.refspecs) and not any(spec.fills(ref) for spec in foreign)
    }


def without_user(url: str) -> str:
    """A URL as git writes it into FETCH_HEAD and reflogs: no user, no `.git`, no slash at the end."""
    return _USER.sub(r"\1", url).rstrip("/").removesuffix(".git")


def _refspecs(values: Iterable[str]) -> Iterator[Refspec]:
    for value in values:
        source, _, destination = value.removeprefix("+").partition(":")
        # What a fetch writes elsewhere, such as local branches of a mirror, may hold work of this repository.
        if destination.startswith(_TRACKING) and source.count("*") == destination.count("*") <= 1:
            yield Refspec(source, destination)


def _middle(pattern: str, ref: str) -> str | None:
    """What `*` of a pattern is in a ref; empty where the pattern has none, None where it does not fit."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if ref == pattern else None
    fits = len(ref) >= len(before) + len(after) and ref.startswith(before) and ref.endswith(after)
    return ref[len(before) : len(ref) - len(after)] if fits else None


def by_ref(remote: Remote, refs: Iterable[str]) -> Mapping[str, str]:
    """For refs of the remote, the refs here that repeat them; without those that none repeats."""
    pairs = [(ref, spec.tracking(ref)) for ref in refs for spec in remote.refspecs]
    return {ref: tracking for ref, tracking in pairs if tracking}

"""What a push brings: the lines that git gives to `pre-push` and `pre-receive`, and what they bring."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.errors import UsageError
from keyleak.git.process import run
from keyleak.git.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keyleak.git.inherited import Repository
    from keyleak.git.tracking import Known

_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_QUARANTINE: Final = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


class RefUpdate(NamedTuple):
    """One ref of a push."""

    ref: str
    """Its name on the receiving side."""
    old: str | None
    """What it was there; None where it is new."""
    new: str | None
    """What it becomes; None where it is deleted."""


class Push(NamedTuple):
    """What `git push` is about to send."""

    updates: tuple[RefUpdate, ...]
    remote: str
    """The name of the remote, or its URL where it has none."""
    url: str
    """Where it goes."""
    asked_there: bool = True
    """Whether the old ids come from the other side, not from tracking refs here."""


def sent_updates(lines: bytes) -> list[RefUpdate]:
    """What `pre-push` reads: local ref, local id, remote ref, remote id.

    Raises:
        UsageError: a line is none of these.
    """
    # A local name may hold blanks (`HEAD@{2 days ago}`), the other three cannot.
    fields = [line.rsplit(maxsplit=3) for line in _lines(lines)]
    return [_update(each, *each[2:4], *each[1:2]) for each in fields]


def received_updates(lines: bytes) -> list[RefUpdate]:
    """What `pre-receive` reads: old id, new id, ref.

    Raises:
        UsageError: a line is none of these.
    """
    fields = [line.split(maxsplit=2) for line in _lines(lines)]
    return [_update(each, *each[2:3], *each[0:2]) for each in fields]


def _lines(content: bytes) -> list[str]:
    return [line for line in os.fsdecode(content).split("\n") if line.strip()]


def _update(fields: Sequence[str], ref: str = "", old: str = "", new: str = "") -> RefUpdate:
    if not (_OBJECT_ID.match(old) and _OBJECT_ID.match(new)):
        raise UsageError(f"git is said to have written {' '.join(fields)!r}, which is no line about a ref")
    return RefUpdate(ref, *(None if not oid.strip("0") else oid for oid in (old, new)))


def sent_scope(repository: Repository, push: Push, known: Known) -> Scope:
    """The commits of a push that its remote has not, as far as this repository knows.

    Args:
        repository: the sending one.
        push: what is pushed.
        known: what the remote has, by tracking refs.

    Raises:
        GitError: git cannot say which objects are here.
    """
    said = push.asked_there or not known.doubt
    # What the remote has may never have been fetched.
    here = _present(repository, {update.old for update in push.updates if update.old and said})
    news = tuple(dict.fromkeys(update.new for update in push.updates if update.new))
    olds = sorted(here.union(known.ids))
    return Scope((*news, *(f"^{old}" for old in olds)), keep=repository.keep)


def received_scope(repository: Repository, updates: Iterable[RefUpdate]) -> Scope:
    """The commits of a push that no ref of the receiving repository reaches yet."""
    news = tuple(dict.fromkeys(update.new for update in updates if update.new))
    return Scope((*news, "--not", "--all"), keep=repository.keep)


def judging_commit(receiving: Repository, updates: Sequence[RefUpdate]) -> str | None:
    """The commit of the receiving side whose configuration judges a push: what HEAD names there.

    A server's HEAD names the branch that people merge into. Where that is not born yet, it is what the one
    ref that is pushed was before; None where nothing was.

    Args:
        receiving: the repository as it was before the push.
        updates: see `received_updates`.
    """
    if receiving.head is not None:
        return receiving.head
    olds = [update.old for update in updates]
    return next(iter(_commits(receiving, olds)), None) if len(olds) == 1 else None


def received_commits(repository: Repository, updates: Iterable[RefUpdate]) -> tuple[str, ...]:
    """The commits that refs are to name, without those that are to name something else."""
    return _commits(repository, [update.new for update in updates])


def _commits(repository: Repository, ids: Iterable[str | None]) -> tuple[str, ...]:
    asked = "".join(f"{oid}^{{commit}}\n" for oid in dict.fromkeys(ids) if oid)
    answer = run(["cat-file", "--batch-check"], repository.folder, stdin=asked.encode(), keep=repository.keep)
    lines = (line.split() for line in answer.decode().splitlines())
    return tuple(dict.fromkeys(line[0] for line in lines if len(line) == 3 and line[1] == "commit"))


def _present(repository: Repository, ids: set[str]) -> set[str]:
    asked = "".join(f"{oid}\n" for oid in sorted(ids)).encode()
    answer = run(["cat-file", "--batch-check"], repository.folder, stdin=asked, keep=repository.keep)
    lines = (line.split() for line in answer.decode().splitlines())
    return {line[0] for line in lines if len(line) == 3}


def in_quarantine(repository: Repository, environ: Mapping[str, str]) -> Repository:
    """The repository with the objects of a push that is not accepted yet, where there is one.

    Raises:
        UsageError: a variable names objects that are not this repository's.
    """
    quarantine, objects = environ.get("GIT_QUARANTINE_PATH"), environ.get("GIT_OBJECT_DIRECTORY")
    if quarantine is None and objects is None:
        return repository
    common = run(["rev-parse", "--git-common-dir"], repository.folder).removesuffix(b"\n")
    stored = os.path.realpath(os.path.join(repository.folder, os.fsdecode(common), "objects"))
    for name, folder in (("GIT_QUARANTINE_PATH", quarantine), ("GIT_OBJECT_DIRECTORY", objects)):
        whole = os.path.realpath(os.path.join(repository.folder, folder or ""))
        if folder is None or not whole.startswith(stored + os.sep):
            raise UsageError(f"{name} names {folder or 'nothing'}, which is no quarantine of {stored}")
    return repository._replace(keep=(*repository.keep, *_QUARANTINE))

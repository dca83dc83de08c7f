"""Objects that a partial clone left on its remote, fetched where the user asks for it.

The repository says where from, and nothing else: git fetches into an empty repository of our own, and the
packs that arrive are moved over. No program and no file that the repository's configuration names is used.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.network import Origin, connect, protocols, without_user
from keyleak.git.process import run
from keyleak.git.remotes import promisors, remote_urls

if TYPE_CHECKING:
    from collections.abc import Callable

_REMOTE: Final = "promisor"
_CONFIGURATION: Final = """\
[remote "{name}"]
\turl = "{url}"
\tpromisor = true
"""
# In this order: once its index is there, git takes a pack for whole.
_PARTS: Final = (".pack", ".rev", ".promisor", ".idx")


def fetch_missing(repository: str, ids: bytes, tell: Callable[[str], None]) -> None:
    """Asks the promisor remote for objects, and adds what it sends to the repository.

    Args:
        repository: where they are missing.
        ids: one a line.
        tell: told who is asked for how much, before it is.

    Raises:
        GitError: there is no such remote, its address is refused, it does not give the objects, or they
            cannot be added.
    """
    urls = remote_urls(repository)
    url = next((urls[name] for name in promisors(repository) if name in urls), None)
    if url is None:
        raise GitError(("fetch",), None, "no remote promises the missing objects")
    allowed = protocols(url, Origin.REPOSITORY)
    packs = _pack_folder(repository)
    form = run(["rev-parse", "--show-object-format"], repository).strip().decode()
    tell(f"asking {without_user(url)} for {ids.count(10):,} missing objects")
    with tempfile.TemporaryDirectory(prefix="keyleak-") as folder:
        own = os.path.join(folder, "own.git")
        run(["init", "--bare", "--quiet", "--template=", f"--object-format={form}", own], folder)
        with open(os.path.join(own, "config"), "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(_CONFIGURATION.format(name=_REMOTE, url=url.replace("\\", "\\\\").replace('"', '\\"')))
        options = (
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--filter=blob:none",
            "--stdin",
        )
        connect(("fetch", *options, _REMOTE), own, allowed, stdin=ids)
        _move_packs(os.path.join(own, "objects", "pack"), packs)


def _pack_folder(repository: str) -> str:
    """Where the repository keeps packs.

    Raises:
        GitError: it leads somewhere else, so that another folder would be written to.
    """
    answer = run(["rev-parse", "--git-path", "objects"], repository).removesuffix(b"\n")
    objects = os.path.join(os.path.abspath(repository), os.fsdecode(answer))
    folder = os.path.join(objects, "pack")
    for path in (objects, folder):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise GitError(
                ("fetch",), None, f"{path} is a link or no folder; fetched objects are not put there"
            )
    return folder


def _move_packs(source: str, target: str) -> None:
    stems = sorted(name.removesuffix(".idx") for name in os.listdir(source) if name.endswith(".idx"))
    try:
        for stem in stems:
            for part in _PARTS:
                if os.path.exists(os.path.join(source, stem + part)):
                    _move(os.path.join(source, stem + part), os.path.join(target, stem + part))
    except OSError as error:
        raise GitError(("fetch",), None, f"{target}: {error.strerror}; nothing of it is in use") from error


def _move(source: str, target: str) -> None:
    """Copies a file to where none is; it appears whole."""
    if os.path.lexists(target):
        return
    descriptor, part = tempfile.mkstemp(prefix="tmp_keyleak_", dir=os.path.dirname(target))
    try:
        with open(descriptor, "wb") as written, open(source, "rb") as read:
            shutil.copyfileobj(read, written, 1 << 20)
        os.chmod(part, 0o444)
        os.rename(part, target)
    except BaseException:
        os.unlink(part)
        raise

"""What earlier readings of history brought, kept in the user's cache folder.

An entry holds counts and the ids of objects, never a key nor any other content: objects that had something to
tell are read again. Entries are valid for one set of rules and for this very code, and only in a folder that
nobody else could have written to.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from keyleak import cache_file
from keyleak._version import __version__
from keyleak.coverage import ObjectCounts
from keyleak.git.memory import Remembered
from keyleak.resources import code_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORM: Final = 3
"""Version of the form of entries."""

_KEPT_DAYS: Final = 60
_SECONDS_A_DAY: Final = 86_400


class HistoryCache:
    """Entries for one set of rules; see `keyleak.git.memory.ObjectMemory`."""

    def __init__(self, folder: str, rules_sha256: str, note: Callable[[str], None]) -> None:
        """Find the folder of the entries that are valid now.

        Args:
            folder: of all caches of history.
            rules_sha256: of the rules in force.
            note: told of an entry that is damaged, or a cache that cannot be used.
        """
        self._all = folder
        self._folder = os.path.join(folder, _valid_for(rules_sha256))
        self._note = note
        self._usable = self._is_ours()

    def recall(self, name: str) -> Remembered | None:
        """What was kept under a name, or None."""
        if not self._usable:
            return None
        path = os.path.join(self._folder, name)
        try:
            with open(path, "rb") as file:
                content = file.read()
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._note(f"the cache entry {path} cannot be read ({error.strerror}), so its part is read anew")
            return None
        try:
            return _parsed(content)
        except (ValueError, KeyError, TypeError):
            with suppress(OSError):
                os.unlink(path)
            self._note(f"the cache entry {path} was damaged; it is removed and its part read anew")
            return None

    def keep(self, name: str, remembered: Remembered) -> None:
        """Keeps it; where it cannot, it says so and the next reading takes as long as this one."""
        if not self._usable:
            return
        path = os.path.join(self._folder, name)
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            cache_file.write_private(path, _written(remembered))
            self._forget_old()
        except OSError as error:
            self._usable = False
            self._note(f"the cache in {self._folder} cannot be written: {error.strerror}")

    def _is_ours(self) -> bool:
        """Whether no other user could have put an entry there that calls something clean."""
        try:
            os.makedirs(self._all, mode=0o700, exist_ok=True)
            for folder in (self._all, self._folder):
                if os.path.lexists(folder) and not cache_file.is_ours(folder):
                    self._note(f"the cache in {folder} is not used: others may write to it")
                    return False
        except OSError as error:
            self._note(f"the cache in {self._all} is not used: {error.strerror}")
            return False
        return True

    def _forget_old(self) -> None:
        """Removes what was not used for long, of other rules too."""
        oldest = time.time() - _KEPT_DAYS * _SECONDS_A_DAY
        for path in _files(self._all):
            with suppress(FileNotFoundError):  # another process does the same
                if os.lstat(path).st_mtime < oldest:
                    os.unlink(path)


def _valid_for(rules_sha256: str) -> str:
    """A name that changes with the rules, the code and the form of entries."""
    digest = hashlib.sha256(f"{FORM} {__version__} {rules_sha256}\n".encode())
    for path in sorted(_files(code_folder())):
        if path.endswith(".py"):
            status = os.stat(path)
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _files(folder: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry.path


def _written(remembered: Remembered) -> bytes:
    counts = remembered.counts
    entry = {
        "form": FORM,
        "counts": [counts.blob, counts.commit, counts.tag, counts.tree],
        "bytes": remembered.content_bytes,
        **{name: b"".join(getattr(remembered, name)).hex() for name in ("again", "left", "absent")},
        "id_bytes": max(
            (len(oid) for oid in remembered.again + remembered.left + remembered.absent), default=20
        ),
    }
    body = json.dumps(entry, separators=(",", ":")).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _parsed(content: bytes) -> Remembered:
    checksum, _, body = content.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        raise ValueError("not what was written")
    entry: dict[str, Any] = json.loads(body)
    blob, commit, tag, tree = entry["counts"]

    def ids(name: str) -> tuple[bytes, ...]:
        joined, length = bytes.fromhex(entry[name]), int(entry["id_bytes"])
        return tuple(joined[start : start + length] for start in range(0, len(joined), length))

    return Remembered(
        ObjectCounts(blob, commit, tag, tree), int(entry["bytes"]), ids("again"), ids("left"), ids("absent")
    )

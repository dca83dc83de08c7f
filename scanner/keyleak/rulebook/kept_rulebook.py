"""A rulebook kept between runs in the user's cache folder, so that a start parses no YAML.

It is used only if it was made from the very bytes of the rule files at hand, by this version of the code that
reads them, and if nobody but this user (or root) could have written it. Otherwise the rule files are read as
if nothing had been kept. Keeping is a convenience: where it fails, nothing is said and nothing is lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
from typing import TYPE_CHECKING, Final

from keyleak._version import __version__
from keyleak.rulebook import compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.rulebook.model import Rulebook

_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_CODE: Final = os.path.dirname(os.path.abspath(__file__))
_LARGEST: Final = 16 * 1024 * 1024
_NAME: Final = f"rules-{sys.implementation.cache_tag}.bin"


def digest_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """The digest of rule files (name and content) and of the code that makes a rulebook of them."""
    digest = hashlib.sha256()
    for part in _parts(files):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


def _parts(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    yield f"{__version__} {sys.version}".encode()
    # In a checkout the code changes without its version.
    for name in sorted(os.listdir(_CODE)):
        if name.endswith(".py"):
            facts = os.stat(os.path.join(_CODE, name))
            yield f"{name} {facts.st_size} {facts.st_mtime_ns}".encode()
    for name, content in files:
        yield os.fsencode(name)
        yield content


def kept_rulebook(made_from: bytes) -> Rulebook | None:
    """The rulebook made from exactly this, if it was kept and can be trusted."""
    folder = _folder()
    if folder is None or not _is_our_folder(folder):
        return None
    try:
        data = _content(os.path.join(folder, _NAME))
        return None if data is None else compact.unpacked(data, made_from)
    except (OSError, EOFError, ValueError, TypeError):
        return None


def keep_rulebook(rulebook: Rulebook, made_from: bytes) -> None:
    """Keep a rulebook for the next start, where there is a folder of this user's for it."""
    folder = _folder()
    if folder is None:
        return
    # A read-only home, a full disk, a folder that another process removes: the next start reads YAML again.
    with contextlib.suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if _is_our_folder(folder):
            _write(folder, compact.packed(rulebook, made_from))


def _write(folder: str, data: bytes) -> None:
    temporary = os.path.join(folder, f"{_NAME}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, os.path.join(folder, _NAME))
    except OSError:
        os.unlink(temporary)
        raise


def _folder() -> str | None:
    """The cache folder, or None where there is no home of this user's to put it in."""
    if not hasattr(os, "geteuid"):
        return None
    parent = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(parent):
        home = os.path.expanduser("~")
        # Under sudo the home may be another user's: nothing of root's belongs there.
        if not os.path.isabs(home) or not _is_our_folder(home):
            return None
        parent = os.path.join(home, ".cache")
    return os.path.join(parent, "keyleak")


def _content(path: str) -> bytes | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(descriptor)
        if not _may_be_trusted(facts) or not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
            return None
        return os.read(descriptor, facts.st_size)
    finally:
        os.close(descriptor)


def _is_our_folder(path: str) -> bool:
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and _may_be_trusted(facts)


def _may_be_trusted(facts: os.stat_result) -> bool:
    return facts.st_uid in {0, os.geteuid()} and not facts.st_mode & _OTHERS_MAY_WRITE

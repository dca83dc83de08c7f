"""Small builders of real git repositories, whole and broken."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.git.visitor import ObjectsRead, ReadLimits, ReadOptions, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from keyleak.git.visitor import Kind

ALL_KINDS: frozenset[Kind] = frozenset({"commit", "tree", "blob", "tag"})
_TYPE_NUMBERS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_OFS_DELTA = 6
_REF_DELTA = 7

Seen = tuple[bytes, str, int, bytes]
"""Id, kind, length and SHA-256 of an object's content."""


class Recorder(Visitor[Seen]):
    """A visitor that tells everything it is shown."""

    def visit(self, oid: bytes, kind: Kind, data: bytes) -> Seen:
        return oid, kind, len(data), hashlib.sha256(data).digest()

    def visit_windows(self, oid: bytes, kind: Kind, windows: Iterator[bytes]) -> Seen:
        digest, length = hashlib.sha256(), 0
        for window in windows:
            digest.update(window)
            length += len(window)
        return oid, kind, length, digest.digest()


def options(
    *, jobs: int = 1, whole: int = 64 << 20, held: int = 256 << 20, window: int = 1 << 16
) -> ReadOptions:
    return ReadOptions(kinds=ALL_KINDS, jobs=jobs, limits=ReadLimits(whole, held, window))


def seen(read: ObjectsRead[Seen]) -> list[Seen]:
    return sorted(read.results)


def git(folder: Path, *args: str | os.PathLike[str], stdin: bytes = b"") -> bytes:
    """Runs git as a user would, apart from this machine's own configuration."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.fspath(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A U Thor",
        "GIT_AUTHOR_EMAIL": "author@example.com",
        "GIT_COMMITTER_NAME": "C O Mitter",
        "GIT_COMMITTER_EMAIL": "committer@example.com",
        "GIT_AUTHOR_DATE": "1700000000 +0000",
        "GIT_COMMITTER_DATE": "1700000000 +0000",
    }
    return subprocess.run(
        ["git", *args], cwd=folder, env=environment, input=stdin, check=True, capture_output=True
    ).stdout


def new_repository(folder: Path, *, sha256: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main", f"--object-format={'sha256' if sha256 else 'sha1'}")
    git(folder, "config", "gc.auto", "0")
    return folder


def commit(repository: Path, files: dict[str, bytes], message: str = "change") -> str:
    """Writes files, commits everything and returns the commit's id."""
    for name, content in files.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    git(repository, "add", "-A", "-f")
    git(repository, "commit", "-q", "--allow-empty", "-m", message)
    return git(repository, "rev-parse", "HEAD").decode().strip()


def lines(count: int, *, seed: int = 0) -> bytes:
    """Text that makes good deltas."""
    return b"".join(b"line %d of %d: %d\n" % (n, seed, n * 7919 + seed * 104729) for n in range(count))


def grown(folder: Path, *, sha256: bool = False, versions: int = 30) -> Path:
    """A repository with a file of many versions, a branch, a merge, a rename and an annotated tag."""
    repository = new_repository(folder, sha256=sha256)
    for number in range(versions):
        commit(repository, {"src/text": lines(200 + number), "n": b"%d" % number}, f"version {number}")
    git(repository, "checkout", "-q", "-b", "side", f"HEAD~{min(5, versions - 1)}")
    commit(repository, {"side": lines(50, seed=3)}, "aside")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "-m", "merge side", "side")
    git(repository, "mv", "src/text", "moved")
    commit(repository, {}, "rename")
    git(repository, "tag", "-a", "-m", "a tag", "v1")
    return repository


def repack(repository: Path, *, depth: int = 50, window: int = 10, extra: Sequence[str] = ()) -> Path:
    """Packs everything, unreachable objects too, and returns the pack."""
    git(repository, *extra, "repack", "-q", "-a", "-d", "-f", "-k", f"--depth={depth}", f"--window={window}")
    return only_pack(repository)


def only_pack(repository: Path) -> Path:
    (pack,) = repository.glob(".git/objects/pack/*.pack")
    return pack


@dataclass(frozen=True)
class Entry:
    """One object of a pack made by hand."""

    kind: str
    content: bytes
    """The object as it shall turn out."""
    base: int | None = None
    """Which entry before this one it is a delta of."""
    base_id: bytes | None = None
    """Instead of `base`: the id of its base, wherever that is."""
    claimed: int | None = None
    """The size its header says, if not the true one."""
    delta: bytes | None = None
    """The delta to write, if not one that inserts all the content."""
    oid: bytes | None = None
    """The id its index gives it, if not the true one."""


def number(value: int) -> bytes:
    """A size as deltas write it."""
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


def appending_delta(base: bytes, added: bytes) -> bytes:
    """The delta that copies a base of at most 64 KiB and adds up to 127 bytes."""
    copy = b"\xb0" + struct.pack("<H", len(base))
    return number(len(base)) + number(len(base) + len(added)) + copy + bytes([len(added)]) + added


def object_name(kind: str, content: bytes) -> bytes:
    return hashlib.sha1(b"%s %d\x00" % (kind.encode(), len(content)) + content).digest()


def write_pack(repository: Path, entries: Sequence[Entry], *, move: dict[int, int] | None = None) -> Path:
    """Writes a pack and an index that vouches for it, however wrong they are.

    Args:
        repository: where to.
        entries: the objects.
        move: by entry, an offset for the index to give instead of the true one.
    """
    pack = bytearray(b"PACK" + struct.pack(">II", 2, len(entries)))
    offsets = []
    for entry in entries:
        offsets.append(len(pack))
        pack += _packed(entry, len(pack), offsets)
    pack += hashlib.sha1(pack).digest()
    named = [(entry.oid or object_name(entry.kind, entry.content)) for entry in entries]
    given = [(move or {}).get(place, offset) for place, offset in enumerate(offsets)]
    stem = repository / ".git/objects/pack" / f"pack-{hashlib.sha1(pack).hexdigest()}"
    stem.with_suffix(".pack").write_bytes(pack)
    stem.with_suffix(".idx").write_bytes(index_of(zip(named, given, strict=True), bytes(pack[-20:])))
    return stem.with_suffix(".pack")


def _packed(entry: Entry, offset: int, offsets: list[int]) -> bytes:
    kind, base, content = _TYPE_NUMBERS[entry.kind], b"", entry.content
    if entry.base is not None:
        kind, base = _OFS_DELTA, _distance(offset - offsets[entry.base])
    elif entry.base_id is not None:
        kind, base = _REF_DELTA, entry.base_id
    if entry.delta is not None:
        content = entry.delta
    size = len(content) if entry.claimed is None else entry.claimed
    header = bytearray([kind << 4 | size & 15])
    size >>= 4
    while size:
        header[-1] |= 128
        header.append(size & 127)
        size >>= 7
    return bytes(header) + base + zlib.compress(content)


def _distance(distance: int) -> bytes:
    written = [distance & 127]
    while distance := distance >> 7:
        distance -= 1
        written.append(distance & 127 | 128)
    return bytes(reversed(written))


def index_of(objects: Iterable[tuple[bytes, int]], pack_checksum: bytes, *, long: bool = False) -> bytes:
    """An index of version 2; `long` writes every offset but the first to the 64-bit table."""
    ordered = sorted(objects)
    fanout = [sum(oid[0] <= first for oid, _ in ordered) for first in range(256)]
    index = b"\xfftOc" + struct.pack(">I256I", 2, *fanout) + b"".join(oid for oid, _ in ordered)
    index += bytes(4 * len(ordered))
    # Git holds that the first object of a pack never needs the 64-bit table.
    least = 12 if long else (1 << 31) - 1
    wide = [offset for _, offset in ordered if offset > least]
    place = 0
    for _, offset in ordered:
        is_wide = offset > least
        index += struct.pack(">I", (1 << 31 | place) if is_wide else offset)
        place += is_wide
    index += struct.pack(f">{len(wide)}Q", *wide) + pack_checksum
    return index + hashlib.sha1(index).digest()

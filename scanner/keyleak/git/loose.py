"""Loose objects, each read from its own file and checked against its name, whatever packs hold as well.

Git shows a pack's copy where there is one; the file could hold something else, which would never be read.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, BinaryIO, Final, Generic, TypeVar

from isal import isal_zlib

from keyleak.coverage import ObjectCounts
from keyleak.git.names import ids_in
from keyleak.git.regular import open_regular
from keyleak.git.visitor import Failures, ObjectsRead, look_at, look_at_windows, object_digest, worth_looking
from keyleak.records import dataclass, field

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterator, Sequence

    from keyleak.coverage import Gap
    from keyleak.git.object_store import LooseFile
    from keyleak.git.visitor import Kind, ReadOptions, Visitor

R = TypeVar("R")

_KINDS: Final[dict[bytes, Kind]] = {b"commit": "commit", b"tree": "tree", b"blob": "blob", b"tag": "tag"}
_InflateError: Final[type[Exception]] = isal_zlib.error  # type: ignore[assignment]  # its stub says instance
_LONGEST_HEADER: Final = 32
_STEP: Final = 1 << 16  # deflated bytes read at a time
# As in `keyleak.git.delta_walk`: small objects are looked at together.
_SMALL: Final = 16 << 10
_TOGETHER: Final = 256


class _DamagedError(Exception):
    """A file that is no loose object, or not a whole one."""


def read_loose(
    files: Sequence[LooseFile], counted: frozenset[bytes], visitor: Visitor[R], options: ReadOptions
) -> tuple[ObjectsRead[R], list[bytes]]:
    """Visits loose objects.

    Args:
        files: which.
        counted: ids that another copy is counted for.
        visitor: looks at them.
        options: what to read and how.

    Returns:
        What was read, all that it names among what may be absent, and the ids of objects whose file is
        damaged: git may have another copy.
    """
    reading = _LooseReading(visitor, options, counted)
    for number, file in enumerate(files):
        if not number % _TOGETHER and options.stop():
            break
        reading.one(file)
    return reading.read(), reading.left


@dataclass(slots=True)
class _LooseReading(Generic[R]):
    """What reading loose objects has brought so far."""

    visitor: Visitor[R]
    options: ReadOptions
    counted: frozenset[bytes]
    left: list[bytes] = field(default_factory=list)
    results: list[R] = field(default_factory=list)
    found: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    content_bytes: int = 0
    failures: Failures = field(default_factory=Failures)
    small: list[tuple[bytes, Kind, bytes]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    named: set[bytes] = field(default_factory=set)

    def one(self, file: LooseFile) -> None:
        """Reads one file."""
        try:
            with open_regular(file.path) as stream:
                self._object(file.oid, _Inflated(stream, self.options.limits.window_bytes))
        except OSError as error:
            # Not left to git, which opens whatever has the name.
            self.failures.note(file.oid, f"its file {error.strerror or 'cannot be read'}")
        except (_DamagedError, MemoryError):
            self.left.append(file.oid)

    def _object(self, oid: bytes, content: _Inflated) -> None:
        kind, size = content.header()
        digest = object_digest(kind, size, len(oid))
        wanted = kind in self.options.kinds
        if size > self.options.limits.whole_bytes:
            windows = content.windows(size, digest)
            if wanted:
                self._add(oid, look_at_windows(self.visitor, oid, kind, windows, self.failures))
            for _ in windows:
                pass
        else:
            data = b"".join(content.windows(size, digest))
            self.named.update(ids_in(kind, data, len(oid)))
            if wanted and len(data) == size:
                self._look(oid, kind, data)
        content.check(size)
        if digest.digest() != oid:
            self.failures.note(oid, "its content does not have this id")
        if wanted and oid not in self.counted and oid not in self.seen:
            self.seen.add(oid)
            self.counts[kind] += 1
            self.content_bytes += size

    def _look(self, oid: bytes, kind: Kind, data: bytes) -> None:
        if len(data) >= _SMALL:
            self._add(oid, look_at(self.visitor, oid, kind, data, self.failures))
            return
        self.small.append((oid, kind, data))
        if len(self.small) == _TOGETHER:
            self._look_at_small()

    def _look_at_small(self) -> None:
        small = self.small[:]
        self.small.clear()
        for place in worth_looking(self.visitor, [data for _, _, data in small]):
            oid, kind, data = small[place]
            self._add(oid, look_at(self.visitor, oid, kind, data, self.failures))

    def _add(self, oid: bytes, result: R | None) -> None:
        if result is not None:
            self.results.append(result)
            self.found.append(oid)

    def read(self) -> ObjectsRead[R]:
        """Everything brought."""
        self._look_at_small()
        counts = ObjectCounts(**self.counts)
        gaps: tuple[Gap, ...] = tuple(self.failures.gaps())
        absent = tuple(self.named)
        return ObjectsRead(tuple(self.results), tuple(self.found), counts, self.content_bytes, gaps, absent)


class _Inflated:
    """The content of a loose file as it is inflated."""

    def __init__(self, file: BinaryIO, window: int) -> None:
        self._file = file
        self._window = window
        self._inflater = isal_zlib.decompressobj()
        self._rest = b""
        self._ahead = b""
        self._length = 0

    def header(self) -> tuple[Kind, int]:
        """The kind and the size of the object.

        Raises:
            _DamagedError: there is none that makes sense.
        """
        while b"\0" not in self._ahead and len(self._ahead) < _LONGEST_HEADER:
            piece = self._inflate(_STEP)
            if not piece:
                break
            self._ahead += piece
        header, end, self._ahead = self._ahead.partition(b"\0")
        name, _, size = header.partition(b" ")
        kind = _KINDS.get(name)
        if kind is None or not end or not size.isdigit() or len(header) > _LONGEST_HEADER:
            raise _DamagedError
        return kind, int(size)

    def windows(self, size: int, digest: hashlib._Hash) -> Iterator[bytes]:
        """The content in pieces, none of it beyond a size.

        Raises:
            _DamagedError: it cannot be inflated to its end.
        """
        piece = self._ahead or self._inflate(self._window)
        while piece and self._length <= size:
            self._length += len(piece)
            digest.update(piece)
            yield piece
            piece = self._inflate(self._window)

    def check(self, size: int) -> None:
        """Makes sure that the file ends with the object.

        Raises:
            _DamagedError: it does not, or the object is shorter or longer than it says.
        """
        ended = self._inflater.eof and not self._inflater.unused_data and not self._file.read(1)
        if self._length != size or not ended:
            raise _DamagedError

    def _inflate(self, most: int) -> bytes:
        """The next piece of content; nothing at its end.

        Raises:
            _DamagedError: it cannot be inflated.
        """
        while not self._inflater.eof:
            self._rest = self._rest or self._file.read(_STEP)
            try:
                data = self._inflater.decompress(self._rest, most)
            except _InflateError as error:
                raise _DamagedError from error
            stuck = not self._rest and not data
            self._rest = self._inflater.unconsumed_tail
            if data:
                return data
            if stuck:
                return b""
        return b""

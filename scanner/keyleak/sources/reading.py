"""Reading files: once, without following links, huge ones in windows that overlap.

A reader owns one buffer, so that memory does not grow with the number of files.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from keyleak.coverage import Gap
from keyleak.findings import LocationKind
from keyleak.matching.view import REACH_AFTER, REACH_BEFORE
from keyleak.sources.inspector import Place, Window
from keyleak.sources.lines import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from keyleak.findings import Sighting
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.lines import LineStart

WINDOW: Final = 8 << 20
# Small files are read one behind the other and searched together: a search costs as much as a small file.
_TOGETHER: Final = 1 << 20
# In UTF-16 a character is two bytes, and a value may reach as far from its anchor as the anchor's view does.
MARGIN: Final = 2 * (REACH_BEFORE + REACH_AFTER)
# O_NONBLOCK: a file that became a named pipe since it was listed must not hold the scan up.
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ByteStream(Protocol):
    """What can be read into a buffer: `sys.stdin.buffer`, `io.BytesIO`."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Read into the buffer; 0 at the end."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What reading one content brought."""

    sightings: tuple[Sighting, ...]
    bytes: int
    gap: Gap | None = None


@dataclass(slots=True)
class _Together:
    """Files that stand in the buffer one behind the other."""

    paths: list[str]
    ends: list[int]


class Reader:
    """Reads contents and has them inspected."""

    def __init__(self, inspector: Inspector, window: int = WINDOW) -> None:
        """Allocate the buffer.

        Args:
            inspector: finds the keys.
            window: bytes held at a time, at least four margins.
        """
        self._inspector = inspector
        self._buffer = bytearray(max(window, 4 * MARGIN))
        self._view = memoryview(self._buffer)

    def read_files(self, paths: Sequence[str]) -> Iterator[ReadResult]:
        """Regular files; whatever keeps one from being read whole comes back as a gap."""
        held = _Together([], [])
        end = 0
        for path in paths:
            result, end = self._read_behind(path, end)
            if result is not None:
                yield result
                continue
            if end < len(self._buffer):
                held.paths.append(path)
                held.ends.append(end)
                if end < _TOGETHER:
                    continue
            yield self._searched(held)
            if end == len(self._buffer):
                # It did not fit behind the others: it gets the buffer to itself.
                yield self.read_file(path)
            held, end = _Together([], []), 0
        yield self._searched(held)

    def _read_behind(self, path: str, start: int) -> tuple[ReadResult | None, int]:
        """Read a file into the buffer from `start`; where it ends, or what went wrong.

        This is the loop that a scan of a tree spends its time in.
        """
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            return ReadResult((), 0, Gap(path, _words(error))), start
        view, end = self._view, start
        try:
            # One read brings a file whole; the second makes sure that it ends there.
            while count := os.readv(descriptor, (view[end:],)):
                end += count
        except OSError as error:
            return ReadResult((), 0, Gap(path, _words(error))), start
        finally:
            os.close(descriptor)
        return None, end

    def _searched(self, held: _Together) -> ReadResult:
        """The keys in the files that stand together."""
        if not held.paths:
            return ReadResult((), 0)
        length = held.ends[-1]
        sightings: list[Sighting] = []
        # An anchor across a border of two files is looked at again in each of them, where it is none.
        found = {bisect_left(held.ends, end) for end in self._inspector.anchor_ends(self._view[:length])}
        for index in sorted(found):
            start = held.ends[index - 1] if index else 0
            place = Place(LocationKind.FILE, held.paths[index])
            sightings += self._inspector.inspect(self._view[start : held.ends[index]], place)
        return ReadResult(tuple(sightings), length)

    def read_file(self, path: str) -> ReadResult:
        """One regular file; whatever keeps it from being read whole comes back as a gap."""
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            return ReadResult((), 0, Gap(path, _words(error)))
        try:
            return self._read_descriptor(descriptor, path)
        finally:
            os.close(descriptor)

    def read_link(self, path: str) -> ReadResult:
        """The target text of a symbolic link; what it points to is not opened."""
        try:
            target = os.fsencode(os.readlink(path))
        except OSError as error:
            return ReadResult((), 0, Gap(path, _words(error)))
        place = Place(LocationKind.FILE, path, ("symbolic link target",))
        return ReadResult(tuple(self._inspector.inspect(target, place)), len(target))

    def read_stream(self, stream: ByteStream) -> ReadResult:
        """Standard input, to its end."""
        place = Place(LocationKind.STDIN, None)

        def fill(start: int) -> int:
            return stream.readinto(self._view[start:])

        try:
            return self._read_windows(fill, self._fill(fill, 0), place)
        except OSError as error:
            return ReadResult((), 0, Gap("standard input", _words(error)))

    def _read_descriptor(self, descriptor: int, path: str) -> ReadResult:
        def fill(start: int) -> int:
            return os.readv(descriptor, [self._view[start:]])

        place = Place(LocationKind.FILE, path)
        try:
            # One read brings most files whole; a second one makes sure of the end.
            length = self._fill(fill, 0)
            if length < len(self._buffer):
                sightings = self._inspector.inspect(self._view[:length], place)
                return ReadResult(tuple(sightings), length)
            return self._read_huge(descriptor, fill, path, place)
        except OSError as error:
            return ReadResult((), 0, Gap(path, _words(error)))

    def _read_huge(self, descriptor: int, fill: Callable[[int], int], path: str, place: Place) -> ReadResult:
        status = os.fstat(descriptor)
        result = self._read_windows(fill, len(self._buffer), place)
        if result.gap is None and stat.S_ISREG(status.st_mode) and result.bytes < status.st_size:
            reason = f"shrank while it was read: {result.bytes:,} of {status.st_size:,} bytes were there"
            return ReadResult(result.sightings, result.bytes, Gap(path, reason))
        return result

    def _fill(self, fill: Callable[[int], int], start: int) -> int:
        """Read until the buffer is full or the content ends; the length of what it then holds."""
        while start < len(self._buffer):
            count = fill(start)
            if count == 0:
                break
            start += count
        return start

    def _read_windows(self, fill: Callable[[int], int], length: int, place: Place) -> ReadResult:
        sightings: list[Sighting] = []
        line_start = first_line(bytes(self._buffer[:4]))
        base = owned_from = 0
        while length == len(self._buffer):
            owned_to = length - MARGIN
            sightings += self._inspect(length, place, base, range(owned_from, owned_to), line_start)
            keep_from = owned_to - MARGIN
            line_start = line_start.after(self._buffer, keep_from, base)
            self._buffer[: length - keep_from] = self._buffer[keep_from:length]
            base, owned_from = base + keep_from, MARGIN
            try:
                length = self._fill(fill, length - keep_from)
            except OSError as error:
                gap = Gap(
                    place.path or "standard input", f"{_words(error)} after {base + 2 * MARGIN:,} bytes"
                )
                sightings += self._inspect(
                    2 * MARGIN, place, base, range(owned_from, 2 * MARGIN + 1), line_start
                )
                return ReadResult(tuple(sightings), base + 2 * MARGIN, gap)
        sightings += self._inspect(length, place, base, range(owned_from, length + 1), line_start)
        return ReadResult(tuple(sightings), base + length)

    def _inspect(
        self, length: int, place: Place, base: int, owned: range, line_start: LineStart
    ) -> list[Sighting]:
        return self._inspector.inspect(self._view[:length], place, Window(base, owned, line_start))


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__

"""Reading files: once, without following links, huge ones in windows that overlap.

A reader owns one buffer, so that memory does not grow with the number of files.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
from typing import TYPE_CHECKING, Final, Protocol

from keyleak.containers.formats import BEGINNING, recognise
from keyleak.coverage import Gap
from keyleak.findings import LocationKind
from keyleak.matching.view import REACH_AFTER, REACH_BEFORE
from keyleak.records import dataclass, replace
from keyleak.sources.extents import data_extents
from keyleak.sources.inspector import NOTHING, Inspection, Place, Window, joined_up
from keyleak.sources.lines import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from keyleak.containers.formats import Format
    from keyleak.findings import Sighting
    from keyleak.matching.budget import Budget
    from keyleak.sources.inspector import Inspector
    from keyleak.sources.lines import LineStart

WINDOW: Final = 16 << 20
# How much longer a file may get while it is read. Those that /proc and the like show have no size, or no end.
_MOST_GROWTH: Final = 64 << 20
# Small files are read one behind the other and searched together: a search costs as much as a small file.
_TOGETHER: Final = 512 << 10
# In UTF-16 a character is two bytes, and a value may reach as far from its anchor as the anchor's view does.
MARGIN: Final = 2 * (REACH_BEFORE + REACH_AFTER)
# O_NONBLOCK: a file that became a named pipe since it was listed must not hold the scan up.
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


INTERRUPTED: Final = Gap("scan", "interrupted; what was not reached by then was not read")


STANDARD_INPUT: Final = Place(LocationKind.STDIN, None)


class ByteStream(Protocol):
    """What can be read into a buffer: `sys.stdin.buffer`, `io.BytesIO`."""

    def readinto1(self, buffer: memoryview, /) -> int:
        """Read what there is into the buffer, at once; 0 at the end."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What reading one content, or several, brought."""

    sightings: tuple[Sighting, ...]
    bytes: int
    gaps: tuple[Gap, ...] = ()
    files: int = 0
    """Contents read to their end, also where something inside could not be."""


class Reader:
    """Reads contents and has them inspected."""

    def __init__(self, inspector: Inspector, window: int = WINDOW, *, budget: Budget | None = None) -> None:
        """Allocate the buffer.

        Args:
            inspector: finds the keys.
            window: bytes held at a time, at least four margins.
            budget: what looking closer may cost, where what is read is part of another content; else each
                content and window has its own.
        """
        self._inspector = inspector
        self._budget = budget
        # Mapped, not allocated: memory is taken only as far as a content fills it.
        self._buffer = mmap.mmap(-1, max(window, 4 * MARGIN))
        self._view = memoryview(self._buffer)

    def read_files(self, paths: Sequence[str]) -> ReadResult:
        """Regular files; whatever keeps one from being read whole comes back as a gap.

        A scan of a tree spends its time in this loop and the kernel, so it is one loop with local names.
        """
        view, room = self._view, len(self._buffer)
        os_open, os_read, os_close = os.open, os.readv, os.close
        results: list[ReadResult] = []
        held: list[str] = []
        ends: list[int] = []
        end = 0
        for path in paths:
            start = end
            try:
                descriptor = os_open(path, _FLAGS)
                try:
                    # One read brings a file whole; the second makes sure that it ends there.
                    while count := os_read(descriptor, (view[end:],)):
                        end += count
                    if end == start:
                        # A pipe without a writer looks like an empty file.
                        _check_kind(os.fstat(descriptor))
                finally:
                    os_close(descriptor)
            except OSError as error:
                results.append(ReadResult((), 0, (Gap(path, _words(error), paths=(path,)),)))
                end = start
                continue
            if end < room:
                held.append(path)
                ends.append(end)
                if end < _TOGETHER:
                    continue
                results.append(self._searched(held, ends))
            else:
                # It did not fit behind the others: it gets the buffer to itself.
                results += (self._searched(held, ends), self.read_file(path))
            held, ends, end = [], [], 0
        results.append(self._searched(held, ends))
        return _merged(results)

    def _searched(self, held: Sequence[str], ends: Sequence[int]) -> ReadResult:
        """The keys in the files that stand in the buffer one behind the other."""
        if not held:
            return ReadResult((), 0)
        length = ends[-1]

        def inspected(index: int) -> Inspection:
            start = ends[index - 1] if index else 0
            return self._inspector.inspect(
                self._view[start : ends[index]], Place(LocationKind.FILE, held[index])
            )

        inspection = joined_up(map(inspected, self._inspector.suspects(self._view[:length], ends)))
        return ReadResult(inspection.sightings, length, inspection.gaps, len(held))

    def read_file(self, path: str) -> ReadResult:
        """One regular file; whatever keeps it from being read whole comes back as a gap."""
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            return ReadResult((), 0, (Gap(path, _words(error), paths=(path,)),))
        try:
            return self._read_descriptor(descriptor, path)
        finally:
            os.close(descriptor)

    def read_link(self, path: str) -> ReadResult:
        """The target text of a symbolic link; what it points to is not opened."""
        try:
            target = os.fsencode(os.readlink(path))
        except OSError as error:
            return ReadResult((), 0, (Gap(path, _words(error), paths=(path,)),))
        place = Place(LocationKind.FILE, path, ("symbolic link target",))
        found = self._inspector.inspect(target, place)
        return ReadResult(found.sightings, len(target), found.gaps, 1)

    def read_stream(self, stream: ByteStream, place: Place = STANDARD_INPUT) -> ReadResult:
        """A stream to its end, in windows."""

        def fill(start: int) -> int:
            return stream.readinto1(self._view[start:])

        try:
            length = self._fill(fill, 0)
            form = recognise(bytes(self._view[:BEGINNING])) if length == len(self._buffer) else None
            if form is not None and form.is_sequential:
                return self._opened(form, stream, place)
            result, _ = self._read_windows(fill, length, place)
            if form is not None:
                too_large = f"is too large to be opened from a stream ({form.value}): scan it as a file"
                (gap,) = place.unread(too_large if form.is_opened else form.advice).gaps
                result = replace(result, gaps=(*result.gaps, gap))
        except OSError as error:
            return ReadResult((), 0, (Gap(place.path or "standard input", _words(error)),))
        return result

    def _opened(self, form: Format, stream: ByteStream, place: Place) -> ReadResult:
        """A container that fills the buffer and goes on behind it, read from front to back."""
        count = 0

        def pieces() -> Iterator[bytes]:
            nonlocal count
            piece = bytes(self._view)
            while piece:
                count += len(piece)
                yield piece
                piece = bytes(self._view[: stream.readinto1(self._view)])

        found = self._inspector.opener.open_pieces(form, pieces(), place)
        return ReadResult(found.sightings, count, found.gaps)

    def _read_descriptor(self, descriptor: int, path: str) -> ReadResult:
        place = Place(LocationKind.FILE, path)
        try:
            status = os.fstat(descriptor)
            _check_kind(status)
            fill = self._filling(descriptor, status.st_size + _MOST_GROWTH)
            # One read brings most files whole; a second one makes sure of the end.
            length = self._fill(fill, 0)
            if length < len(self._buffer):
                inspection = self._inspector.inspect(self._view[:length], place)
                return ReadResult(inspection.sightings, length, inspection.gaps, 1)
            return self._read_huge(descriptor, status, fill, place)
        except OSError as error:
            return ReadResult((), 0, (Gap(path, _words(error), paths=(path,)),))

    def _filling(self, descriptor: int, most: int) -> Callable[[int], int]:
        """Reads on from a descriptor into the buffer; at most so many bytes, for some files never end."""
        left = most

        def fill(start: int) -> int:
            nonlocal left
            count = os.readv(descriptor, [self._view[start:]])
            left -= count
            if left < 0:
                raise OSError(errno.EFBIG, "goes on without an end, far beyond the size that it had")
            return count

        return fill

    def _read_extents(self, descriptor: int, extents: Iterable[range], place: Place) -> ReadResult:
        """What a sparse file holds; its holes are zeros, which no key goes across."""
        result = ReadResult((), 0, files=1)
        line_start = None
        for extent in extents:
            os.lseek(descriptor, extent.start, os.SEEK_SET)
            fill = self._filling_extent(descriptor, len(extent))
            part, line_start = self._read_windows(fill, self._fill(fill, 0), place, extent.start, line_start)
            result = _merged([result, part])
            result = replace(result, files=part.files)
            if not part.files:
                break
        return result

    def _filling_extent(self, descriptor: int, length: int) -> Callable[[int], int]:
        left = length

        def fill(start: int) -> int:
            nonlocal left
            count = os.readv(descriptor, [self._view[start : start + left]]) if left else 0
            left -= count
            return count

        return fill

    def _read_huge(
        self, descriptor: int, status: os.stat_result, fill: Callable[[int], int], place: Place
    ) -> ReadResult:
        path = place.name
        extents = data_extents(descriptor, status)
        if extents is not None:
            result = self._read_extents(descriptor, extents, place)
        else:
            os.lseek(descriptor, len(self._buffer), os.SEEK_SET)
            result, _ = self._read_windows(fill, len(self._buffer), place)
        with open(os.dup(descriptor), "rb") as file:
            file.seek(0)
            inside = self._inspector.opener.open_stream(file, place)
        elsewhere = inside.and_elsewhere(Inspection(result.sightings, result.gaps))
        result = replace(result, sightings=elsewhere.sightings, gaps=elsewhere.gaps)
        if extents is None and result.files and result.bytes < status.st_size:
            reason = f"shrank while it was read: {result.bytes:,} of {status.st_size:,} bytes were there"
            return replace(result, gaps=(*result.gaps, Gap(path, reason, paths=(path,))), files=0)
        return result

    def _fill(self, fill: Callable[[int], int], start: int) -> int:
        """Read until the buffer is full or the content ends; the length of what it then holds."""
        while start < len(self._buffer) and (count := fill(start)):
            start += count
        return start

    def _read_windows(
        self,
        fill: Callable[[int], int],
        length: int,
        place: Place,
        base: int = 0,
        line_start: LineStart | None = None,
    ) -> tuple[ReadResult, LineStart]:
        """A content in windows, and the line that it ends in.

        Args:
            fill: reads on into the buffer.
            length: how much the buffer holds already.
            place: what the content is.
            base: where in it the buffer begins.
            line_start: the line that begins there; None for the first.
        """
        inspection = NOTHING
        line_start = line_start or first_line(bytes(self._buffer[:4]))
        begin, owned_from = base, 0
        while length == len(self._buffer):
            owned_to = length - MARGIN
            inspection += self._inspect(length, place, base, range(owned_from, owned_to), line_start)
            keep_from = owned_to - MARGIN
            line_start = line_start.after(self._buffer[:keep_from], base)
            self._buffer.move(0, keep_from, length - keep_from)
            base, owned_from = base + keep_from, MARGIN
            try:
                length = self._fill(fill, length - keep_from)
            except OSError as error:
                gap = Gap(
                    place.path or "standard input", f"{_words(error)} after {base + 2 * MARGIN:,} bytes"
                )
                inspection += self._inspect(
                    2 * MARGIN, place, base, range(owned_from, 2 * MARGIN + 1), line_start
                )
                count = base - begin + 2 * MARGIN
                return ReadResult(inspection.sightings, count, (*inspection.gaps, gap)), line_start
        inspection += self._inspect(length, place, base, range(owned_from, length + 1), line_start)
        read = ReadResult(inspection.sightings, base - begin + length, inspection.gaps, 1)
        return read, line_start.after(self._buffer[:length], base)

    def _inspect(
        self, length: int, place: Place, base: int, owned: range, line_start: LineStart
    ) -> Inspection:
        return self._inspector.inspect(
            self._view[:length], place, Window(base, owned, line_start), self._budget
        )


def _check_kind(status: os.stat_result) -> None:
    """See that a file is still one.

    Raises:
        OSError: it is a named pipe, a socket or a device.
    """
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "became a named pipe, socket or device, so it was not read")


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _merged(results: Iterable[ReadResult]) -> ReadResult:
    every = list(results)
    return ReadResult(
        tuple(sighting for result in every for sighting in result.sightings),
        sum(result.bytes for result in every),
        tuple(gap for result in every for gap in result.gaps),
        sum(result.files for result in every),
    )

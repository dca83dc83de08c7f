"""Inflating objects of a pack, whole or a window at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from isal import isal_zlib

if TYPE_CHECKING:
    import hashlib
    import mmap
    from collections.abc import Iterator

_STEP: Final = 1 << 16  # deflated bytes given to zlib at a time where an object is inflated in windows
_InflateError: Final[type[Exception]] = isal_zlib.error  # type: ignore[assignment]  # its stub says instance


class DamagedError(Exception):
    """An object whose content is not what its header says."""


def inflate(deflated: bytes, size: int) -> tuple[bytes, bool]:
    """The content of an object, and whether anything follows it.

    However much the content would inflate to, no more than `size` bytes are ever held.

    Raises:
        DamagedError: the content is damaged or of another size.
    """
    inflater = isal_zlib.decompressobj()
    try:
        data = inflater.decompress(deflated, size + 1)
    except _InflateError as error:
        raise DamagedError from error
    if len(data) != size or not inflater.eof:
        raise DamagedError
    return data, bool(inflater.unused_data)


@dataclass(slots=True)
class Windows:
    """Content of one object, inflated a window at a time; ends early where it is damaged."""

    pack: mmap.mmap
    start: int
    end: int
    size: int
    window: int
    digest: hashlib._Hash
    """Given the content as it is handed out."""
    whole: bool = field(default=False, init=False)
    """Whether all of it was handed out and is as long as its header says."""
    followed: bool = field(default=False, init=False)
    """Whether anything is behind it that belongs to no object."""

    def read(self) -> Iterator[bytes]:
        """The content, in order."""
        inflater = isal_zlib.decompressobj()
        place, rest, length = self.start, b"", 0
        while not inflater.eof:
            if not rest:
                rest = self.pack[place : min(place + _STEP, self.end)]
                place += len(rest)
            try:
                data = inflater.decompress(rest, self.window)
            except _InflateError:
                return
            length += len(data)
            stuck = not data and not rest and not inflater.eof
            if stuck or length > self.size:
                return
            rest = inflater.unconsumed_tail
            if data:
                self.digest.update(data)
                yield data
        self.whole = length == self.size
        self.followed = bool(inflater.unused_data) or place < self.end

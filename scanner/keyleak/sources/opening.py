"""Opening containers: members of archives, compressed streams, documents, one inside the other.

Nothing is unpacked to disk, and nothing is held but one member at a time. What lies, is locked, is damaged or
explodes becomes a gap, and what stood before and behind it is still looked at.
"""

from __future__ import annotations

import io
from functools import partial
from itertools import chain
from typing import IO, TYPE_CHECKING, Final, TypeVar

from keyleak.containers import ar_archive, constants, notebook, office, pdf, sqlite, tar_archive, zip_archive
from keyleak.containers.certainty import is_certain
from keyleak.containers.compression import decompressed
from keyleak.containers.formats import BEGINNING, Format, recognise
from keyleak.containers.member import PIECE, ContainerError, Flaw, pieces_of
from keyleak.containers.wide_text import narrowed
from keyleak.decoding.decoded import DEEPEST
from keyleak.matching.budget import RATIO, Budget
from keyleak.records import replace
from keyleak.sources.inspector import NOTHING, Inspection, Place
from keyleak.sources.reading import Reader, ReadResult
from keyleak.unexpected import contained, is_unexpected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyleak.containers.member import Member
    from keyleak.coverage import Gap
    from keyleak.findings import Sighting
    from keyleak.sources.inspector import Inspector

_Seen = TypeVar("_Seen")

# A member that is larger is searched in windows and, where that needs all of it, not opened.
_HELD: Final = 64 << 20
# What a member costs besides its length, so that a million empty ones end too.
_MEMBER: Final = 512
# Formats that take long to unpack, or to read what was unpacked.
_SLOW: Final = frozenset({Format.BZIP2, Format.XZ, Format.LZMA, Format.LZIP, Format.PDF})
# Text that begins like a zlib stream fails sooner than this.
_LEAST_ZLIB: Final = 64
# Formats that are read in one piece.
_WHOLE: Final[Mapping[Format, Callable[[bytes], Iterator[Member | Flaw]]]] = {
    Format.PDF: pdf.members,
    Format.PYC: constants.python_strings,
    Format.JAVA_CLASS: constants.java_strings,
    Format.NOTEBOOK: notebook.members,
}
# Formats of which parts are searched for deleted rows, where they may hold a key.
_PAGED: Final = {
    Format.SQLITE: sqlite.members,
    Format.SQLITE_LOG: sqlite.log_members,
    Format.SQLITE_JOURNAL: sqlite.journal_members,
}
_TEXT: Final = "text of a document"
_TOO_MANY: Final = "unpacks to far more than it should, so it was not read whole"
_TOO_DEEP: Final = f"is more than {DEEPEST} archives and encodings deep, so it was not opened"


class Opener:
    """Opens containers and has what they hold inspected."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    def archive_behind(self, content: bytes) -> Format | None:
        """The archive that ends where a content ends, and begins somewhere in it."""
        return Format.ZIP if zip_archive.ends(io.BytesIO(content)) else None

    def open_held(self, form: Format, content: bytes, place: Place, budget: Budget) -> Inspection:
        """What a container that is in memory holds."""
        return self._open(form, io.BytesIO(content), place, budget)

    def open_encoded(self, content: bytes, place: Place, budget: Budget) -> Inspection:
        """What a container holds that stood encoded in text; no gap where it is none after all."""
        form = recognise(content[:BEGINNING])
        if form is None:
            return Inspection()
        found = self.open_held(form, content, place, budget)
        if not found.gaps or is_certain(form, content):
            return found
        return replace(found, gaps=tuple(gap for gap in found.gaps if is_unexpected(gap.reason)))

    def open_pieces(self, form: Format, pieces: Iterator[bytes], place: Place) -> Inspection:
        """What a container that can be read only once holds; of a format that needs no more than that."""
        budget = Budget(0)

        def counted() -> Iterator[bytes]:
            for piece in pieces:
                budget.grant(RATIO * len(piece))
                yield piece

        return self._open(form, io.BufferedReader(_Stream(counted())), place, budget)

    def open_stream(self, stream: IO[bytes], place: Place) -> Inspection:
        """What a container too large to hold holds; nothing where it is none.

        Args:
            stream: the container, seekable.
            place: what it is.
        """
        form = recognise(stream.read(BEGINNING)) or (Format.ZIP if zip_archive.ends(stream) else None)
        length = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if form is None:
            return Inspection()
        if form.is_opened and not form.is_sequential and form is not Format.ZIP and length > _HELD:
            return place.unread(f"is too large to be opened ({form.value})")
        return self._open(form, stream, place, Budget(length))

    def _open(self, form: Format, stream: IO[bytes], place: Place, budget: Budget) -> Inspection:
        return contained(lambda: self._opened(form, stream, place, budget), place.unread)

    def _opened(self, form: Format, stream: IO[bytes], place: Place, budget: Budget) -> Inspection:
        if len(place.container) + len(place.decoded) >= DEEPEST:
            return place.unread(_TOO_DEEP)
        if not form.is_opened:
            return place.unread(form.advice)
        if form.is_text:
            return self._look(narrowed(form, pieces_of(stream)), _undone(place, form), budget)
        if form is Format.ZLIB:
            return self._open_zlib(stream, place, budget)
        if form.is_compression:
            return self._look(decompressed(form, pieces_of(stream)), _undone(place, form), budget, form)
        sightings: list[Sighting] = []
        gaps: list[Gap] = []

        def keep(found: Inspection) -> None:
            sightings.extend(found.sightings)
            gaps.extend(found.gaps)

        # What the members before a damage hold is reported.
        keep(contained(lambda: self._open_members(form, stream, place, budget, keep), place.unread))
        return Inspection(tuple(sightings), tuple(gaps))

    def _open_members(
        self,
        form: Format,
        stream: IO[bytes],
        place: Place,
        budget: Budget,
        keep: Callable[[Inspection], None],
    ) -> Inspection:
        """Hands on what each member holds; what ended this early comes back."""
        try:
            for member in self._members(form, stream, budget):
                inner = replace(place, container=(*place.container, member.name))
                keep(contained(partial(self._member, member, inner, budget, form), inner.unread))
                if not budget.spend(_MEMBER):
                    return place.unread(_TOO_MANY)
        except ContainerError as error:
            return place.unread(error.reason)
        return NOTHING

    def _members(self, form: Format, stream: IO[bytes], budget: Budget) -> Iterator[Member | Flaw]:
        if form is Format.ZIP:
            return zip_archive.members(stream)
        if form is Format.TAR:
            return tar_archive.members(pieces_of(stream))
        if form is Format.AR:
            return ar_archive.members(pieces_of(stream))
        content = stream.read()
        if not budget.spend(len(content)):
            raise ContainerError(_TOO_MANY)
        if form in _PAGED:
            return _PAGED[form](content, self._may_hold_key)
        return _WHOLE[form](content)

    def _may_hold_key(self, content: bytes) -> bool:
        return bool(self._inspector.suspects(content, (len(content),)))

    def _open_zlib(self, stream: IO[bytes], place: Place, budget: Budget) -> Inspection:
        """A zlib stream, of which two bytes tell: what fails at once is something else."""
        pieces = decompressed(Format.ZLIB, pieces_of(stream))
        first = b""
        try:
            while len(first) < _LEAST_ZLIB and (piece := next(pieces, None)) is not None:
                first += piece
        except ContainerError:
            return Inspection()
        return self._look(chain((first,), pieces), _undone(place, Format.ZLIB), budget)

    def _member(self, member: Member | Flaw, place: Place, budget: Budget, form: Format) -> Inspection:
        if isinstance(member, Flaw):
            return place.unread(f"{member.reason}, so it was not read")
        return self._look(member.pieces, place, budget, form)

    def _look(
        self, pieces: Iterator[bytes], place: Place, budget: Budget, form: Format | None = None
    ) -> Inspection:
        """Whatever comes in pieces, opened again where it is a container.

        Args:
            pieces: the content.
            place: what it is.
            budget: what may be spent.
            form: what it comes out of.
        """
        counted = _Counted(pieces, budget, form)
        beginning = counted.first(BEGINNING)
        form = recognise(beginning)
        if form is not None and form.is_sequential:
            inside = self._open(form, io.BufferedReader(_Stream(chain((beginning,), counted))), place, budget)
            return _with_flaw(inside, counted, place)
        held = [beginning]
        size = len(beginning)
        for piece in counted:
            held.append(piece)
            size += len(piece)
            if size > _HELD:
                read = self._read(chain(held, counted), place, budget)
                return _with_flaw(Inspection(read.sightings, read.gaps), counted, place)
        content = b"".join(held)
        found = _unpacked(budget, lambda: self._inspector.inspect_within(content, place, budget))
        found = contained(
            lambda: self._with_text(content, place, budget, found),
            lambda reason: found + place.unread(reason),
        )
        return _with_flaw(found, counted, place)

    def _with_text(self, content: bytes, place: Place, budget: Budget, found: Inspection) -> Inspection:
        """What is found, and what the text of an office document holds besides, which its XML cuts up."""
        inner = replace(place, decoded=(*place.decoded, _TEXT))
        for text in office.texts(content):
            if not budget.spend(len(text)):
                return found + place.unread(_TOO_MANY)
            shown = _unpacked(budget, partial(self._inspector.inspect_within, text, inner, budget))
            new = Inspection(shown.sightings).and_elsewhere(found)
            found = Inspection(new.sightings, found.gaps + shown.gaps)
        return found

    def _read(self, pieces: Iterator[bytes], place: Place, budget: Budget) -> ReadResult:
        """What is larger than is held, in windows."""
        stream = io.BufferedReader(_Stream(pieces))
        reader = Reader(self._inspector, budget=budget)
        return _unpacked(budget, lambda: reader.read_stream(stream, place))


class _Counted:
    """Pieces paid for from a budget; an error ends them and is kept."""

    def __init__(self, pieces: Iterator[bytes], budget: Budget, form: Format | None) -> None:
        self._pieces = pieces
        self._is_slow = form in _SLOW
        self._budget = budget
        self._length = 0
        self.flaw: str | None = None

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> bytes:
        if self.flaw is not None:
            raise StopIteration
        piece = contained(self._piece, self._end)
        if piece is None:
            raise StopIteration
        self._length += len(piece)
        if not self._budget.unpack(len(piece), is_slow=self._is_slow):
            self.flaw = _exploded(self._length)
            raise StopIteration
        return piece

    def _piece(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except ContainerError as error:
            self.flaw = error.reason
            return None

    def _end(self, reason: str) -> bytes | None:
        self.flaw = reason
        return None

    def first(self, size: int) -> bytes:
        """At least so many bytes, where there are."""
        parts, length = [], 0
        while length < size and (piece := next(self, None)) is not None:
            parts.append(piece)
            length += len(piece)
        return b"".join(parts)


class _Stream(io.RawIOBase):
    """Pieces as a file that can be read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """See `io.RawIOBase`."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(self._rest), len(buffer))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _unpacked(budget: Budget, look: Callable[[], _Seen]) -> _Seen:
    """What a look at something brings that came out of a container."""
    before, budget.is_unpacked = budget.is_unpacked, True
    try:
        return look()
    finally:
        budget.is_unpacked = before


def _undone(place: Place, form: Format) -> Place:
    return replace(place, decoded=(*place.decoded, form.value))


def _exploded(length: int) -> str:
    return f"unpacks to more than {length:,} bytes, far more than it should, so it was not read whole"


def _with_flaw(found: Inspection, counted: _Counted, place: Place) -> Inspection:
    return found if counted.flaw is None else found + place.unread(counted.flaw)


assert PIECE >= BEGINNING

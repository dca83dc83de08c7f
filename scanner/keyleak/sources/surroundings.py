"""What a repository holds besides its objects: names of refs, and the files of its git folder."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, TypeVar

from keyleak.coverage import Coverage, Gap
from keyleak.findings import LocationKind
from keyleak.git.memory import Remembered
from keyleak.git.places import GitFile, PlaceKind, git_files
from keyleak.git.refs import broken_refs, list_refs, stray_files
from keyleak.git.regular import open_regular
from keyleak.records import replace
from keyleak.sources.files import Reading
from keyleak.sources.inspector import Place
from keyleak.sources.reading import Reader, ReadResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from keyleak.findings import Sighting
    from keyleak.git.layout import Layout
    from keyleak.git.memory import ObjectMemory
    from keyleak.sources.inspector import Inspector

T = TypeVar("T")

_KINDS: Final = {
    PlaceKind.REFLOG: LocationKind.REFLOG,
    PlaceKind.CONFIG: LocationKind.GIT_CONFIG,
    PlaceKind.FILE: LocationKind.FILE,
}
_REFLOG_LINE: Final = re.compile(rb"[0-9a-f]{40,64} [0-9a-f]{40,64} .*> -?[0-9]+ [+-][0-9]+(?:\t|\n|\Z)")
_BAD_REFLOG: Final = "damaged: these lines name no commits, so what only they kept is taken for unreachable"
_ID_DIGITS: Final = frozenset(b"0123456789abcdef\n\r")


class Asked(Protocol):
    """Asks git, and notes that it could not say."""

    def __call__(self, what: str, ask: Callable[[], T], otherwise: T) -> T:
        """The answer; `otherwise` where there is none, which is a gap named `what`."""


class Surroundings:
    """The names and files around the objects of one repository."""

    def __init__(
        self,
        repository: str,
        layout: Layout,
        inspector: Inspector,
        asked: Asked,
        memory: ObjectMemory | None = None,
        store: str = "",
    ) -> None:
        """Know the repository.

        Args:
            repository: a bare repository, a work tree, or a folder in one.
            layout: where it has its files.
            inspector: finds keys.
            asked: how git is asked.
            memory: what earlier readings brought.
            store: the name of the object database there (see `keyleak.git.memory`); "" where it is not known.
        """
        self._repository = repository
        self._layout = layout
        self._inspector = inspector
        self._asked = asked
        self._memory = memory
        self._store = store

    def read(self, note: Callable[[Gap], None], stop: Callable[[], bool]) -> Reading:
        """All of them.

        Args:
            note: told what cannot be read, and what is no ref or leads nowhere.
            stop: asked now and then whether to leave the rest unread.
        """
        listed = self._asked("refs", lambda: list_refs(self._repository), None)
        refs = listed or {}
        strays = [GitFile(PlaceKind.FILE, *stray) for stray in stray_files(self._layout.folder, refs)]
        if listed is not None:
            self._check(refs, strays, note)
        names = b"".join(name + b"\n" for name in (*refs, *map(_name, strays)))
        sightings = list(self._in_names(names, note))
        reader, count = Reader(self._inspector), len(names)
        for file in (*strays, *git_files(self._layout.folder, note)):
            if stop():
                break
            result = _read(reader, file, note)
            sightings += result.sightings
            count += result.bytes
        return Reading(tuple(sightings), Coverage(count))

    def _check(
        self, refs: Mapping[bytes, bytes], strays: Iterable[GitFile], note: Callable[[Gap], None]
    ) -> None:
        """Notes refs that lead nowhere, and what is no ref."""
        for stray in strays:
            if reason := _no_ref(stray):
                note(Gap(stray.name, reason))
        # Which objects there are is the same while the name of the store is.
        said = b"\n".join([self._store.encode(), *refs.values()])
        name = f"refs-{hashlib.sha256(said).hexdigest()}"
        if self._memory and self._store and self._memory.recall(name):
            return
        broken = self._asked("refs", lambda: list(broken_refs(self._repository, refs)), None)
        for gap in broken or ():
            note(gap)
        if self._memory and self._store and broken == []:
            self._memory.keep(name, Remembered())

    def _in_names(self, names: bytes, note: Callable[[Gap], None]) -> Iterator[Sighting]:
        inspection = self._inspector.inspect(names, Place(LocationKind.REF_NAME, None))
        for gap in inspection.gaps:
            note(replace(gap, what=f"names of refs{gap.what}"))
        lines = names.split(b"\n")
        return (_in_ref_name(sighting, lines) for sighting in inspection.sightings)


def _read(reader: Reader, file: GitFile, note: Callable[[Gap], None]) -> ReadResult:
    """One file of the git folder."""
    try:
        with open_regular(file.path) as stream:
            if file.kind is PlaceKind.REFLOG and (damaged := _damaged_lines(stream)):
                note(Gap(file.name, _BAD_REFLOG, damaged))
            result = reader.read_stream(stream, Place(_KINDS[file.kind], file.name))  # type: ignore[arg-type]  # every buffered reader has `readinto1`
    except FileNotFoundError:
        return ReadResult((), 0)  # git removed it since it was listed, as it does with lock files
    except OSError as error:
        note(Gap(file.name, error.strerror or "cannot be read"))
        return ReadResult((), 0)
    for gap in result.gaps:
        note(gap)
    return result


def _name(stray: GitFile) -> bytes:
    """Its name as one line."""
    return os.fsencode(stray.name).replace(b"\n", b" ")


def _no_ref(stray: GitFile) -> str | None:
    """Why git does not list a file among the refs; None where it names a ref, which there is none of."""
    try:
        with open_regular(stray.path) as file:
            content = file.read(128)
    except OSError as error:
        return f"among the refs, and {error.strerror or 'cannot be read'}"
    if not content or not content.strip(b"\0"):
        return "a broken ref: its file is empty, so it is not known which commits it kept; `git fsck`"
    if stray.name.endswith(".lock"):
        return "left over by a git that did not finish; if none is running, remove it"
    if content.startswith(b"ref:"):
        return None
    if _ID_DIGITS.issuperset(content):
        return "a broken ref, which git ignores: its name or the id in it is none that git accepts"
    return "no ref, but a file that another program put among them: git ignores it; remove it"


def _damaged_lines(reflog: BinaryIO) -> int:
    """How many lines of a reflog are none; the file is read from its beginning again afterwards."""
    damaged = sum(not _REFLOG_LINE.match(line) for line in reflog if line.strip())
    reflog.seek(0)
    return damaged


def _in_ref_name(sighting: Sighting, names: list[bytes]) -> Sighting:
    name = os.fsdecode(names[sighting.location.line - 1])
    location = replace(sighting.location, path=name, line=1, refs=(name,))
    return replace(sighting, location=location)

"""A pack with damaged bytes: each object is shown as it was, or the reading says that it is incomplete."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["keyleak"]):
    import keyleak.git.store_reading  # noqa: F401 - what is loaded later has to be instrumented first
    from keyleak.git.objects import read_objects

from repositories import Recorder, grown, options, repack

_CHANGE: Final = 4


class DamagedPack:
    """A repository whose pack and index are damaged anew each time."""

    def __init__(self, repository: Path, pack: Path) -> None:
        self._repository = repository
        self._whole = [(path, path.read_bytes()) for path in (pack, pack.with_suffix(".idx"))]
        for path, _ in self._whole:
            path.chmod(0o600)
        self._objects, _ = self._read()

    def _read(self) -> tuple[set[tuple[object, ...]], bool]:
        """Kind, length and digest of each object that was shown, and whether that is all there are."""
        read = read_objects(self._repository, Recorder, options())
        return {seen[1:] for seen in read.results}, not read.gaps

    def read_with(self, changes: bytes) -> None:
        """Read it with bytes changed: four bytes name a file, an offset in it and what to add to the byte."""
        contents = [bytearray(content) for _, content in self._whole]
        for start in range(0, len(changes) - _CHANGE + 1, _CHANGE):
            which, high, low, added = changes[start : start + _CHANGE]
            content = contents[which % len(contents)]
            place = (high << 8 | low) % len(content)
            content[place] = (content[place] + added) % 256
        for (path, _), content in zip(self._whole, contents, strict=True):
            path.write_bytes(content)
        objects, complete = self._read()
        assert not complete or objects >= self._objects, "an object was lost without a word"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        grown_one = grown(Path(temporary) / "r", versions=6)
        damaged = DamagedPack(grown_one, repack(grown_one))
        atheris.Setup(sys.argv, damaged.read_with)
        atheris.Fuzz()

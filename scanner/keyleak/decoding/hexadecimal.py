"""Hexadecimal text, wrapped or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.decoding.anchors import DOCUMENTS
from keyleak.decoding.decoded import Decoded, Step
from keyleak.decoding.runs import Alphabet, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALPHABET: Final = Alphabet(
    b"0123456789abcdefABCDEF",
    openings=(b"736b5f", b"726b5f", b"706b5f", b"616b5f"),
    documents=tuple(document.hex().encode() for document in DOCUMENTS),
)


def readings(text: bytes, start: int, end: int, phase: int, *, opens: bool) -> Iterator[Decoded]:
    """What the hexadecimal text around an anchor says; see `base64_text.readings`."""
    if opens and text[max(0, start - 1) : start] in _ALPHABET:
        return
    run = _ALPHABET.run_at(text, start, end, unlimited=opens)
    for each in (run,) if opens else _ALPHABET.in_order(text, run, start, end):
        yield _decoded(text, each, (each.before(start) - phase) % 2)


def _decoded(text: bytes, run: Run, skip: int) -> Decoded:
    characters = run.characters(text)[skip:]
    data = bytes.fromhex(characters[: len(characters) // 2 * 2].decode("ascii"))
    segments = []
    count = -skip
    for first, last in run.spans:
        segments.append((max(0, count // 2), first if count >= 0 else first + skip))
        count += last - first
    return Decoded(Step.HEX, data, run.start + skip, run.end, tuple(segments), (2, 1), not run.clipped)

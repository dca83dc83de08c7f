"""Base64, plain and URL-safe, at any of its three alignments, wrapped or not."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

from keyleak.decoding.decoded import Decoded, Step
from keyleak.decoding.runs import Alphabet, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALPHABET: Final = Alphabet(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-",
    # `sk_`, `rk_`, `pk_`, `ak_`: the next of several values.
    openings=(b"c2tf", b"cmtf", b"cGtf", b"YWtf"),
    documents=(b"H4sI", b"/Td6", b"QlpoO", b"KLUv/", b"UEsDB", b"SDRzSU", b"XQAAg"),
)
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
# In another encoding too, which is not undone where nothing else in the text is encoded.
_PADDING: Final = re.compile(rb"(?:=3[Dd]|%3[Dd]|\\u003[Dd]|&#61;|=){1,2}")
_SEPARATOR: Final = re.compile(rb"[^A-Za-z0-9]")


def readings(text: bytes, start: int, end: int, phase: int, *, opens: bool) -> Iterator[Decoded]:
    """What the base64 text around an anchor says, the likeliest reading first.

    Args:
        text: where it stands.
        start: where the anchor begins.
        end: where it ends.
        phase: index of the anchor's first character in its group of four.
        opens: whether the anchor begins a whole document, whose text is followed to its end.
    """
    if opens and text[max(0, start - 1) : start] in _ALPHABET and not _begins_line(text, start):
        # A document begins where its text does.
        return
    run = _ALPHABET.run_at(text, start, end, unlimited=opens)
    for each in (run,) if opens else _ALPHABET.in_order(text, run, start, end):
        yield _decoded(text, each, (each.before(start) - phase) % 4)
    # `/`, `+`, `-` and `_` belong to the alphabet and to paths and names: the text may begin behind one.
    line = next(span for span in run.spans if span[0] <= start < span[1])
    for separator in reversed(list(_SEPARATOR.finditer(text, line[0], start))):
        if (start - separator.end() - phase) % 4 == 0:
            yield _decoded(text, _cut(run, separator.end()), 0)
            return


def _begins_line(text: bytes, start: int) -> bool:
    """Whether nothing but the sign of a patch stands before an index on its line."""
    return text[start - 1 : start] in {b"+", b"-"} and text[max(0, start - 2) : start - 1] in {b"", b"\n"}


def undone(characters: bytes) -> bytes:
    """What base64 says, in either alphabet and without its padding; not with one character left over."""
    return binascii.a2b_base64(characters.translate(_URL_SAFE) + b"=" * (-len(characters) % 4))


def _cut(run: Run, start: int) -> Run:
    """The run from an offset on."""
    spans = tuple((max(first, start), last) for first, last in run.spans if last > start)
    return Run(spans, clipped=False)


def _decoded(text: bytes, run: Run, skip: int) -> Decoded:
    characters = run.characters(text)[skip:]
    if len(characters) % 4 == 1:
        characters = characters[:-1]
    data = undone(characters)
    segments = []
    count = -skip
    for start, end in run.spans:
        # The byte that the line's first character begins or continues.
        segments.append((max(0, count * 3 // 4), start if count >= 0 else start + skip))
        count += end - start
    padding = _PADDING.match(text, run.end)
    end = padding.end() if padding else run.end
    return Decoded(Step.BASE64, data, run.start + skip, end, tuple(segments), (4, 3), not run.clipped)

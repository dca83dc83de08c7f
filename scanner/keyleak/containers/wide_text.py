"""Text in UTF-16 and UTF-32 as UTF-8, for what is encoded in it once more. Plain keys are found without."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from keyleak.containers.formats import Format

if TYPE_CHECKING:
    from collections.abc import Iterator


def narrowed(form: Format, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A text that begins with a byte order mark, with other characters where its bytes stand for none."""
    decoder = codecs.getincrementaldecoder("utf-16" if form is Format.UTF16 else "utf-32")("replace")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")

"""Text of office documents (OOXML, OpenDocument), whose XML cuts it up wherever its formatting changes.

Word writes a new run for a change of font, a spelling mark or a revision, so that a key may be in several.
Sources: ECMA-376, part 1, 17.3, 18.4 and 21.1; OpenDocument 1.3, part 3, 5 and 6.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# How far from the beginning namespaces are declared.
_DECLARATIONS: Final = 4096
_OOXML: Final = (b"wordprocessingml", b"spreadsheetml", b"drawingml")
_OPEN_DOCUMENT: Final = b"opendocument:xmlns:text"
_OOXML_PART: Final = re.compile(
    rb"""<(?:[\w-]+:)?(?:
        (?P<run> (?P<deleted>delText|delInstrText)|t|instrText) (?:\s[^<>]{0,4096})? > (?P<text>[^<]*) <
        | (?P<insertion> ins) [\s>]
        | (?P<blank> tab|br|cr) \s{0,4} /
    )
    | </(?:[\w-]+:)?(?: (?P<end_of_insertion> ins) | (?P<block> p|si|is|c|row) ) >""",
    re.VERBOSE,
)
_OPEN_BLOCK: Final = re.compile(rb"</text:(?:p|h)>|</table:table-cell>")
_OPEN_BLANK: Final = re.compile(rb"<text:(?:s|tab|line-break)\b[^<>]*/?>")
_TAG: Final = re.compile(rb"<[^<>]*>")


def texts(content: bytes) -> Iterator[bytes]:
    """The text of a document as its readers see it, and as it was before its revisions; none of other XML.

    Args:
        content: a part of a document: XML.
    """
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return
    beginning = content[:_DECLARATIONS]
    if any(name in beginning for name in _OOXML):
        yield from dict.fromkeys(_runs(content, original=original) for original in (False, True))
    elif _OPEN_DOCUMENT in beginning:
        yield _unescaped(_TAG.sub(b"", _OPEN_BLANK.sub(b" ", _OPEN_BLOCK.sub(b"\n", content))))


def _runs(content: bytes, *, original: bool) -> bytes:
    """The runs of OOXML, those of a paragraph or cell behind one another."""
    parts: list[bytes] = []
    is_inserted = False
    for part in _OOXML_PART.finditer(content):
        if part["run"]:
            if not (is_inserted if original else part["deleted"]):
                parts.append(_unescaped(part["text"]))
        elif part["blank"] or part["block"]:
            parts.append(b"\t" if part["blank"] else b"\n")
        else:
            is_inserted = bool(part["insertion"])
    return b"".join(parts)


def _unescaped(text: bytes) -> bytes:
    return html.unescape(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

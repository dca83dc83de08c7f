"""Keys in office documents, whose XML cuts a text wherever its formatting changes."""

from __future__ import annotations

import io
import itertools
import zipfile

import pytest

import keyleak
from keyleak.rulebook.template import expand

KEY = expand("sk_live_${base62:42}", 3)
OTHER = expand("sk_live_${base62:42}", 4)
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def document(part: str, xml: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(part, f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}')
    return buffer.getvalue()


def word(paragraphs: str) -> bytes:
    return document(
        "word/document.xml", f'<w:document xmlns:w="{WORD}"><w:body>{paragraphs}</w:body></w:document>'
    )


def runs(*texts: str) -> str:
    inner = (
        "<w:r><w:rPr><w:b/></w:rPr><w:t xml:space='preserve'>{}</w:t></w:r><w:proofErr w:type='spellStart'/>"
    )
    return f"<w:p>{''.join(inner.format(text) for text in texts)}</w:p>"


def found(content: bytes) -> dict[str, str | None]:
    result = keyleak.scan_content(content)
    assert result.coverage.complete
    return {finding.secret.reveal().decode(): finding.issuer for finding in result.findings}


@pytest.mark.parametrize("cuts", [(), (20,), (8,), (3,), (5, 11, 30), tuple(range(1, 50))])
def test_a_key_in_any_number_of_runs(cuts: tuple[int, ...]) -> None:
    edges = (0, *cuts, len(KEY))
    pieces = [KEY[start:end] for start, end in itertools.pairwise(edges)]
    assert found(word(runs("FLORA_API_KEY=", *pieces))) == {KEY: "flora"}
    slide = "".join(f"<a:r><a:rPr lang='en'/><a:t>{piece}</a:t></a:r>" for piece in pieces)
    slides = f'<p:sld xmlns:a="{DRAWING}"><a:p><a:r><a:t>FLORA_API_KEY: </a:t></a:r>{slide}</a:p></p:sld>'
    assert found(document("ppt/slides/slide1.xml", slides)) == {KEY: "flora"}
    cell = "".join(f"<r><t>{piece}</t></r>" for piece in pieces)
    shared = f'<sst xmlns="{SHEET}"><si><r><t>FLORA_API_KEY=</t></r>{cell}</si><si><t>x</t></si></sst>'
    assert found(document("xl/sharedStrings.xml", shared)) == {KEY: "flora"}
    spans = "".join(f"<text:span text:style-name='T1'>{piece}</text:span>" for piece in pieces)
    paragraph = f"<text:p>FLORA_API_KEY<text:s/>= {spans}</text:p><text:p>a</text:p>"
    written = f'<office:document-content xmlns:text="{TEXT}">{paragraph}</office:document-content>'
    assert found(document("content.xml", written)) == {KEY: "flora"}


def test_a_key_before_and_after_a_revision() -> None:
    old = f"<w:del w:id='1'><w:r><w:delText>{OTHER[30:]}</w:delText></w:r></w:del>"
    new = f"<w:ins w:id='2'><w:r><w:t>{KEY[8:]}</w:t></w:r></w:ins>"
    # The prefix stays, the first part of the old body too.
    kept = f"<w:r><w:t>FLORA_API_KEY={OTHER[:30]}</w:t></w:r>"
    assert set(found(word(f"<w:p>{kept}{old}</w:p>"))) >= {OTHER}
    whole = "<w:r><w:t>FLORA_API_KEY=sk_live_</w:t></w:r>"
    whole += f"<w:del w:id='1'><w:r><w:delText>{OTHER[8:]}</w:delText></w:r></w:del>{new}"
    assert set(found(word(f"<w:p>{whole}</w:p>"))) == {KEY, OTHER}


def test_paragraphs_and_cells_are_apart() -> None:
    assert found(word(runs("a" + KEY[:9]) + runs(KEY[9:]))) == {}
    assert found(word(runs(f"FLORA_API_KEY={KEY}") + runs("abc"))) == {KEY: "flora"}


def test_references_of_characters_are_undone() -> None:
    escaped = "".join(f"&#{ord(character)};" for character in KEY)
    assert found(word(runs("FLORA_API_KEY=&quot;", escaped, "&quot;"))) == {KEY: "flora"}


def test_other_xml_is_what_it_was() -> None:
    assert found(document("a.xml", f"<a><t>FLORA_API_KEY=</t><t>{KEY}</t></a>")) == {KEY: "flora"}


@pytest.mark.parametrize("part", ["<w:t>", "<w:p><w:t", "</w:p>", "<w:ins ", "<w:t x='", "&#"])
def test_xml_made_to_take_long(part: str) -> None:
    content = document("word/document.xml", f'<w:document xmlns:w="{WORD}">{part * 30_000}')
    assert keyleak.scan_content(content).findings == ()

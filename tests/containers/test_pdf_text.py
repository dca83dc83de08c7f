"""Keys that pages of PDF show in fonts that number their glyphs as they like."""

from __future__ import annotations

import zlib

import pytest

import keyleak
from keyleak.rulebook.template import expand

KEY = expand("sk_live_${base62:42}", 7)
LINE = f"FLORA_API_KEY={KEY}"
# Glyphs in the order in which a subset would number them.
GLYPHS = sorted(set(LINE + "abcxyz 0189"))
CODE = {character: index + 3 for index, character in enumerate(GLYPHS)}


def table(width: int = 2, *, ranges: bool = False) -> bytes:
    digits = 2 * width
    entries = [(CODE[character], ord(character)) for character in GLYPHS]
    if ranges:
        body = "".join(f"<{code:0{digits}x}> <{code:0{digits}x}> [<{to:04x}>]\n" for code, to in entries[::2])
        body += "".join(f"<{code:0{digits}x}> <{code:0{digits}x}> <{to:04x}>\n" for code, to in entries[1::2])
        section = f"{len(entries)} beginbfrange\n{body}endbfrange"
    else:
        body = "".join(f"<{code:0{digits}X}> <{to:04X}>\n" for code, to in entries)
        section = f"{len(entries)} beginbfchar\n{body}endbfchar"
    space = f"1 begincodespacerange\n<{'0' * digits}> <{'F' * digits}>\nendcodespacerange"
    return f"/CIDInit /ProcSet findresource begin\nbegincmap\n{space}\n{section}\nendcmap".encode()


def shown(text: str, width: int = 2) -> str:
    return "<" + "".join(f"{CODE[character]:0{2 * width}X}" for character in text) + ">"


def page(*shows: str, font: str = "F4") -> bytes:
    return ("BT\n/" + font + " 12 Tf\n1 0 0 -1 50 700 Tm\n" + "\n".join(shows) + "\nET\n").encode()


def stream(number: int, content: bytes, entries: str = "") -> bytes:
    packed = zlib.compress(content)
    head = f"{number} 0 obj\n<< /Length {len(packed)} /Filter /FlateDecode {entries}>>\nstream\n"
    return head.encode() + packed + b"\nendstream\nendobj\n"


FONT = "/Type /Font /Subtype /Type0 /BaseFont /AAAAAA+D /Encoding /Identity-H /DescendantFonts [9 0 R]"


def document(*objects: bytes, font: str = FONT + " /ToUnicode 8 0 R") -> bytes:
    resources = b"3 0 obj\n<< /Type /Page /Resources << /Font << /F4 5 0 R >> >> >>\nendobj\n"
    return b"%PDF-1.7\n" + resources + f"5 0 obj\n<< {font} >>\nendobj\n".encode() + b"".join(objects)


def found(content: bytes) -> list[tuple[str, str | None]]:
    result = keyleak.scan_content(content)
    assert result.coverage.complete, result.coverage.gaps
    return [(finding.secret.reveal().decode(), finding.issuer) for finding in result.findings]


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("ranges", [False, True])
@pytest.mark.parametrize("first", ["page", "table"])
def test_a_key_in_glyph_numbers(width: int, ranges: bool, first: str) -> None:
    parts = [stream(6, page(f"{shown(LINE, width)} Tj")), stream(8, table(width, ranges=ranges))]
    assert found(document(*(parts if first == "page" else parts[::-1]))) == [(KEY, "flora")]


def test_a_key_in_pieces_that_are_moved_closer() -> None:
    pieces = " -3.5 ".join(shown(LINE[at : at + 5]) for at in range(0, len(LINE), 5))
    content = document(stream(6, page(f"[{pieces} -600 {shown('abc')}] TJ")), stream(8, table()))
    assert found(content) == [(KEY, "flora")]
    shows = [f"{shown(LINE[at : at + 9])} Tj" for at in range(0, len(LINE), 9)]
    assert found(document(stream(6, page(*shows)), stream(8, table()))) == [(KEY, "flora")]


def test_a_line_ends_a_key() -> None:
    shows = [f"{shown(LINE)} Tj", "0 -14 Td", f"{shown('abcxyz')} Tj", "T*", f"{shown('abc')} Tj"]
    assert found(document(stream(6, page(*shows)), stream(8, table()))) == [(KEY, "flora")]


def test_fonts_and_pages_in_object_streams_and_without_compression() -> None:
    font = f"<< {FONT} /ToUnicode 8 0 R >>"
    resources = "<< /Font << /F9 15 0 R >> >>"
    objects = f"15 0 16 {len(font) + 1} {font} {resources}".encode()
    first = objects.index(b"<<")
    packed = stream(20, objects, f"/Type /ObjStm /N 2 /First {first} ")
    plain = page(f"{shown(LINE)} Tj", font="F9")
    body = b"6 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (len(plain), plain)
    assert found(document(packed, body, stream(8, table()))) == [(KEY, "flora")]


def test_literal_strings_with_escapes() -> None:
    octal = "".join(f"\\{ord(character):03o}" for character in KEY)
    content = document(
        stream(6, page(f"(FLORA_API_KEY\\075{octal}) Tj")), font="/Type /Font /Subtype /TrueType"
    )
    assert found(content) == [(KEY, "flora")]


def test_two_fonts_of_one_name_on_two_pages() -> None:
    other = b"7 0 obj\n<< /Contents 16 0 R /Resources << /Font << /F4 15 0 R >> >> >>\nendobj\n"
    other += b"15 0 obj\n<< /Subtype /Type0 /ToUnicode 18 0 R >>\nendobj\n"
    wrong = table().replace(b"<0041>", b"<0042>").replace(b"<0073>", b"<0071>")
    own = b"17 0 obj\n<< /Contents [6 0 R] /Resources 19 0 R >>\nendobj\n"
    own += b"19 0 obj\n<< /Font << /F4 5 0 R >> >>\nendobj\n"
    first = stream(6, page(f"{shown(LINE)} Tj"))
    assert found(document(other, own, stream(18, wrong), first, stream(8, table()))) == [(KEY, "flora")]


def test_a_font_without_names_is_a_gap() -> None:
    result = keyleak.scan_content(document(stream(6, page(f"{shown(LINE)} Tj")), font=FONT))
    assert [gap.reason.split(",")[0] for gap in result.coverage.gaps] == [
        "is in a font that does not say which characters its glyphs are"
    ]


def test_a_filter_that_is_not_undone_is_a_gap() -> None:
    content = document(b"6 0 obj\n<< /Length 3 /Filter /LZWDecode >>\nstream\nabc\nendstream\nendobj\n")
    result = keyleak.scan_content(content.replace(FONT.encode(), b""))
    assert [gap.what for gap in result.coverage.gaps] == [" (object 6)"]


@pytest.mark.parametrize(
    "part",
    [
        b"(",
        b"<",
        b"[",
        b"(a",
        b"/F4 1 Tf ",
        b"<0003> Tj ",
        b"1 beginbfrange <0000> <FFFF> <0000> ",
        b"<< ",
        b"5 0 obj ",
    ],
)
def test_pages_and_tables_made_to_take_long(part: bytes) -> None:
    content = document(
        stream(6, b"BT /F4 1 Tf " + part * 20_000 + b" Tj TJ"), stream(8, b"beginbfchar " + part * 20_000)
    )
    assert keyleak.scan_content(content).findings == ()


def test_a_damaged_table_costs_only_itself() -> None:
    for cut in range(10, len(table()), 37):
        result = keyleak.scan_content(
            document(stream(8, table()[:cut]), stream(6, page(f"({LINE}) Tj", font="F1")))
        )
        assert [finding.secret.reveal().decode() for finding in result.findings] == [KEY]
        assert not any("defect" in gap.reason for gap in result.coverage.gaps)

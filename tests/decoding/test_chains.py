"""Encodings in one another, characters escaped one by one, lists of bytes: all that people write keys in."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import zlib
from typing import TYPE_CHECKING

import pytest

import keyleak
from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = expand("sk_live_${base62:42}", 5).encode()
b64 = base64.b64encode


def every(form: str) -> Callable[[bytes], bytes]:
    return lambda text: "".join(form % character for character in text).encode()


def wrapped(text: bytes, width: int, between: bytes) -> bytes:
    return between.join(text[at : at + width] for at in range(0, len(text), width))


def upper_hex(text: bytes) -> bytes:
    return text.hex().upper().encode()


def lower_hex(text: bytes) -> bytes:
    return text.hex().encode()


def listed(form: str, between: str = ", ") -> Callable[[bytes], bytes]:
    return lambda text: between.join(form % character for character in text).encode()


PERCENT, UNICODE, BYTE, DECIMAL = every("%%%02X"), every("\\u%04x"), every("\\x%02x"), every("&#%d;")
ESCAPES: dict[str, Callable[[bytes], bytes]] = {
    "octal": every("\\%03o"),
    "octal with a zero": every("\\0%o"),
    "\\u{73}": every("\\u{%x}"),
    "\\u{0073}": every("\\u{%04x}"),
    "\\U": every("\\U%08x"),
    "\\x{73}": every("\\x{%02x}"),
    "%u0073": every("%%u%04x"),
    "entities with zeros": every("&#%04d;"),
    "every other character": lambda key: b"".join(
        DECIMAL(key[at : at + 1]) if at % 2 else key[at : at + 1] for at in range(len(key))
    ),
    "the rest": lambda key: b"".join(
        every("&#x%x;")(key[at : at + 1]) if at % 2 == 0 else key[at : at + 1] for at in range(len(key))
    ),
    "\\_ as Markdown and LaTeX write it": lambda key: key.replace(b"_", b"\\_"),
    "&UnderBar;": lambda key: key.replace(b"_", b"&UnderBar;"),
    "one underscore in percent": lambda key: key.replace(b"_", b"%5F", 1),
    "\\u of a backslash": every("\\u005cu%04x"),
    "\\x of a backslash": every("\\x5cx%02x"),
    "JSON in JSON": every("\\\\u%04x"),
    "percent of percent": every("%%25%02X"),
    "percent of entities": lambda key: DECIMAL(key).replace(b"&#", b"%26%23").replace(b";", b"%3B"),
    "percent of \\x": lambda key: BYTE(key).replace(b"\\", b"%5C"),
    "entities of entities": every("&#38;#%d;"),
    "entities three times": every("&amp;amp;#%d;"),
}
TEXTS: dict[str, Callable[[bytes], bytes]] = {
    "hex of hex": lambda key: lower_hex(lower_hex(key)),
    "hex of upper hex": lambda key: lower_hex(upper_hex(key)),
    "upper hex of upper hex": lambda key: upper_hex(upper_hex(key)),
    "hex three times": lambda key: lower_hex(lower_hex(lower_hex(key))),
    "upper hex of base64": lambda key: upper_hex(b64(key)),
    "upper hex of \\u": lambda key: upper_hex(UNICODE(key)),
    "hex of base64 of hex": lambda key: lower_hex(b64(lower_hex(key))),
    "base64 of hex of base64": lambda key: b64(lower_hex(b64(key))),
    "hex of UTF-16": lambda key: lower_hex(key.decode().encode("utf-16-le")),
    "upper hex of UTF-16, high byte first": lambda key: upper_hex(key.decode().encode("utf-16-be")),
    "base64 of UTF-16": lambda key: b64(key.decode().encode("utf-16-le")),
    "base64 of UTF-16 with a mark": lambda key: b64(key.decode().encode("utf-16")),
    "hex with blanks": lambda key: key.hex(" ").encode(),
    "upper hex with colons": lambda key: key.hex(":").upper().encode(),
    "base64 of gzip": lambda key: b64(gzip.compress(key)),
    "base64 of zlib": lambda key: b64(zlib.compress(key)),
    "hex of zlib": lambda key: lower_hex(zlib.compress(key)),
    "upper hex of gzip": lambda key: upper_hex(gzip.compress(key)),
    "URL-safe base64 of xz": lambda key: base64.urlsafe_b64encode(lzma.compress(key)),
    "base64 twice of bz2": lambda key: b64(b64(bz2.compress(key))),
}
LISTS: dict[str, Callable[[bytes], bytes]] = {
    "numbers": listed("%d"),
    "numbers without blanks": listed("%d", ","),
    "numbers, one a line": listed("%d", ",\n      "),
    "0x73": listed("0x%02x"),
    "0X of upper": listed("0x%02X", ","),
    "characters": listed("'%c'"),
    "strings": listed('"%c"', ","),
}


@pytest.mark.parametrize("form", ESCAPES)
def test_escapes_of_every_kind(form: str) -> None:
    check(b'FLORA_API_KEY = "' + ESCAPES[form](KEY) + b'"\n')


@pytest.mark.parametrize("at", range(len(b"sk_live_") + 1))
@pytest.mark.parametrize("form", ["%%%02X", "\\u%04x", "\\x%02x", "\\%03o", "&#%d;", "&#x%X;"])
def test_one_character_escaped(at: int, form: str) -> None:
    for place in {at, len(KEY) - 1 - at}:
        check(
            b"FLORA_API_KEY=" + KEY[:place] + every(form)(KEY[place : place + 1]) + KEY[place + 1 :] + b"\n"
        )


@pytest.mark.parametrize("form", TEXTS)
def test_a_value_encoded_again_is_given_to_its_name(form: str) -> None:
    check(b'FLORA_API_KEY: "' + TEXTS[form](KEY) + b'"\n')


@pytest.mark.parametrize("form", LISTS)
def test_a_list_of_bytes(form: str) -> None:
    check(b"const FLORA_API_KEY = [" + LISTS[form](KEY) + b"];\n")


@pytest.mark.parametrize("width", [16, 20, 24, 40])
def test_base64_in_lines_of_any_width(width: int) -> None:
    check(b"data:\n  FLORA_API_KEY: |\n    " + wrapped(b64(KEY), width, b"\n    ") + b"\n  other: x\n")


@pytest.mark.parametrize("between", [b'", "', b'" + "', b'",\n  "'])
@pytest.mark.parametrize("width", [8, 12, 24])
def test_base64_in_a_list_of_strings(between: bytes, width: int) -> None:
    check(b'const FLORA_API_KEY = atob(["' + wrapped(b64(KEY), width, between) + b'"].join(""))\n')


def test_hex_in_short_pieces() -> None:
    check(b'FLORA_API_KEY = unhex("' + wrapped(lower_hex(KEY), 10, b'" + "') + b'")\n')


def test_quoted_printable_around_plain_and_encoded_keys() -> None:
    for key in (KEY, b64(KEY), b64(KEY).replace(b"=", b"=3D")):
        content = b"Content-Transfer-Encoding: quoted-printable\n\nFLORA_API_KEY=3D" + key + b"\n"
        assert [each.secret.reveal() for each in keyleak.scan_bytes(content)] == [KEY]


def test_a_packed_value_is_no_key_itself() -> None:
    for pack in (gzip.compress, zlib.compress, bz2.compress, lzma.compress):
        (finding,) = keyleak.scan_bytes(b'FLORA_API_KEY: "' + b64(pack(b"FLORA_API_KEY=" + KEY)) + b'"\n')
        assert finding.secret.reveal() == KEY


def test_an_escaped_last_character_is_part_of_the_key() -> None:
    check(b"FLORA_API_KEY=" + KEY[:-1] + PERCENT(KEY[-1:]) + b"&x=1")


def check(content: bytes) -> None:
    found = [(each.secret.reveal(), each.issuer) for each in keyleak.scan_bytes(content)]
    assert found == [(KEY, "flora")], content

"""Keys in encoded text are found, whoever encoded them and how often, and each step is told."""

from __future__ import annotations

import base64
import html
import io
import quopri
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keyleak
from keyleak.findings import LocationKind
from keyleak.matching.re_engine import ReEngine
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspector, Place
from keyleak.sources.reading import MARGIN, Reader
from work import growth

if TYPE_CHECKING:
    from collections.abc import Callable

RULEBOOK = load_rulebook()
INSPECTOR = Inspector(RULEBOOK)
PURE = Inspector(RULEBOOK, ReEngine)
PLACE = Place(LocationKind.FILE, "f")
KEY = expand("sk_live_${base62:42}", 5).encode()
STRIPE = expand("sk_live_51${base62:97}", 6).encode()


def every(form: str) -> Callable[[bytes], bytes]:
    """Every character as an escape."""
    return lambda text: "".join(form % character for character in text).encode()


def keys_in(content: bytes) -> list[tuple[bytes, str | None, tuple[str, ...]]]:
    return [
        (finding.secret.reveal(), finding.issuer, finding.locations[0].decoded)
        for finding in keyleak.scan_bytes(content)
    ]


b64 = base64.b64encode
SENTENCE = b"the key that you asked for is not to be shared with anyone: "
UTF16 = f"$FLORA_API_KEY='{KEY.decode()}'".encode("utf-16-le")
FORMS: list[tuple[str, bytes, tuple[str, ...]]] = [
    ("a Kubernetes secret", b"data:\n  FLORA_API_KEY: %s\n" % b64(KEY), ("base64",)),
    ("HTTP Basic", b"curl https://app.flora.ai -H 'Authorization: Basic %s'" % b64(KEY + b":"), ("base64",)),
    (
        "Basic with a user",
        b"curl https://app.flora.ai -H 'Authorization: Basic %s'" % b64(b"me:" + KEY),
        ("base64",),
    ),
    ("hex", b"FLORA_API_KEY = bytes.fromhex('%s')" % KEY.hex().encode(), ("hex",)),
    ("upper hex", b"FLORA_API_KEY = fromhex('%s')" % KEY.hex().upper().encode(), ("hex",)),
    ("percent", b"FLORA_API_KEY=%s&b=1" % every("%%%02X")(KEY), ("percent",)),
    ("percent twice", b"FLORA_API_KEY=%s" % KEY.replace(b"_", b"%255F"), ("percent",)),
    ("\\u", b'{"FLORA_API_KEY": "%s"}' % every("\\u%04x")(KEY), ("escape",)),
    ("JSON in JSON", b'"{\\"FLORA_API_KEY\\": \\"%s\\"}"' % KEY.replace(b"_", b"\\\\u005f"), ("escape",)),
    ("\\x", b'FLORA_API_KEY = "%s"' % every("\\x%02x")(KEY), ("escape",)),
    ("HTML", b"<b>FLORA_API_KEY</b>: %s<br>" % KEY.replace(b"_", b"&#95;"), ("html",)),
    ("HTML twice", b"<b>FLORA_API_KEY</b>: %s<br>" % KEY.replace(b"_", b"&amp;#95;"), ("html",)),
    ("every character in HTML", b"FLORA_API_KEY: %s<br>" % every("&#%d;")(KEY), ("html",)),
    ("base64 of UTF-16", b"powershell -enc " + b64(UTF16), ("base64", "utf-16")),
    (
        "UTF-16 as a literal",
        b"DEBUG %r" % f"FLORA_API_KEY={KEY.decode()}".encode("utf-16-le"),
        ("escape", "utf-16"),
    ),
    ("UTF-16", f"FLORA_API_KEY={KEY.decode()}".encode("utf-16"), ("utf-16",)),
    ("base64 twice", b"FLORA_API_KEY: " + b64(b64(KEY)), ("base64", "base64")),
    ("base64 four times", b"FLORA_API_KEY: " + b64(b64(b64(b64(KEY)))), ("base64",) * 4),
    ("hex in base64", b"FLORA_API_KEY: " + b64(KEY.hex().encode()), ("base64", "hex")),
    ("base64 in hex", b"FLORA_API_KEY: " + b64(KEY).hex().encode(), ("hex", "base64")),
    ("an environment file in base64", b64(b"A=1\nFLORA_API_KEY=" + KEY + b"\nB=2\n"), ("base64",)),
    ("wrapped base64", base64.encodebytes(SENTENCE + b"FLORA_API_KEY=" + KEY + b" " + SENTENCE), ("base64",)),
]  # fmt: skip


@pytest.mark.parametrize(("content", "steps"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_an_encoded_key_is_found_and_named_by_its_line(content: bytes, steps: tuple[str, ...]) -> None:
    assert keys_in(content) == [(KEY, "flora", steps)]


@pytest.mark.parametrize("lead", range(6))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_at_each_alignment_and_of_either_alphabet(lead: int, encode: Callable[[bytes], bytes]) -> None:
    content = b"x = '%s'" % encode(b"\xff\xfe?>"[: lead // 2] + b"." * lead + b" " + KEY + b"?>?>~~")
    assert [found[0] for found in keys_in(content)] == [KEY]


@pytest.mark.parametrize("width", [60, 64, 72, 76])
@pytest.mark.parametrize("line_break", [b"\n", b"\r\n", b"\n    ", b"\\n"])
def test_a_long_key_in_wrapped_base64(width: int, line_break: bytes) -> None:
    text = b64(STRIPE)
    lines = line_break.join(text[at : at + width] for at in range(0, len(text), width))
    assert [found[0] for found in keys_in(b"value: |" + line_break + lines + b"\nother: value\n")] == [STRIPE]


ESCAPES: dict[str, Callable[[bytes], bytes]] = {
    "percent": every("%%%02X"),
    "\\\\x": every("\\x%02x"),
    "\\\\u": every("\\u%04x"),
    "html": every("&#%d;"),
}


@pytest.mark.parametrize("form", ESCAPES)
@pytest.mark.parametrize("lead", range(3))
def test_escapes_inside_base64_and_base64_of_nothing_but_escapes(form: str, lead: int) -> None:
    escape = ESCAPES[form]
    for text in (b64(b"x" * lead + b" " + escape(KEY)), escape(b64(b"x" * lead + b" " + KEY))):
        assert [found[0] for found in keys_in(b'FLORA = "' + text + b'"')] == [KEY]


@pytest.mark.parametrize("lead", range(9))
def test_base64_three_times_at_any_alignment(lead: int) -> None:
    text = b'FLORA = "' + b64(b"-" * (lead // 3) + b64(b64(b"x" * (lead % 3) + b" " + KEY))) + b'"'
    assert [found[0] for found in keys_in(text)] == [KEY]


def test_quoted_printable_breaks_no_long_key() -> None:
    for padding in range(0, 76, 5):
        content = quopri.encodestring(b"." * padding + b" STRIPE_SECRET_KEY=" + STRIPE + b" is it")
        assert (STRIPE, "stripe", ("quoted-printable",)) in keys_in(content), padding


@pytest.mark.parametrize(
    ("plain", "escaped", "step"),
    [
        (b"-", b"%2D", "percent"),
        (b"-", b"\\u002d", "escape"),
        (b"-", b"\\x2d", "escape"),
        (b"-", b"&#45;", "html"),
        (b"-", b"=2D", "quoted-printable"),
    ],
)
def test_a_key_with_an_escape_in_its_body_is_not_cut(plain: bytes, escaped: bytes, step: str) -> None:
    keys = (expand("sk_live_${base64url:43}", seed).encode() for seed in range(100))
    key = next(key for key in keys if plain in key[24:-8])
    found = keys_in(b"k=" + key.replace(plain, escaped) + b"&x=1")
    assert [(secret, steps) for secret, _, steps in found] == [(key, (step,))]


@pytest.mark.parametrize("second", [b"_", b"err"])
def test_a_second_result_beside_the_decoded_key_hides_no_name(second: bytes) -> None:
    encoded = base64.urlsafe_b64encode(KEY).rstrip(b"=")
    content = b'\tfloraApiKey, %s := base64.RawURLEncoding.DecodeString("%s")\n' % (second, encoded)
    assert keys_in(content) == [(KEY, "flora", ("base64",))]


@pytest.mark.parametrize("operator", [b'" + "', b'"\n    "', b'" +\n    "', b'"\n    . "', b'" & "'])
def test_base64_in_several_strings_is_one_text(operator: bytes) -> None:
    digits = b64(KEY)
    content = b'const FLORA_API_KEY = atob("' + digits[:25] + operator + digits[25:] + b'");\n'
    assert keys_in(content) == [(KEY, "flora", ("base64",))]


@pytest.mark.parametrize("word", [b"base64", b"base64url", b"utf-8", b"latin1", b"prod"])
def test_the_argument_behind_encoded_text_is_no_part_of_it(word: bytes) -> None:
    """Of 48 characters, so that the text ends without padding: `base64` says `m` in base64."""
    key = expand("sk_live_${hex:40}", 7).encode()
    content = b"const paystackSecret = Buffer.from('%s', '%s').toString();\n" % (b64(key), word)
    assert keys_in(content) == [(key, "paystack", ("base64",))]


def test_values_below_each_other_are_not_joined() -> None:
    keys = [expand("sk_live_${base62:42}", seed).encode() for seed in range(6)]
    content = b"\n".join(b64(key).rstrip(b"=") for key in keys)
    assert {found[0] for found in keys_in(content)} == set(keys)


def test_the_place_is_that_of_the_encoded_text() -> None:
    content = b"a: 1\nb:\n  - name: FLORA_API_KEY\n    value: '" + b64(b"user:" + KEY) + b"'\n"
    (finding,) = keyleak.scan_bytes(content)
    assert [(place.line, place.column) for place in finding.locations] == [(4, 13)]


def test_a_key_beside_an_escape_is_told_once_and_plainly() -> None:
    assert keys_in(b"u=%2Fa%2Fb&FLORA_API_KEY=" + KEY + b"&c=%3D") == [(KEY, "flora", ())]
    assert keys_in(b'{"a": "\\u005f", "FLORA_API_KEY": "' + KEY + b'"}') == [(KEY, "flora", ())]


def test_base64_padding_at_the_end_of_a_line_is_no_soft_break() -> None:
    for length in range(16, 60):
        key = expand(f"sk_live_${{base62:{length}}}", length).encode()
        assert {found[0] for found in keys_in(b64(key) + b"\n" + b"abcdef: " * 3)} == {key}


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "hex": lambda text: text.hex().encode(),
    "percent": every("%%%02x"),
    "escape": every("\\x%02x"),
    "html": lambda text: html.escape(text.decode()).replace("_", "&#95;").encode(),
}
# Inside base64 and hexadecimal text literals find what base64 and hexadecimal text hold.
PAIRS = [("base64", "base64"), ("hex", "base64"), ("base64", "hex")]


@given(
    steps=st.one_of(st.sampled_from([(name,) for name in ENCODINGS]), st.sampled_from(PAIRS)),
    template=st.sampled_from(["sk_live_${base62:42}", "sk_test_${base62:24}", "sk_live_51${base62:97}"]),
    seed=st.integers(0, 10_000),
    before=st.sampled_from([b"", b"key = '", b"x: ", b"(", b"path/", b'{"a": "']),
)
@settings(max_examples=150, deadline=None)
def test_a_key_is_found_with_its_steps(
    steps: tuple[str, ...], template: str, seed: int, before: bytes
) -> None:
    key = expand(template, seed).encode()
    content = key
    for step in steps:
        content = ENCODINGS[step](content)
    inspection = INSPECTOR.inspect(before + content + b"\nnext line", PLACE)
    found = [(each.secret.reveal(), each.location.decoded) for each in inspection.sightings]
    assert (key, tuple(reversed(steps))) in found


TEXT = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b64(KEY), b64(b64(KEY)), KEY.hex().encode(), every("%%%02x")(KEY), b"tfbGl2ZV", b"H4sIAAAA",
            b'"eJw', b"k%5Flive", b"FLORA_API_KEY=", b"=\n", b"=3D", b"\\", b"\n", b"&#95;", b"\\u005f",
            b"1f8b08", KEY, b"UEsDBAo", b"c2tfbGl2ZV",
        ]
    ),
)  # fmt: skip


@given(parts=st.lists(TEXT, max_size=12))
@settings(max_examples=300, deadline=None)
def test_both_engines_decode_the_same_and_nothing_raises(parts: list[bytes]) -> None:
    content = b"".join(parts)
    assert INSPECTOR.inspect(content, PLACE) == PURE.inspect(content, PLACE)


@given(
    pieces=st.lists(
        st.tuples(st.integers(0, 3 * MARGIN), st.sampled_from(sorted(ENCODINGS))), min_size=1, max_size=5
    ),
    seed=st.integers(0, 1000),
)
@settings(max_examples=20, deadline=None)
def test_a_stream_in_windows_gives_what_the_whole_gives(pieces: list[tuple[int, str]], seed: int) -> None:
    content = b""
    for index, (distance, step) in enumerate(pieces):
        key = expand("sk_live_${base62:42}", seed + index).encode()
        content += b"line of text\n" * (distance // 13) + b"FLORA_API_KEY=" + ENCODINGS[step](key) + b"\n"
    whole = INSPECTOR.inspect(content, Place(LocationKind.STDIN, None)).sightings
    streamed = Reader(INSPECTOR, window=4 * MARGIN).read_stream(io.BytesIO(content))
    assert streamed.sightings == whole
    assert len(whole) == len(pieces)


UNITS = [
    b"tfbGl2ZV", b"c2tfbGl2ZV", b"k%5Flive", b"H4sI", b"6b5f6c6976655f", b"k=\n_live_", b"\\x6b\\x5f\\x6c",
    b'"eJw', b"=\n", b"RkxPUk", b"%25", b"sk_live_%2B", b"&amp;amp;#95;",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_content_made_of_anchors_takes_work_in_proportion_to_its_length(unit: bytes, end: bytes) -> None:
    def read(size: int) -> None:
        INSPECTOR.inspect((unit + end) * (size // len(unit)), PLACE)

    # An encoded text is followed over some kilobytes; what is longer is read part by part.
    assert growth(read, 24_000) < 3


def test_a_compressed_session_in_a_cookie() -> None:
    session = base64.urlsafe_b64encode(zlib.compress(b'{"stripe": {"secret_key": "%s"}}' % STRIPE)).rstrip(
        b"="
    )
    assert keys_in(b"Cookie: session=.%s.ZhDkQA.x; theme=dark" % session)[0][:2] == (STRIPE, "stripe")

"""Whatever stands around a key, and however it is encoded, it is found whole; and both engines agree."""

from __future__ import annotations

import io
import json
import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from keyleak.findings import LocationKind
from keyleak.key_shapes import MASK
from keyleak.matching.matcher import Matcher
from keyleak.matching.re_engine import ReEngine
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.secret import Secret
from keyleak.sources.inspector import Inspector, Place
from keyleak.sources.reading import MARGIN, Reader

if TYPE_CHECKING:
    from keyleak.matching.match import Match

RULEBOOK = load_rulebook()
MATCHER = Matcher(RULEBOOK)
PURE = Matcher(RULEBOOK, ReEngine(MATCHER.rules.anchors))

SHAPES = (
    "sk_live_51${base62:97}",
    "sk_test_${base62:24}",
    "sk_live_${base62:34}",
    "rk_live_51${base62:97}",
    "sk_live_${base62:42}",
    "sk_test_${hex:40}",
    "sk_live_${base64:key_01${crockford:24},${base62:25}}",
    "sk_live_${base64url:43}",
    "sk_test_${base62:16}",
    "sk_live_${base62:250}",
    "sk_live_${HEX:32}",
)
# What may follow a key, by the issue: each of these ends it.
NEIGHBOURS = [
    ",",
    ")",
    "<",
    "&",
    ".",
    "]",
    ":",
    "/",
    "@",
    '\\"',
    "",
    "\n",
    "\r\n",
    " ",
    "'",
    "}",
    ";",
    "\x00",
]
WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
KEY = WORD | {ord("-")}

keys = st.builds(expand, st.sampled_from(SHAPES), st.integers(0, 5000))


def found(matches: list[Match]) -> set[bytes]:
    return {match.secret.reveal() for match in matches}


@given(key=keys, before=st.binary(max_size=80), after=st.binary(max_size=80))
@example(key=expand("sk_live_${base62:42}"), before=b"", after=b"")
@settings(max_examples=400, deadline=None)
def test_a_key_is_found_whole_in_any_bytes(key: str, before: bytes, after: bytes) -> None:
    assume(not before or before[-1] not in WORD)
    assume(not after or (after[0] not in KEY and not after.startswith((b"+", b"/", b"="))))
    # A short body before an ellipsis or `${` was shortened, or is completed by a program.
    assume(not after.startswith((b"...", b"**", b"${", b"#{", b"{{", b"%s", b"%d", b"\xe2\x80\xa6")))
    matches = MATCHER.match(before + key.encode() + after)
    here = [match for match in matches if match.start == len(before)]
    assert [match.secret.reveal() for match in here] == [key.encode()]
    assert here[0].end == len(before) + len(key)


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_neighbour_ends_a_key(shape: str, neighbour: str) -> None:
    key = expand(shape, 3)
    rest = f"{neighbour}more" if neighbour else ""
    assert found(MATCHER.match(f'x = "{key}{rest}'.encode())) == {key.encode()}


@given(key=keys, encoding=st.sampled_from(["utf-16", "utf-16-le", "utf-16-be"]), before=st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_a_key_is_found_in_utf16(key: str, encoding: str, before: str) -> None:
    assume(not before or not (before[-1].isascii() and ord(before[-1]) in WORD))
    assume(not any(0xD800 <= ord(character) < 0xE000 for character in before))
    content = f"{before}{key} after".encode(encoding)
    assert key.encode() in found(MATCHER.match(content))


@pytest.mark.parametrize("word", ["risk_live_", "flask_test_", "am_sk_live_", "1sk_live_", "_sk_live_"])
def test_a_prefix_inside_a_longer_word_is_another_word(word: str) -> None:
    assert MATCHER.match(f"{word}{expand('${base62:42}')}".encode()) == []


@pytest.mark.parametrize(
    "escape", ["\\n", "\\t", "\\r\\n", "\\u003d", "\\x3d", "%3D", "\x1b[32m", "\\u001b[0;1m"]
)
def test_a_letter_that_ends_an_escape_is_no_neighbour(escape: str) -> None:
    key = expand("sk_live_${base62:42}")
    assert found(MATCHER.match(f"token{escape}{key}".encode())) == {key.encode()}


@pytest.mark.parametrize("length", [15, 251, 400])
def test_bodies_too_short_or_too_long_are_no_keys_and_never_cut(length: int) -> None:
    assert MATCHER.match(expand(f"sk_live_${{base62:{length}}}").encode()) == []


PLACEHOLDERS = [
    "your_api_key_goes_here", "YOUR-SECRET-KEY-HERE-1234", "x" * 24, "X" * 30, "0" * 24,
    "1234567890abcdef1234",
    "abc123abc123abc123abc123", "abcdefghijklmnopqrstuvwx", "replace_me_with_a_real_one", "deadbeef" * 4,
    "should_be_refused_by_server", "golden_path_value_DO_NOT_LEAK_xyz123", "ci_placeholder_000000000000",
    "thisisnotarealsecretkeyatall", "yourapikeygoesherenow", "aB3cD4eF5gH6iJ7kL8mN9", "dummyKeyForBuild1234",
    "iter_forwards_options", "client_factory_for_tests", "tu_clave_secreta_aqui_12", "VOTRE_CLE_SECRETE_ICI",
]  # fmt: skip


@pytest.mark.parametrize("prefix", ["sk_live_", "sk_test_"])
@pytest.mark.parametrize("body", PLACEHOLDERS)
def test_placeholders_are_no_keys(prefix: str, body: str) -> None:
    assert MATCHER.match(f'key = "{prefix}{body}"'.encode()) == []


def test_a_key_beside_a_placeholder_is_found() -> None:
    key = expand("sk_live_${base62:42}")
    content = "sk_live_" + f"your_key_goes_here {key} sk_live_" + "x" * 20
    assert found(MATCHER.match(content.encode())) == {key.encode()}


@pytest.mark.parametrize(
    "shape", ["base62:16", "base62:24", "base62:42", "hex:32", "hex:40", "HEX:16", "base64url:43"]
)
def test_random_bodies_are_hardly_ever_taken_for_placeholders(shape: str) -> None:
    bodies = (expand(f"sk_live_${{{shape}}}", seed).encode() for seed in range(4000))
    lost = sum(not MATCHER.match(body) for body in bodies)
    assert lost <= 1


NOISE = st.sampled_from(
    [
        b"FLORA_API_KEY=", b"flora", b"Flora({ apiKey: '", b"sk_live_", b"https://app.flora.ai ", b"\n",
        b"ak_",
        b"Authorization: Bearer ", b"f\0l\0o\0r\0a\0", b"--api-key ", b" ", b'"',
    ]
)  # fmt: skip
PIECES = st.one_of(
    NOISE,
    st.binary(max_size=12),
    st.builds(str.encode, keys),
    st.builds(lambda key: key.encode("utf-16-le"), keys),
)


@given(parts=st.lists(PIECES, max_size=14))
@settings(max_examples=400, deadline=None)
def test_hyperscan_and_re_find_the_same(parts: list[bytes]) -> None:
    content = b"".join(parts)
    assert MATCHER.match(content) == PURE.match(content)


@given(
    pieces=st.lists(
        st.tuples(st.integers(0, 3 * MARGIN), st.sampled_from(SHAPES), st.booleans()), min_size=1, max_size=6
    ),
    seed=st.integers(0, 1000),
)
@settings(max_examples=30, deadline=None)
def test_a_stream_in_windows_gives_what_the_whole_gives(
    pieces: list[tuple[int, str, bool]], seed: int
) -> None:
    content = b""
    for index, (distance, shape, named) in enumerate(pieces):
        name = b"FLORA_API_KEY=" if named else b"key "
        content += b"line of text\n" * (distance // 13) + name + expand(shape, seed + index).encode() + b"\n"
    inspector = Inspector(RULEBOOK)
    whole = inspector.inspect(content, Place(LocationKind.STDIN, None)).sightings
    streamed = Reader(inspector, window=4 * MARGIN).read_stream(io.BytesIO(content))
    assert streamed.sightings == whole
    assert streamed.bytes == len(content)
    assert len(whole) == len(pieces)


@pytest.mark.parametrize("shift", range(-60, 61, 3))
def test_a_key_across_a_window_border_is_found_once(shift: int) -> None:
    key = expand("sk_live_${base62:42}").encode()
    content = b"." * (3 * MARGIN + shift) + key + b"." * (5 * MARGIN)
    result = Reader(Inspector(RULEBOOK), window=4 * MARGIN).read_stream(io.BytesIO(content))
    assert [sighting.secret.reveal() for sighting in result.sightings] == [key]
    assert result.sightings[0].location.column == 3 * MARGIN + shift + 1


@given(key=keys)
@settings(deadline=None)
def test_a_secret_shows_its_prefix_and_four_characters_at_most(key: str) -> None:
    secret = Secret(key.encode())
    body = key.partition("_")[2].partition("_")[2]
    for shown in (
        str(secret),
        repr(secret),
        f"{secret}",
        secret.redacted(),
        repr([secret]),
        str({"k": secret}),
    ):
        assert body[:5] not in shown
        assert MASK in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)

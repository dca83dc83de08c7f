"""Every planted key in any surroundings is found whole, once, at its exact place."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keyleak.rulebook.template import expand
from strategies import (
    ENCODINGS,
    NEIGHBOURS,
    TEMPLATES,
    Planted,
    bodies,
    bytes_after,
    bytes_before,
    found_in,
    matcher,
    planted_keys,
    texts_after,
    texts_before,
)

KEY = expand("sk_live_${base62:42}", 1)


@given(key=planted_keys(), before=bytes_before(), after=bytes_after())
@settings(max_examples=400, deadline=None)
def test_a_key_in_any_bytes_is_found_whole(key: Planted, before: bytes, after: bytes) -> None:
    found = found_in(before + key.data + after)
    assert (key.data, len(before), len(before) + len(key.data)) in found


@given(
    key=planted_keys(), before=bytes_before(), after=bytes_after(), encoding=st.sampled_from(ENCODINGS[1:3])
)
@settings(max_examples=400, deadline=None)
def test_a_utf16_key_in_any_bytes_is_found_whole(
    key: Planted, before: bytes, after: bytes, encoding: str
) -> None:
    # With a zero byte behind it, the byte before that would be a letter of the text.
    assume(before[-1:] != b"\0")
    content = before + key.text.encode(encoding) + b"\0\0" + after
    low = len(before) + (encoding == "utf-16-be")
    assert (key.data, low, low + 2 * len(key.text)) in found_in(content)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "before", [b"", b"\xff", b"=", b"\xff\xff", b'"\0', b"\0=", b"\x01\x02\x03", b"\x00\x01\x02"]
)
def test_utf16_may_begin_at_any_offset(before: bytes, encoding: str) -> None:
    """In a database page or an executable nothing aligns a string to two bytes."""
    found = found_in(before + KEY.encode(encoding) + b"\0\0")
    assert [(key, start - len(before)) for key, start, _ in found] == [
        (KEY.encode(), encoding == "utf-16-be")
    ]


@given(key=planted_keys(), before=texts_before(), after=texts_after(), encoding=st.sampled_from(ENCODINGS))
@settings(max_examples=400, deadline=None)
def test_a_key_in_any_text_of_any_encoding_is_found_whole(
    key: Planted, before: str, after: str, encoding: str
) -> None:
    errors = "replace" if encoding == "latin-1" else "strict"
    # Replaced characters become `?`, which is a neighbour like any other.
    head = before.encode(encoding, errors) if before or encoding == "utf-16" else b""
    content = (before + key.text + after).encode(encoding, errors)
    step = 2 if encoding.startswith("utf-16") else 1
    start = len(head) + (encoding == "utf-16-be")
    assert (key.data, start, start + step * len(key.text)) in found_in(content)


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_neighbour_of_the_issue_ends_a_key(template: str, neighbour: str) -> None:
    key = expand(template, 3).encode()
    tail = f"{neighbour} more" if neighbour else ""
    assert found_in(b"x = '" + key + tail.encode()) == [(key, 5, 5 + len(key))]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_keys_that_touch_only_by_a_separator_are_all_found(template: str, encoding: str) -> None:
    keys = [expand(template, seed) for seed in range(4)]
    found = found_in(f"[{','.join(keys)}]".encode(encoding))
    assert [key.decode() for key, _, _ in found] == keys


@given(body=bodies())
@settings(max_examples=300, deadline=None)
def test_bodies_of_every_permitted_length_are_found_whole(body: str) -> None:
    key = ("sk_test_" + body).encode()
    assert found_in(b"(" + key + b")") == [(key, 1, 1 + len(key))]


@pytest.mark.parametrize("prefix", ["sk_live_", "sk_test_", "rk_live_", "rk_test_"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_longest_body_is_found_and_a_longer_one_is_not_cut_short(prefix: str, encoding: str) -> None:
    longest, longer = (expand(f"{prefix}${{base62:{length}}}", 2) for length in (250, 251))
    assert [key.decode() for key, _, _ in found_in(longest.encode(encoding))] == [longest]
    assert found_in(longer.encode(encoding)) == []
    assert found_in((longest + longer).encode(encoding)) == []


@pytest.mark.parametrize("length", [0, 1, 8, 15])
def test_a_body_below_sixteen_is_no_key(length: int) -> None:
    key = expand(f"sk_live_${{base62:{length}}}", 2)
    assert found_in(f"a {key} b".encode()) == []
    assert found_in(f"a {key} b".encode("utf-16")) == []


@pytest.mark.parametrize(
    "template",
    [
        "sk_live_${hex:40}_${base62:24}",
        "sk_live_${hex:40}-${hex:40}",
        "rk_live_${base62:24}_${base62:24}",
        "sk_live_${base62:24}_${base62:24}",
        "sk_live_${base62:42}-${base62:42}",
        "sk_live_${hex:8}_${base62:32}",
        "sk_live_51${base62:100}",
        "rk_live_${base62:141}",
        "sk_live_${hex:41}",
        "sk_live_${hex:64}",
        "sk_live_a2V5Xz${base62:90}",
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_shorter_shape_never_cuts_a_long_key(template: str, seed: int) -> None:
    key = expand(template, seed).encode()
    assert found_in(b'"' + key + b'"') == [(key, 1, 1 + len(key))]


def test_matches_come_in_order_with_prefix_width_and_statement() -> None:
    second = expand("rk_test_${base62:24}", 2)
    content = f"first = {KEY}\nsecond = {second}\n".encode()
    one, two = matcher().match(content)
    assert (one.start, two.start) == (8, content.index(second.encode()))
    assert (one.prefix, two.prefix) == ("sk_live_", "rk_test_")
    assert one.statement.before == b"first = "
    assert two.statement.before == b"second = "
    assert not one.wide
    assert matcher().match(content.decode().encode("utf-16-le"))[0].wide


def test_every_rule_whose_shape_it_is_is_named() -> None:
    (match,) = matcher().match(KEY.encode())
    named = {rule.id for rule in match.shapes}
    assert {"flora-api-key", "clerk-secret-key", "sk-family-key", "moonpay-secret-key"} <= named
    assert not named & {
        "paystack-secret-key",
        "stripe-secret-key",
        "stripe-legacy-secret-key",
        "tap-secret-key",
    }
    (match,) = matcher().match(expand("sk_live_51${base62:97}").encode())
    assert "stripe-secret-key" in {rule.id for rule in match.shapes}
    (match,) = matcher().match(expand("sk_live_51${base62:98}").encode())
    assert "stripe-secret-key" not in {rule.id for rule in match.shapes}


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_will_do(kind: type[bytes]) -> None:
    assert [match.secret.reveal() for match in matcher().match(kind(KEY.encode()))] == [KEY.encode()]


def test_content_without_anchors_and_empty_content_have_no_matches() -> None:
    assert matcher().match(b"") == []
    assert matcher().match(b"nothing to see here\n" * 100) == []


@given(key=planted_keys(), before=st.binary(max_size=300), border=st.integers(0, 600))
@settings(max_examples=150, deadline=None)
def test_windows_that_share_a_border_own_each_key_once(key: Planted, before: bytes, border: int) -> None:
    content = before + b"\n" + key.data + b"\n" + b"." * 200
    border = min(border, len(content))
    left = matcher().match(content, owned=range(border))
    right = matcher().match(content, owned=range(border, len(content) + 1))
    assert sorted([*left, *right], key=lambda match: match.start) == matcher().match(content)


@pytest.mark.parametrize("before", [b"", b"\xff\xff", b"\0\1\2\3"])
def test_a_utf16_key_is_not_cut_short_by_the_byte_order_of_its_offset(before: bytes) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        found = found_in(before + f"「{KEY}」".encode(encoding))
        assert [key for key, _, _ in found] == [KEY.encode()]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_a_window_of_utf16_is_read_in_the_byte_order_of_the_whole(encoding: str, cut: int) -> None:
    content = f"日本語 {KEY} 日本語".encode(encoding)
    whole = matcher().match(content)
    window = matcher().match(content[cut:], offset=cut)
    assert [match.secret for match in window] == [match.secret for match in whole]
    assert [match.start + cut for match in window] == [match.start for match in whole]


def test_a_value_that_holds_a_key_is_not_reported_beside_it() -> None:
    content = f'FLORA_API_KEY="abc/{KEY}"'.encode()
    assert [key for key, _, _ in found_in(content)] == [KEY.encode()]


@pytest.mark.parametrize("times", [1, 2, 5])
def test_the_same_key_is_found_at_each_of_its_places(times: int) -> None:
    content = "".join(f"k{index} = {KEY}\n" for index in range(times)).encode()
    assert [start for _, start, _ in found_in(content)] == [
        index * (len(KEY) + 6) + 5 for index in range(times)
    ]


def test_rejections_say_where_and_why() -> None:
    fill = "sk_live_" + "k9QzT" * 6
    sample = "sk_test_" + "your_key_goes_here"
    content = f"{KEY} {fill}\n{sample}".encode()
    rejected = matcher().rejections(content)
    assert [each.start for each in rejected] == [content.index(fill.encode()), content.index(sample.encode())]
    assert "repeated" in rejected[0].reason
    assert rejected[1].reason
    assert matcher().rejections(b"plain text") == []

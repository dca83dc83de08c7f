"""Views: any encoding as single bytes, and the way back to offsets of the content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.matching.view import REACH_AFTER, REACH_BEFORE, narrow_view, wide_view

ASCII = st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20), min_size=1, max_size=60)


@given(before=st.binary(max_size=60), after=st.binary(max_size=60))
def test_a_narrow_view_is_the_content_itself(before: bytes, after: bytes) -> None:
    view = narrow_view(before + b"ANCHOR" + after, len(before) + 6)
    assert view.text == before + b"ANCHOR" + after
    assert view.anchor_end == len(before) + 6
    assert not view.wide
    assert [view.offset(index) for index in (0, 5)] == [0, 5]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_narrow_view_reaches_as_far_as_a_match_may_depend_on(kind: type[bytes]) -> None:
    content = b"a" * 10_000 + b"ANCHOR" + b"b" * 10_000
    view = narrow_view(kind(content), 10_006)
    assert isinstance(view.text, bytes)
    assert view.text[: view.anchor_end].endswith(b"ANCHOR")
    assert view.anchor_end == REACH_BEFORE
    assert len(view.text) == REACH_BEFORE + REACH_AFTER
    assert content[view.offset(view.anchor_end - 6) :].startswith(b"ANCHOR")


def end_of_low(content: bytes, before: str, encoding: str) -> int:
    """Offset just after the low byte of the anchor's last character."""
    assert content
    end = len((before + "ANCHOR").encode(encoding))
    return end - 1 if encoding == "utf-16-le" else end


@given(before=ASCII, after=ASCII, encoding=st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_a_wide_view_is_the_text_in_ascii(before: str, after: str, encoding: str) -> None:
    content = (before + "ANCHOR" + after).encode(encoding)
    view = wide_view(content, end_of_low(content, before, encoding), little_endian=encoding == "utf-16-le")
    assert view.text.decode() == before + "ANCHOR" + after
    assert view.anchor_end == len(before) + 6
    assert view.wide
    for index, character in enumerate(view.text):
        assert content[view.offset(index)] == character


@given(
    before=st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=30),
    after=st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=30),
    encoding=st.sampled_from(["utf-16-le", "utf-16-be"]),
)
def test_characters_beyond_latin_1_become_no_letters(before: str, after: str, encoding: str) -> None:
    content = (before + "ANCHOR" + after).encode(encoding)
    view = wide_view(content, end_of_low(content, before, encoding), little_endian=encoding == "utf-16-le")
    expected = [ord(character) if ord(character) < 0x100 else 0x80 for character in before + "ANCHOR" + after]
    assert list(view.text) == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_wide_view_reaches_as_far_in_characters(encoding: str) -> None:
    before = "a" * 10_000
    content = (before + "ANCHOR" + "b" * 10_000).encode(encoding)
    view = wide_view(content, end_of_low(content, before, encoding), little_endian=encoding == "utf-16-le")
    assert view.text[: view.anchor_end].endswith(b"aANCHOR")
    assert view.anchor_end >= REACH_BEFORE
    assert len(view.text) >= REACH_BEFORE + REACH_AFTER - 1
    assert content[view.offset(view.anchor_end - 6)] == ord("A")
    assert content[view.offset(view.anchor_end)] == ord("b")


def test_a_wide_view_at_the_very_end_of_a_cut_text() -> None:
    content = "ANCHOR".encode("utf-16-le")[:-1]
    view = wide_view(content, len(content), little_endian=True)
    assert view.text == b"ANCHOR"

"""Content that is made to be slow: how much work it makes is counted, not how long that takes."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING

import pytest

from keyleak.containers import pdf
from keyleak.containers.member import Member
from keyleak.decoding.byte_list import byte_list
from keyleak.findings import LocationKind
from keyleak.matching.budget import Budget
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import TOO_MUCH, Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

INSPECTOR = Inspector(load_rulebook())
PLACE = Place(LocationKind.FILE, "f")
KEY = expand("sk_live_${base62:42}", 31).encode()
UNITS = [
    b'"sk",', b'"sk"+', b'"sk_"+"a"+', b"sk_\\\n", b'"sk_live_"+"a"+', b'"sk_live_","a",', b'P="sk_live_"\n',
    b"&#38;#107;&#95;", b"tfbGl2ZV", b"k%5Flive", b"%256B%255F", b"\\x6b\\x5f\\x6c", b"\\u005c",
    b"\\" * 99 + b"\\u006b_",
    b"H4sI\n", b"SDRzSU\n", b'"eJw', b"c2tfbGl2ZV9h" * 6 + b"AAAA\n", b'"c2tfbGl2ZV9h"+',
    b'atob("c2tfbGl2ZV9h',
    b"107, 95, 108;", b"6b 5f 6c\n", b"'k','_','l',", b"6b5f6c69\n",
]  # fmt: skip


class Counted(Budget):
    """A budget that remembers how often it was asked."""

    asked = 0

    def spend(self, count: int) -> bool:
        self.asked += 1
        return super().spend(count)


@pytest.mark.parametrize("unit", UNITS)
def test_work_grows_with_the_content_and_no_faster(unit: bytes) -> None:
    asked = []
    for size in (1_000, 2_000):
        budget = Counted(size)
        INSPECTOR.inspect_within(unit * (size // len(unit)), PLACE, budget)
        asked.append(budget.asked)
    assert asked[1] <= 2.5 * asked[0] + 50


@pytest.mark.parametrize("unit", [b'"sk_live_"+"a"+', b"c2tfbGl2ZV9h" * 6 + b"AAAA\n", b"SDRzSU\n"])
def test_what_the_budget_cuts_off_is_a_gap_and_whole_keys_are_found(unit: bytes) -> None:
    budget = Budget(0)
    budget.spend(budget.allowed - 200_000)
    content = unit * (4_000 // len(unit)) + b"\nFLORA_API_KEY=" + KEY + b"\n"
    inspection = INSPECTOR.inspect_within(content, PLACE, budget)
    assert [each.secret.reveal() for each in inspection.sightings] == [KEY]
    assert [gap.reason for gap in inspection.gaps] == [TOO_MUCH]


@pytest.mark.parametrize(
    "form", [b"FLORA_API_KEY=%b\n", b'"a": "%b",\n', b"FLORA_API_KEY: '%b'\n", b"x = '%b'\n"]
)
@pytest.mark.parametrize("encode", [bytes, base64.b64encode])
def test_many_keys_are_no_reason_to_stop(form: bytes, encode: type[bytes]) -> None:
    keys = [expand("sk_live_${base62:42}", seed).encode() for seed in range(40)]
    content = b"".join(form % encode(key) for key in keys)
    inspection = INSPECTOR.inspect(content, PLACE)
    assert inspection.gaps == ()
    assert {each.secret.reveal() for each in inspection.sightings} == set(keys)


def test_a_list_that_ends_at_once_is_not_looked_for_further() -> None:
    text = b"107, 95, 108;" * 3
    assert byte_list(text, 0) is None
    listed = b"x = [115, 107, 95, 108, 105, 118, 101, 95, 51, 49]"
    found = byte_list(listed, listed.index(b"107"))
    assert found is not None
    assert (found.data, found.place(0)) == (b"sk_live_31", listed.index(b"115"))


def test_streams_of_a_pdf_do_not_overlap() -> None:
    content = b"%PDF-1.4\n" + b"1 0 obj /FlateDecode stream\n" * 500
    assert sum(1 for _ in pdf.members(content)) == 1
    packed = zlib.compress(b"text of a page")
    body = b"".join(
        b"%d 0 obj <</Filter/FlateDecode>>\nstream\n%b\nendstream\n" % (number, packed)
        for number in range(50)
    )
    assert list(texts(b"%PDF-1.4\n" + body)) == [b"text of a page"] * 50


def texts(content: bytes) -> Iterator[bytes]:
    for member in pdf.members(content):
        assert isinstance(member, Member)
        yield b"".join(member.pieces)

"""What a content may cost besides the plain search: counted, in proportion, and listed where it ends.

Nothing here looks at a clock: bytes that are searched and functions that are called are counted.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import sys
import urllib.parse
import zipfile
from functools import reduce
from typing import TYPE_CHECKING

import pytest

from keyleak.findings import LocationKind
from keyleak.matching.budget import ALWAYS, FOR_A_KEY, RATIO, Budget
from keyleak.matching.engine import fastest_engine
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import TOO_MUCH, Inspection, Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyleak.matching.engine import Buffer, Hit, Searched

PLACE = Place(LocationKind.FILE, "f")
KEY = expand("sk_live_${base62:42}", 31)
# Each cost a hundred seconds a megabyte and more, or ended without a gap.
UNITS = [
    '"rXHUwMDVmdGV",', '"rXHUwMDVmdGV…",', '"JTZCJTVG"+', '"JTZCJTVG",', '"\\\\x72k_",', '"\\x72k_",',
    "flora(", '"sk",', '"sk"+', '"sk" ', '"sk_l"', '"rk_t"', "'sk_'.", '"sk_"+"a"+', "sk_\\\n",
    'a+="sk_live_";', " eJz", " 789c", "H4sI", "UEsDB", '"c2tfbGl2ZV",', "c2tfbGl2ZV9h",
    "c2tfbGl2ZV9h%5F", "SDRzSU\n", "%25%36%42", "FLORA_API_KEY=", "sk_live_$a ", "sk_live_{a}",
    "%73%6B%5F%6C", "\\u005c", 'b.append("sk_live_");', "flora(sk_live_c2tf", "107, 95, 108, ",
    "6b 5f 6c 69 ", "k=5Flive", "&#107;&#95;&#108;", 'printf("sk_live_%s%s","a",', "sk_live_</b><b>",
]  # fmt: skip


class CountingEngine:
    """Counts the bytes that are searched."""

    def __init__(self, anchors: Sequence[Searched]) -> None:
        self._engine = fastest_engine(anchors)
        self.searched = 0

    def hits(self, content: Buffer) -> list[Hit]:
        self.searched += len(content)
        return self._engine.hits(content)


ENGINES: list[CountingEngine] = []


def counting_engine(anchors: Sequence[Searched]) -> CountingEngine:
    ENGINES.append(CountingEngine(anchors))
    return ENGINES[-1]


INSPECTOR = Inspector(load_rulebook(), counting_engine)
# What is compiled when it is first used is not counted.
INSPECTOR.inspect(f"FLORA_API_KEY={KEY}\n".encode(), PLACE)


def calls_of(look: Callable[[], object]) -> int:
    """How many functions a look calls."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        look()
    finally:
        sys.setprofile(before)
    return count


def repeated(unit: str, size: int) -> bytes:
    return (unit.encode() * (size // len(unit) + 1))[:size]


@pytest.mark.parametrize("unit", UNITS)
def test_what_is_counted_is_in_proportion_to_the_content(unit: str) -> None:
    content = repeated(unit, 16 << 10)
    budget = Budget(len(content))
    before = ENGINES[0].searched
    calls = calls_of(lambda: INSPECTOR.inspect(content, PLACE, budget=budget))
    assert budget.spent <= RATIO * len(content) + ALWAYS
    assert ENGINES[0].searched - before <= RATIO * len(content) + ALWAYS
    assert calls <= 30 * len(content) + 60_000


@pytest.mark.parametrize("unit", UNITS)
def test_a_key_behind_it_is_found_and_what_was_cut_off_is_listed(unit: str) -> None:
    content = repeated(unit, 8 << 10) + b"\n\nx = 1\n" * 8 + f"\nFLORA_API_KEY={KEY}\n".encode()
    budget = Budget(len(content))
    inspection = INSPECTOR.inspect(content, PLACE, budget=budget)
    assert KEY.encode() in secrets(inspection)
    assert (TOO_MUCH in reasons(inspection)) == (budget.left == 0)


@pytest.mark.parametrize("form", ["%s\n", "FLORA_API_KEY=%s\n", 'c = Flora(api_key="%s")\n', '{"a": "%s"},'])
def test_nothing_but_different_keys_costs_the_same_for_each(form: str) -> None:
    keys = [expand("sk_test_${base62:24}", seed) for seed in range(600)]
    calls = []
    for count in (300, 600):
        content = "".join(form % key for key in keys[:count]).encode()
        inspector = Inspector(load_rulebook(), lambda _: ENGINES[0])
        inspector.inspect(content[:2000], PLACE)
        budget = Budget(len(content))
        calls.append(calls_of(lambda: inspect(inspector, content, budget)))  # noqa: B023 - called at once
        assert budget.left
        assert budget.allowed <= RATIO * len(content) + ALWAYS + count * FOR_A_KEY
    assert calls[1] <= 2.3 * calls[0]
    assert calls[1] <= 600 * 3_000


def inspect(inspector: Inspector, content: bytes, budget: Budget) -> Inspection:
    return inspector.inspect(content, PLACE, budget=budget)


def test_one_key_in_the_same_surroundings_is_weighed_once() -> None:
    line = f"FLORA_API_KEY={KEY}\n"
    calls = [calls_of(lambda: INSPECTOR.inspect(line.encode() * n, PLACE)) for n in (200, 400)]  # noqa: B023
    assert calls[1] - calls[0] <= 200 * 1_200
    inspection = INSPECTOR.inspect(line.encode() * 400, PLACE)
    assert len(inspection.sightings) == 400
    assert {each.attribution.issuer for each in inspection.sightings} == {"flora"}
    assert inspection.gaps == ()


def test_without_a_budget_a_key_is_reported_by_its_body_alone() -> None:
    content = f"FLORA_API_KEY={KEY}\nother = 1\n".encode()
    budget = Budget(0)
    budget.spend(budget.left)
    inspection = INSPECTOR.inspect(content, PLACE, budget=budget)
    assert secrets(inspection) == {KEY.encode()}
    assert reasons(inspection) == [TOO_MUCH]
    assert inspection.sightings[0].attribution.issuer is None


def test_results_do_not_depend_on_what_else_was_looked_at() -> None:
    content = repeated('"sk_live_"+"a"+', 6 << 10) + f"\nK='{KEY}'\n".encode()
    first = INSPECTOR.inspect(content, PLACE)
    for unit in UNITS[:6]:
        INSPECTOR.inspect(repeated(unit, 4 << 10), PLACE)
    assert INSPECTOR.inspect(content, PLACE) == first


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda data: zipped(data),  # noqa: PLW0108 - defined below
    "zip in zip": lambda data: zipped(zipped(data)),
}


def zipped(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m", data)
    return held.getvalue()


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("unit", ["flora(", '"sk",', "c2tfbGl2ZV9h\n", "\0"])
def test_a_bomb_costs_in_proportion_to_what_it_is_packed_in(packed: str, unit: str) -> None:
    content = PACKED[packed](repeated(unit, 24 << 20))
    budget = Budget(len(content))
    found: list[Inspection] = []
    calls = calls_of(lambda: found.append(INSPECTOR.inspect(content, PLACE, budget=budget)))
    assert calls <= 30 * len(content) + 200_000
    assert found[0].gaps


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def percent(text: str) -> str:
    return urllib.parse.quote(text, safe="").replace("_", "%5F")


def every_percent(text: str) -> str:
    return "".join(f"%{ord(each):02X}" for each in text)


def unicode_escapes(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" for each in text)


def byte_escapes(text: str) -> str:
    return "".join(f"\\x{ord(each):02x}" for each in text)


def entities(text: str) -> str:
    return "".join(f"&#{ord(each)};" for each in text)


STEPS = {
    "base64": b64, "percent": percent, "every percent": every_percent, "unicode": unicode_escapes,
    "bytes": byte_escapes, "entities": entities,
}  # fmt: skip
DEEP = [
    *(("base64",) * times for times in (3, 4, 5, 6, 7)),
    *(("percent",) * times for times in (2, 3, 4)),
    *((step,) * times for step in ("every percent", "unicode", "bytes", "entities") for times in (2, 3)),
    ("unicode", "every percent"), ("base64", "unicode"), ("unicode", "base64"), ("base64", "every percent"),
    ("entities", "unicode"), ("bytes", "entities"), ("base64", "base64", "unicode"),
]  # fmt: skip


@pytest.mark.parametrize("steps", DEEP, ids="+".join)
@pytest.mark.parametrize(
    "text", ["%s", "FLORA_API_KEY=%s\n", '{"a": 1, "key": "%s"}', "some words before %s"]
)
def test_what_is_encoded_several_times_is_undone(steps: tuple[str, ...], text: str) -> None:
    encoded = reduce(lambda said, step: STEPS[step](said), steps, text % KEY)
    inspection = INSPECTOR.inspect(f'x = "{encoded}"\n'.encode(), PLACE)
    assert KEY.encode() in secrets(inspection)


def test_what_is_encoded_more_often_than_is_followed_is_a_gap() -> None:
    encoded = reduce(lambda said, _: b64(said), range(11), KEY)
    inspection = INSPECTOR.inspect(f'x = "{encoded}"\n'.encode(), PLACE)
    assert secrets(inspection) == set()
    assert [reason for reason in reasons(inspection) if "encoded more than 8 times" in reason]


def test_many_keys_in_a_container_and_beside_it_are_told_apart_at_once() -> None:
    keys = [expand("sk_test_${base62:24}", seed) for seed in range(400)]
    content = zipped("\n".join(keys).encode())
    assert len(INSPECTOR.inspect(content, PLACE).sightings) == 400
    inside, outside = (
        Inspection(INSPECTOR.inspect("\n".join(part).encode(), PLACE).sightings)
        for part in (keys[:300], keys[200:])
    )
    calls = calls_of(lambda: inside.and_elsewhere(outside))
    assert calls <= 300 * 200
    assert len(inside.and_elsewhere(outside).sightings) == 400


def secrets(inspection: Inspection) -> set[bytes]:
    return {each.secret.reveal() for each in inspection.sightings}


def reasons(inspection: Inspection) -> list[str]:
    return [gap.reason for gap in inspection.gaps]

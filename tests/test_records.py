"""Records are what dataclasses of the standard library are."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from keyleak import records


def _pair(maker: Any, making_field: Any) -> tuple[Any, Any]:
    @maker(frozen=True, slots=True)
    class Place:
        path: str
        line: int = 1
        names: tuple[str, ...] = ()
        hidden: bytes = making_field(default=b"", repr=False, compare=False)

        @property
        def shown(self) -> str:
            return f"{self.path}:{self.line}"

    @maker(slots=True)
    class Count:
        of: str
        found: list[str] = making_field(default_factory=list)
        known: bool = making_field(default=False, init=False)

        def __post_init__(self) -> None:
            self.known = bool(self.found)

    return Place, Count


OURS = _pair(records.dataclass, records.field)
THEIRS = _pair(dataclasses.dataclass, dataclasses.field)
BOTH = pytest.mark.parametrize(("place", "count"), [OURS, THEIRS], ids=["ours", "standard"])


@records.dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0


@records.dataclass(frozen=True, slots=True)
class Alone:
    only: str


@BOTH
def test_arguments_by_place_by_name_and_left_out(place: Any, count: Any) -> None:
    assert place("a").line == 1
    assert place("a", 2, ("n",), b"h").hidden == b"h"
    assert place(path="a", line=3).shown == "a:3"
    assert count("a", ["b"]).known
    assert not count("a").known


@BOTH
@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), (("a", 1, (), b"", 5), {}), (("a",), {"path": "b"}), (("a",), {"colour": "red"})],
)
def test_wrong_arguments_are_refused(place: Any, count: Any, values: Any, named: Any) -> None:
    with pytest.raises(TypeError):
        place(*values, **named)


@BOTH
def test_a_field_without_init_takes_no_argument(place: Any, count: Any) -> None:
    with pytest.raises(TypeError):
        count("a", [], True)
    with pytest.raises(TypeError):
        count("a", known=True)


@BOTH
def test_equality_and_hash_go_by_the_compared_fields(place: Any, count: Any) -> None:
    assert place("a", hidden=b"1") == place("a", hidden=b"2")
    assert len({place("a", hidden=b"1"), place("a", hidden=b"2"), place("b")}) == 2
    assert place("a") != ("a", 1, (), b"")
    assert count("a", ["b"]) == count("a", ["b"]) != count("a")
    with pytest.raises(TypeError):
        hash(count("a"))


@BOTH
def test_two_kinds_with_the_same_values_differ(place: Any, count: Any) -> None:
    assert Point(1) != Alone("1")
    assert place("a") != count("a")


def test_the_text_of_a_record_is_that_of_the_standard_library() -> None:
    assert repr(OURS[0]("a", 2, hidden=b"h")) == repr(THEIRS[0]("a", 2, hidden=b"h"))
    assert repr(OURS[1]("a")) == repr(THEIRS[1]("a"))


@BOTH
def test_a_frozen_record_stays_as_it_is(place: Any, count: Any) -> None:
    made = place("a")
    for change in (lambda: setattr(made, "path", "b"), lambda: delattr(made, "path")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    with pytest.raises((AttributeError, TypeError)):
        made.other = 1
    other = count("a")
    other.of = "b"
    assert other.of == "b"


@BOTH
def test_lists_are_not_shared(place: Any, count: Any) -> None:
    one, two = count("a"), count("b")
    one.found.append("x")
    assert two.found == []


@pytest.mark.parametrize("replace", [records.replace, dataclasses.replace])
@BOTH
def test_either_replace_takes_either_record(place: Any, count: Any, replace: Any) -> None:
    assert replace(place("a", 2), line=3) == place("a", 3)
    assert replace(count("a"), found=["b"]).known
    with pytest.raises(TypeError):
        replace(place("a"), colour="red")
    with pytest.raises((TypeError, ValueError)):
        replace(count("a"), known=True)


def test_the_standard_library_knows_the_fields() -> None:
    for ours, theirs in zip(OURS, THEIRS, strict=True):
        assert dataclasses.is_dataclass(ours)
        assert [
            (each.name, each.default, each.default_factory, each.init, each.repr, each.compare)
            for each in dataclasses.fields(ours)
        ] == [
            (each.name, each.default, each.default_factory, each.init, each.repr, each.compare)
            for each in dataclasses.fields(theirs)
        ]
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 0}


def test_the_fields_of_the_standard_library_are_made_once() -> None:
    # They were made at every `dataclasses.replace`, which more than doubled the time of a scan.
    assert Point.__dataclass_fields__ is Point.__dataclass_fields__


@pytest.mark.parametrize("record", [Point(1, 2), Alone("x")])
def test_records_are_copied_and_pickled(record: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(record, protocol)) == record
    assert copy.deepcopy(record) == copy.copy(record) == record


def test_records_are_matched_by_place() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_a_default_that_can_be_changed_is_refused() -> None:
    with pytest.raises(ValueError, match="factory"):

        @records.dataclass(slots=True)
        class _Wrong:
            names: list[str] = []  # noqa: RUF012 - what is tested

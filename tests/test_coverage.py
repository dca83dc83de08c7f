"""What was read adds up, and a gap is never lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from keyleak.coverage import Coverage, Gap, ObjectCounts, merge_gaps

gaps = st.builds(
    Gap,
    st.sampled_from(["a", "b", "c\x1b", "z"]),
    st.sampled_from(["no such file", "unreadable"]),
    st.integers(1, 5),
)
counts = st.builds(ObjectCounts, *[st.integers(0, 99)] * 4)
coverages = st.builds(
    Coverage, st.integers(0, 10**12), st.integers(0, 10**6), counts, st.lists(gaps, max_size=4).map(tuple)
)


def total(found: tuple[Gap, ...]) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for gap in found:
        counted[gap.what, gap.reason] += gap.count
    return counted


def test_a_new_coverage_is_empty_and_complete() -> None:
    assert Coverage().complete
    assert (Coverage().bytes, Coverage().files, Coverage().gaps) == (0, 0, ())
    assert Coverage().objects == ObjectCounts(0, 0, 0, 0)


def test_one_gap_makes_it_incomplete() -> None:
    assert not Coverage(bytes=5, files=1, gaps=(Gap("a", "gone"),)).complete
    assert not (Coverage(files=1) + Coverage(gaps=(Gap("a", "gone"),))).complete


def test_a_gap_stands_for_one_thing_unless_it_says_more() -> None:
    assert Gap("a", "gone").count == 1


@given(left=coverages, right=coverages)
def test_a_sum_holds_all_of_both(left: Coverage, right: Coverage) -> None:
    both = left + right
    assert (both.bytes, both.files) == (left.bytes + right.bytes, left.files + right.files)
    for kind in ("blob", "commit", "tag", "tree"):
        assert getattr(both.objects, kind) == getattr(left.objects, kind) + getattr(right.objects, kind)
    assert both.gaps == left.gaps + right.gaps
    assert both.complete is (left.complete and right.complete)


@given(parts=st.lists(coverages, max_size=5))
def test_an_empty_coverage_changes_no_sum(parts: list[Coverage]) -> None:
    whole = sum(parts, Coverage())
    assert whole + Coverage() == Coverage() + whole == whole


@given(found=st.lists(gaps, max_size=20).map(tuple))
def test_merging_loses_and_invents_no_gap(found: tuple[Gap, ...]) -> None:
    merged = merge_gaps(found)
    assert total(merged) == total(found)
    places = [(gap.what, gap.reason) for gap in merged]
    assert places == sorted(set(places))
    assert merge_gaps(merged) == merged
    assert merge_gaps(reversed(found)) == merged


def test_equal_gaps_are_one_with_their_number() -> None:
    found = [Gap("b", "gone"), Gap("a", "gone"), Gap("b", "gone", 4), Gap("b", "locked")]
    assert merge_gaps(found) == (Gap("a", "gone"), Gap("b", "gone", 5), Gap("b", "locked"))
    assert merge_gaps([]) == ()

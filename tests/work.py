"""How much a piece of work does, counted: no clock, so that it is the same on every machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def calls_of(work: Callable[[], object]) -> int:
    """The calls that some work makes, of Python's functions and of built-in ones."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def growth(work: Callable[[int], object], size: int) -> float:
    """How many times as many calls it takes for a content of twice the size: about 2 where it is linear."""
    work(size // 8)  # what is made once is made by then
    return calls_of(lambda: work(2 * size)) / calls_of(lambda: work(size))

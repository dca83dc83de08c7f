"""Whether a rule's pattern is safe to run over hostile content.

Python's `re` backtracks, so a pattern can take exponential time. The patterns of key bodies need little:
character classes, bounded repeats, alternatives. Everything else is refused when the rule file is read,
judged on the parse tree and not by trying.
"""

from __future__ import annotations

import functools
import re
import warnings
from typing import Any, Final

# The parser behind `re`; it has no public name since `sre_parse` was deprecated in Python 3.11.
from re import _parser as sre  # type: ignore[attr-defined]  # isort: skip

LONGEST_REPEAT: Final = 512
# The number of ways in which the variable repeats of a pattern can share a text; the work of a failed match
# is at most this times the pattern's length.
MOST_WAYS: Final = 20_000
_UNICODE: Final = int(re.UNICODE)


class PatternError(ValueError):
    """A pattern that must not run; its text says why."""


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that does not compile, is unbounded, or can backtrack without limit.

    Raises:
        PatternError: with the reason.
    """
    try:
        with warnings.catch_warnings():
            # A class such as `[[a-z]` or `[a||b]` may mean something else in a later Python.
            warnings.simplefilter("error", FutureWarning)
            tree = sre.parse(pattern)
            re.compile(pattern.encode("ascii"))
    except UnicodeEncodeError:
        raise PatternError("only ASCII can stand in a pattern") from None
    except (re.error, FutureWarning) as error:
        raise PatternError(f"does not compile: {str(error).lower()}") from error
    except (RecursionError, OverflowError) as error:
        raise PatternError(f"does not compile: {type(error).__name__}") from error
    if tree.state.flags & ~_UNICODE:
        # The pattern is put behind prefix words, where flags for the whole of it cannot stand.
        raise PatternError("flags such as (?i) are not allowed; write both cases in a class")
    ways = _ways(tree)
    if ways > MOST_WAYS:
        raise PatternError(
            f"can backtrack in {ways:,} ways (limit {MOST_WAYS:,}); use fewer variable repeats"
        )


def _ways(sequence: Any) -> int:
    product = 1
    for operator, argument in sequence:
        product *= _ways_of(str(operator), argument)
    return product


def _ways_of(operator: str, argument: Any) -> int:
    match operator:
        case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY" | "CATEGORY":
            return 1
        case "SUBPATTERN":
            return _ways(argument[-1])
        case "BRANCH":
            return sum(_ways(branch) for branch in argument[1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _ways_of_repeat(*argument)
        case _:
            name = operator.lower().replace("_", " ")
            raise PatternError(
                f"{name} is not allowed in a pattern (no look-around, anchor or back-reference)"
            )


def _ways_of_repeat(least: int, most: int, body: Any) -> int:
    if most > LONGEST_REPEAT:
        raise PatternError(f"a repeat without bound, or of more than {LONGEST_REPEAT}: write {{m,n}}")
    inner = _ways(body)
    if inner > 1 and most > 1:
        raise PatternError("a variable part inside a repeat can take exponential time; write it as one class")
    return (int(most) - int(least) + 1) * inner


@functools.cache
def widths(pattern: str) -> tuple[int, int]:
    """The fewest and the most characters that a checked pattern matches."""
    least, most = sre.parse(pattern).getwidth()
    return int(least), int(most)

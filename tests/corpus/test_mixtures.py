"""Two cases in one file: each key keeps its issuer or loses it, and never gets another's."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest

from corpus.cases import NO_ISSUER, Case, read_cases
from corpus.test_corpus import reported
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Iterator

PAIRS = 250
# A section goes on to the end of the file.
WITH_SECTIONS = {".ini", ".toml", ".cfg", ".conf"}


def mixtures(seed: int) -> Iterator[Case]:
    """Cases of the same kind of file, two in one, whose keys differ."""
    source = random.Random(seed)
    first, second = ([case for case in read_cases(number) if is_text(case)] for number in (seed, seed + 1000))
    kinds: dict[str, list[int]] = {}
    for index, case in enumerate(first):
        kinds.setdefault(PurePath(case.path).suffix, []).append(index)
    several = [indices for indices in kinds.values() if len(indices) > 1]
    for _ in range(PAIRS):
        one, other = source.sample(source.choice(several), 2)
        above, below = first[one], second[other]
        yield replace(
            above,
            context=f"{above.name} and {below.name}",
            content=above.content + b"\n\n" + below.content,
            planted=above.planted + below.planted,
        )


def is_text(case: Case) -> bool:
    """Whether it is plain text that another may follow."""
    is_open = PurePath(case.path).suffix not in WITH_SECTIONS
    return is_open and b"\0" not in case.content and case.content.isascii()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_file_of_two_gives_no_key_to_the_wrong_issuer(seed: int) -> None:
    inspector = Inspector(load_rulebook())
    wrong = [
        f"{case.context}: {planted.issuer} called {report.issuer}"
        for case in mixtures(seed)
        for report in reported(inspector, case)
        for planted in case.planted
        if planted.value == report.value and report.issuer not in {None, *(planted.labels - NO_ISSUER)}
    ]
    assert not wrong, "\n".join(wrong)

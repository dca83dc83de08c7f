"""Tests, fixtures and examples, where keys are more often made up: one weighs less there, never nothing."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from keyleak.findings import Severity
from keyleak.records import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.findings import Sighting

REMARK: Final = "stands in a test or an example"

_FOLDERS: Final = frozenset(
    {
        "test", "tests", "testing", "__tests__", "testdata", "test-data", "test_data", "spec", "specs",
        "fixture", "fixtures", "__fixtures__", "mock", "mocks", "__mocks__", "e2e", "cypress", "stories",
        "example", "examples", "sample", "samples", "cassettes", "snapshots", "__snapshots__",
    }
)  # fmt: skip
# `test_pay.py`, `pay_test.go`, `pay.spec.ts`, `PayTest.java`, `.env.example`, `settings.sample.yaml`
_NAME: Final = re.compile(
    r"(?:test_|conftest\.).*|.*[_.-](?:test|tests|spec|mock|fixture|stories)\.[A-Za-z]{1,5}|.*Tests?\.[a-z]{2,5}"
    r"|(?:.*[._-])?(?:example|sample|template|dist)(?:[._-].*)?"
)
_LOWERED: Final = {
    Severity.CRITICAL: Severity.HIGH,
    Severity.HIGH: Severity.MEDIUM,
    Severity.MEDIUM: Severity.LOW,
}


def is_example_path(path: str) -> bool:
    """Whether a path names a test, a fixture or an example, by its folders or its file name."""
    *folders, name = path.replace("\\", "/").split("/")
    return any(folder.lower() in _FOLDERS for folder in folders) or _NAME.fullmatch(name) is not None


def lowered_in_examples(sighting: Sighting, roots: Sequence[str] = ()) -> Sighting:
    """The sighting, one step less severe where it stands in a test or an example.

    Args:
        sighting: a key at one place.
        roots: the files and folders that were scanned, as the user named them.
    """
    path, lowered = sighting.location.path, _LOWERED.get(sighting.severity)
    if path is None or lowered is None or not is_example_path(_below_root(path, roots)):
        return sighting
    return replace(sighting, severity=lowered, remark=sighting.remark or REMARK)


def _below_root(path: str, roots: Sequence[str]) -> str:
    """The part of a path that says what a file is, not where somebody keeps the tree.

    A relative root is part of it: `keyleak scan src tests` names folders of a project. One that leads
    elsewhere, absolute or upwards, is not; of a file that was named so only its name is left.
    """
    elsewhere = [root for root in roots if os.path.isabs(root) or os.pardir in root.split(os.sep)]
    for root in sorted(elsewhere, key=len, reverse=True):
        folder = os.path.join(root, "")
        if path.startswith(folder):
            return path[len(folder) :]
        if path == root:
            return os.path.basename(path)
    return path

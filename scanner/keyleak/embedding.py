"""The Python interface for programs that embed keyleak."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.findings import LocationKind
from keyleak.grouping import group_by_secret
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.files import read_paths
from keyleak.sources.inspector import Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.coverage import Coverage
    from keyleak.findings import Finding


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What `scan_paths` found and what it could not read."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    """A result is clean only if `findings` is empty and `coverage.complete` is true."""


def scan_bytes(content: bytes, *, path: str | None = None, rules: Sequence[str] = ()) -> list[Finding]:
    """Every key in a content, one finding for each secret, worst first.

    Args:
        content: text in any encoding, or any other bytes.
        path: a name for the content, used in locations.
        rules: folders with rule files to add to the built-in ones.

    Raises:
        keyleak.errors.RuleError: a rule file is wrong.
    """
    inspector = Inspector(load_rulebook(rules))
    return group_by_secret(inspector.inspect(content, Place(LocationKind.FILE, path)))


def scan_paths(
    paths: Iterable[str | os.PathLike[str]], *, rules: Sequence[str] = (), jobs: int = 1
) -> ScanResult:
    """Every key in files and folders.

    Args:
        paths: files and folders; links on the way are not followed.
        rules: folders with rule files to add to the built-in ones.
        jobs: processes to read with.

    Raises:
        keyleak.errors.RuleError: a rule file is wrong.
        KeyboardInterrupt: the user stopped it.
    """
    inspector = Inspector(load_rulebook(rules))
    reading = read_paths([os.fspath(path) for path in paths], lambda: inspector, jobs=jobs)
    if reading.interrupted:
        raise KeyboardInterrupt
    return ScanResult(tuple(group_by_secret(reading.sightings)), reading.coverage)

"""The Python interface for programs that embed keyleak."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.coverage import Coverage, merge_gaps
from keyleak.findings import LocationKind
from keyleak.grouping import group_by_secret
from keyleak.rulebook.loader import load_rulebook
from keyleak.sources.files import read_paths
from keyleak.sources.inspector import Inspector, Place
from keyleak.sources.projects import FolderProjects
from keyleak.termination import interruption_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.findings import Finding


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What was found and what could not be read."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    """A result is clean only if `findings` is empty and `coverage.complete` is true."""


def scan_bytes(content: bytes, *, path: str | None = None, rules: Sequence[str] = ()) -> list[Finding]:
    """Every key in a content, one finding for each secret, worst first.

    Args:
        content: text in any encoding, or any other bytes.
        path: a name for the content, used in locations.
        rules: folders with rule files to add to the built-in ones.

    What inside the content could not be read, as a locked archive, is told by `scan_content`.

    Raises:
        keyleak.errors.RuleError: a rule file is wrong.
    """
    return list(scan_content(content, path=path, rules=rules).findings)


def scan_content(content: bytes, *, path: str | None = None, rules: Sequence[str] = ()) -> ScanResult:
    """Every key in a content, and what inside it could not be read.

    Args:
        content: text in any encoding, an archive, or any other bytes.
        path: a name for the content, used in locations.
        rules: folders with rule files to add to the built-in ones.

    Raises:
        keyleak.errors.RuleError: a rule file is wrong.
    """
    inspector = Inspector(load_rulebook(rules))
    inspection = inspector.inspect(content, Place(LocationKind.FILE, path))
    coverage = Coverage(len(content), 1, gaps=merge_gaps(inspection.gaps))
    return ScanResult(tuple(group_by_secret(inspection.sightings)), coverage)


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
    roots = [os.fspath(path) for path in paths]
    inspector = Inspector(load_rulebook(rules), projects=FolderProjects(roots))
    reading = read_paths(roots, lambda: inspector, jobs=jobs)
    if reading.interrupted:
        raise interruption_by(reading.interrupted)
    return ScanResult(tuple(group_by_secret(reading.sightings)), reading.coverage)

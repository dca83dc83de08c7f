"""The records of what is known of the project that a content belongs to."""

from __future__ import annotations

from keyleak.records import dataclass


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Names of packages, as a manifest writes them."""

    packages: frozenset[str] = frozenset()
    """What the program needs to run."""
    others: frozenset[str] = frozenset()
    """What its development and tests need, and what it can do without."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one manifest says."""

    name: str
    """What it is called: `package.json`."""
    depends_on: Dependencies


@dataclass(frozen=True, slots=True)
class Project:
    """What a source knows of the project that a content belongs to."""

    manifests: tuple[Manifest, ...] = ()
    """Those of the nearest folder that has any."""
    unread: tuple[str, ...] = ()
    """Manifests there that could not be read, each with the reason."""
    name: str = ""
    """The name of the repository, in lower case: `owner/name` where the owner is known."""


NO_PROJECT = Project()

"""The records of attribution: what speaks for an issuer, from how far away, and what is known beforehand."""

from __future__ import annotations

from enum import Enum

from keyleak.records import dataclass


class Reach(Enum):
    """How far from the key a piece of evidence stands, nearest first. The nearest that decides, decides."""

    GIVEN = "given"
    """The name, header or call that the value is given to."""
    USE = "use"
    """What the variable that holds the value is given to further on."""
    STATEMENT = "statement"
    """The same line or call."""
    BLOCK = "block"
    """The lines around it, or the mapping that holds it."""
    FILE = "file"
    """What the file imports and talks to."""
    MANIFEST = "manifest"
    """What the project depends on."""
    REPOSITORY = "repository"
    """What the project is called."""


# What is said of a project, and so of none of its keys alone.
OF_PROJECT = frozenset({Reach.MANIFEST, Reach.REPOSITORY})


class Kind(Enum):
    """What kind of thing speaks for an issuer."""

    NAME = "name"
    """A variable, key or header by the issuer's own name for its secret."""
    BRAND = "brand"
    """The issuer's name as a part of a longer one: `stripeProdSk`."""
    CALL = "call"
    HOST = "host"
    ONLY_HOST = "only host"
    """The one host that a file talks to."""
    PACKAGE = "package"
    ID = "id"
    """An identifier by the issuer's own prefix: `prj_…`."""
    CARRIER = "carrier"
    """The place of a key in a request: `Authorization: Bearer`, `--api-key`."""
    WORD = "word"
    """The issuer's name alone; supports, never decides."""


# Kinds that no namesake shares.
OWN_KINDS = frozenset({Kind.HOST, Kind.PACKAGE, Kind.ID})


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that speaks for an issuer."""

    issuer: str
    reach: Reach
    distance: int
    """Orders evidence; smaller is nearer to the key."""
    kind: Kind
    line: str
    """What a person can check; holds no content but the issuer's own words."""
    in_use: bool = False
    """Whether it stands in the request that carries the key, or where the variable that holds it is used."""

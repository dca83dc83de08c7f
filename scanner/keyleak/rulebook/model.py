"""What a rule file says, as records (design section 5)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.findings import Environment
from keyleak.records import dataclass
from keyleak.rulebook.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.findings import Severity, Strength

_TELLING_PREFIX: Final = 7


def is_telling(prefix: str) -> bool:
    """Whether a prefix word is rare enough to be searched for alone."""
    return len(prefix) >= _TELLING_PREFIX


class FoundBy(Enum):
    """What makes the scanner look for a key."""

    PREFIX = "prefix"
    """One of the prefix words; the shape says whether it is reported."""
    CONTEXT = "context"
    """A prefix word that others use too: reported where something gives the key to its issuer.

    A word too short to be telling (`sk_`) is searched for together with the first 16 characters of a body,
    none of which is an underscore.
    """
    ASSIGNMENT = "assignment"
    """A value of any shape, given to a name, header or call of the issuer."""


_ENVIRONMENTS: Final = {
    "live": Environment.LIVE,
    "prod": Environment.LIVE,
    "test": Environment.TEST,
    "dev": Environment.TEST,
    "sbox": Environment.TEST,
    "sandbox": Environment.TEST,
    "hackathon": Environment.TEST,
}


class EnvironmentRule(Enum):
    """Where the environment of a key comes from."""

    BY_PREFIX = "by-prefix"
    LIVE = "live"
    TEST = "test"
    UNKNOWN = "unknown"

    def of(self, prefix: str) -> Environment:
        """The environment of a key with this prefix word."""
        if self is not EnvironmentRule.BY_PREFIX:
            return Environment(self.value)
        words = prefix.split("_")
        return next((_ENVIRONMENTS[word] for word in words if word in _ENVIRONMENTS), Environment.UNKNOWN)


@dataclass(frozen=True, slots=True)
class KeyRule:
    """One shape of key."""

    id: str
    """Unique over all rule files."""
    issuer: str
    description: str
    found_by: FoundBy
    prefixes: tuple[str, ...]
    """Literal words a key begins with; empty for `assignment`."""
    pattern: str
    """Regular expression of what follows the prefix: bounded, no groups, no look-around."""
    environment: EnvironmentRule
    strength: Strength
    min_entropy: float
    """Shannon entropy of the body in bits per character below which it is no key."""
    severity: Mapping[Environment, Severity]
    examples: tuple[str, ...]
    """Templates (see `keyleak.rulebook.template`) that must match."""
    counter_examples: tuple[str, ...]
    """Templates that must not."""
    decodes_to: str | None = None
    """Regular expression that the base64-decoded body must match."""
    names: tuple[str, ...] = ()
    """Of a key found by assignment: names whose values are of this kind, whatever else speaks of the issuer;
    without any, the kind of every value that no other claims. Of one found by context: the names to which
    alone it may be given."""
    file: str = ""
    line: int = 0
    provenance: Provenance = Provenance.REPOSITORY
    """Who chose the file; a record that does not say so is trusted with nothing."""


@dataclass(frozen=True, slots=True)
class Context:
    """Words around a key that name its issuer."""

    names: tuple[str, ...] = ()
    """Variables, environment and JSON keys; matched without regard to case, `_` and `-`."""
    headers: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    """SDK calls up to their opening bracket, `new Flora(`."""
    ids: tuple[str, ...] = ()
    """Prefixes of the issuer's identifiers, `prj_`."""
    weak: tuple[str, ...] = ()
    """Words that support a strong signal, never decide."""
    veto: tuple[str, ...] = ()
    """Words of namesakes: with one of them beside it, the key is not this issuer's."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A key that its vendor publishes: never a leak. Kept as a hash, for this file is scanned too."""

    sha256: str
    """Of the body, the part after the prefix word."""
    note: str
    """Where it is published."""
    length: int | None = None
    """Set where longer bodies that begin with the sample are samples as well."""


@dataclass(frozen=True, slots=True)
class VerdictRule:
    """One row of a liveness table: an answer and what it means."""

    status: int
    verdict: str
    json: Mapping[str, tuple[str, ...]]
    """Dotted path in the JSON answer to its permitted values; `*` means present, a `*` at the end any ending.

    Without any the answer must still be a JSON object.
    `[]` behind a name stands for every element of that list, which may be empty: `workspaces[].role`.
    """


@dataclass(frozen=True, slots=True)
class Reach:
    """What a live key's answer says of how far the key reaches."""

    list: str
    """Name of the list in the answer with one element for each thing that is reached."""
    unit: str
    """What one of them is called: `workspace`."""
    id: str
    """The element's field that names it."""
    role: str | None = None
    """The element's field that says in which role the key acts there."""
    one_active_key: bool = False
    """Whether the issuer allows each of them one active key only."""


@dataclass(frozen=True, slots=True)
class VerifyCall:
    """The one read-only request that tells whether a key lives."""

    method: str
    url: str
    auth: str
    """`bearer`, `basic-user` (the key as user name, no password) or `header:NAME`."""
    verdicts: tuple[VerdictRule, ...]
    requests_per_second: float
    keys: tuple[str, ...]
    """Ids of the keys that the call speaks of; no other is ever sent."""
    at_once: int = 2
    """Most requests that are under way to its host."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers that the issuer asks for, such as the version of its interface."""
    request_id: str | None = None
    """The header by which the issuer's support finds a request; its name, in lower case."""
    reach: Reach | None = None
    capabilities: tuple[str, ...] = ()
    """What the issuer documents that such a key can do; told of live keys, never probed."""

    @property
    def can_do(self) -> str:
        """The capabilities in one sentence, marked as documented; empty where the rules do not say."""
        if not self.capabilities:
            return ""
        return f"What it can do (documented, not probed): {'; '.join(self.capabilities)}"


@dataclass(frozen=True, slots=True)
class Runbook:
    """How an issuer's key is rotated and revoked."""

    rotate: tuple[str, ...]
    revoke_url: str
    support: str
    notes: tuple[str, ...]
    agents: str | None = None
    """How a coding agent reaches the issuer without a key, where it can."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """One rule file."""

    issuer: str
    name: str
    homepage: str
    docs: str
    keys: tuple[KeyRule, ...]
    context: Context
    verify: VerifyCall | None
    runbook: Runbook | None
    samples: tuple[Sample, ...]
    anonymous: bool = False
    """True for the family file: its keys have no known issuer."""
    namesakes: bool = False
    """True where others are called the same: then its name alone is not always enough."""
    common_word: bool = False
    """True where its name is an ordinary word: then it says nothing as a part of a longer name."""
    provenance: Provenance = Provenance.REPOSITORY
    """Who chose the file; a record that does not say so is trusted with nothing."""

    @property
    def trusted_verify(self) -> VerifyCall | None:
        """How its keys may be asked about; None where the file came with a repository, whatever it says."""
        return self.verify if self.provenance.is_trusted else None


@dataclass(frozen=True, slots=True)
class PlaceholderWords:
    """Words that make a key-shaped text a placeholder or an identifier."""

    decisive: frozenset[str]
    """One of these as a part of its own settles it: `example`, `your`."""
    plain: frozenset[str]
    """Dictionary words; a body made of them is no key."""
    short: frozenset[str]
    """Words of one to three letters, counted only inside long runs of letters."""
    starts: tuple[str, ...]
    """Beginnings of placeholder bodies."""
    fragments: tuple[str, ...]
    """Runs that nobody draws by chance, anywhere in a body."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rule files together."""

    issuers: tuple[Issuer, ...]
    placeholders: PlaceholderWords
    sha256: str
    """Of everything read, for reports and caches."""

    @property
    def keys(self) -> tuple[KeyRule, ...]:
        """Every key rule, in order of its file."""
        return tuple(key for issuer in self.issuers for key in issuer.keys)

    def issuer(self, name: str) -> Issuer | None:
        """The issuer of that id."""
        return next((issuer for issuer in self.issuers if issuer.issuer == name), None)

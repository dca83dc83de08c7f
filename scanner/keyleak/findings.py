"""The records of a scan: what was found, where it stands, whose it is. Nothing here does anything."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from keyleak.records import dataclass

if TYPE_CHECKING:
    from keyleak.secret import Secret


class Severity(Enum):
    """How bad a finding is, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Environment(Enum):
    """Which of an issuer's two worlds a key opens, as its prefix says."""

    LIVE = "live"
    TEST = "test"
    UNKNOWN = "unknown"


class Strength(Enum):
    """How much the shape of a key's body says about its issuer."""

    DECISIVE = "decisive"
    STRONG = "strong"
    WEAK = "weak"


class Confidence(Enum):
    """How sure an attribution is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


class AttributionVerdict(Enum):
    """Whether the evidence names one issuer, several, or none."""

    ATTRIBUTED = "attributed"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


class Status(Enum):
    """What the decisions said of a finding."""

    NEW = "new"
    BASELINED = "baselined"
    ALLOWED = "allowed"


class VerificationVerdict(Enum):
    """What an issuer answered, where it was asked."""

    NOT_CHECKED = "not-checked"
    LIVE = "live"
    LIVE_RESTRICTED = "live-restricted"
    NOT_ACCEPTED = "not-accepted"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class LocationKind(Enum):
    """What kind of thing a key stands in."""

    FILE = "file"
    INDEX = "index"
    BLOB = "blob"
    COMMIT_MESSAGE = "commit-message"
    TAG_MESSAGE = "tag-message"
    NOTE = "note"
    IDENTITY = "identity"
    REF_NAME = "ref-name"
    PATH_NAME = "path-name"
    REFLOG = "reflog"
    STASH = "stash"
    GIT_CONFIG = "git-config"
    STDIN = "stdin"


@dataclass(frozen=True, slots=True)
class Location:
    """One place where a key stands."""

    kind: LocationKind
    path: str | None
    """Path as the user would write it; undecodable bytes are surrogate-escaped (PEP 383)."""
    line: int
    """1-based line."""
    column: int
    """1-based, in bytes of the line; in UTF-16 content, in code units."""
    offset: int
    """0-based byte offset of the key in the content; orders locations, not part of the report."""
    blob: str | None = None
    commit: str | None = None
    refs: tuple[str, ...] = ()
    decoded: tuple[str, ...] = ()
    """Steps that undid an encoding, outermost first."""
    container: tuple[str, ...] = ()
    """Names inside a container, outermost first."""
    more_paths: int = 0
    """Where this is no path of its own: how many further ones the same content has, too many to list."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An issuer that a key may belong to, and why."""

    issuer: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose key it is, as far as the evidence goes."""

    verdict: AttributionVerdict
    confidence: Confidence
    evidence: tuple[str, ...]
    """Each a line that a person can check; never holds content other than names from the rules."""
    candidates: tuple[Candidate, ...] = ()
    by_project: bool = False
    """Whether nothing in the content names the issuer, only what its project depends on: enough for a report
    that a person reads, not for sending the key. Not part of the JSON report."""

    @property
    def issuer(self) -> str | None:
        """The one issuer, where there is one."""
        if self.verdict is AttributionVerdict.ATTRIBUTED:
            return self.candidates[0].issuer
        return None


@dataclass(frozen=True, slots=True)
class Verification:
    """What an issuer said of a key."""

    verdict: VerificationVerdict = VerificationVerdict.NOT_CHECKED
    host: str | None = None
    request_id: str | None = None
    checked_at: str | None = None
    detail: str | None = None


class Standing(Enum):
    """How far a key got, the farthest first, as the report's `exposure` names it."""

    PUSHED = "pushed"
    """A remote-tracking ref reaches it: a server has it, and whoever cloned from there."""
    UNPUSHED = "unpushed"
    """Only local branches do, in a repository with a remote."""
    STASHED = "stash-only"
    STAGED = "staged-only"
    """It is in the index, and in no commit that a ref reaches."""
    UNREACHABLE = "unreachable"
    """No ref reaches it: the object database alone has it."""


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """The first commit that held a key."""

    commit: str | None
    date: str | None
    path: str | None
    line: int | None
    author: str | None = None
    """The name of its author; never an address."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A comment beside a key that asks not to report it."""

    tool: str
    """Whose marker it is: `keyleak`, `gitleaks`, `detect-secrets`, `trufflehog`, `kingfisher`."""
    words: str
    """As it is written there."""
    rules: tuple[str, ...] = ()
    """The rules or issuers it names; empty for all."""
    reason: str | None = None
    """What its author wrote behind it; content, so it is masked before anybody sees it."""
    problem: str | None = None
    """Why it counts nowhere, whatever key stands there: how it is spelled, or where."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One key at one place: what sources hand on and grouping gathers."""

    secret: Secret
    rule: str
    environment: Environment
    severity: Severity
    attribution: Attribution
    location: Location
    excerpt: str
    """The line around the key, every key in it masked already."""
    remark: str | None = None
    """Why this place weighs less, if it does: `git ignores this file`."""
    first_seen: FirstSeen | None = None
    """Where history says it came from."""
    at_head: bool | None = None
    """Whether HEAD still has this place; None outside history."""
    standing: Standing | None = None
    """How far this place got, where the refs say so."""
    markers: tuple[Marker, ...] = ()
    """Comments beside the key that ask not to report it; whether they count is decided later."""
    in_pieces: bool = False
    """Whether where it ends is not certain: it was put together of pieces, or may go on behind its end."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a key-shaped text was or was not reported."""

    location: Location
    redacted: str
    reported: bool
    verdict: str
    """One line: whose it was taken for, or what keeps it from being a key."""
    considered: tuple[str, ...] = ()
    """Each piece of evidence that was weighed, nearest first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One secret, with every place it stands."""

    id: str
    """Keyed fingerprint (see `keyleak.secret.fingerprint`)."""
    rule: str
    """That of its weightiest place."""
    issuer: str | None
    environment: Environment
    severity: Severity
    secret: Secret
    attribution: Attribution
    locations: tuple[Location, ...]
    excerpts: tuple[str, ...] = ()
    """The masked line of each location, in the same order; shown to people, not part of the JSON report."""
    markers: tuple[tuple[Marker, ...], ...] = ()
    """The markers beside each location, in the same order; not part of the JSON report."""
    status: Status = Status.NEW
    reason: str | None = None
    """Why the status or the severity is what it is, where that is not plain."""
    verification: Verification = Verification()
    exposure: tuple[str, ...] = ()
    first_seen: FirstSeen | None = None
    age_days: int | None = None
    at_head: bool | None = None
    other_rules: frozenset[str] = frozenset()
    """Rules by which other places of it were found; not part of the JSON report."""
    in_pieces: bool = False
    """Whether it is put together of pieces at each of its places; not part of the JSON report."""

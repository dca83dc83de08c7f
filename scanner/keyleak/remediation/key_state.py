"""Where a key is, and so what is to be done: the less it has spread, the less has to change."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.findings import LocationKind
from keyleak.remediation.survey import SERVER_REFS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyleak.findings import Finding, Location

_HEADS: Final = "refs/heads/"
_REMOTES: Final = "refs/remotes/"
_TAGS: Final = "refs/tags/"
_STASHES: Final = ("refs/stash", "stash@{")
_NAMED: Final = 4
# Archives that registries of packages take.
_PACKAGES: Final = (
    ".whl",
    ".egg",
    ".tar.gz",
    ".tgz",
    ".gem",
    ".jar",
    ".nupkg",
    ".crate",
    ".deb",
    ".rpm",
    ".apk",
)


class Spread(Enum):
    """How far a key got, from the least to the most."""

    FILES = "in files of the work tree"
    STAGED = "staged, in no commit"
    UNREACHABLE = "in objects that no ref reaches, which no clone gets"
    STASHED = "in the stash, which is never pushed"
    LOCAL = "in commits that were never pushed"
    UNRECORDED = "in commits of a repository without a remote, where nothing records who has a copy"
    TAGGED = "in tags, of which this clone does not record whether they were pushed"
    REQUESTED = "in refs of pull or merge requests, which only the server can change"
    PUSHED = "in commits that a server has"


_PUBLISHED: Final = frozenset({Spread.UNRECORDED, Spread.TAGGED, Spread.REQUESTED, Spread.PUSHED})


@dataclass(frozen=True, slots=True)
class KeyState:
    """Where one key is."""

    refs: Mapping[Spread, tuple[str, ...]]
    """For each way in which it is there the refs that have it; none for files, the index and lost objects."""
    packages: tuple[str, ...] = ()
    """Names of archives with it that are made to be published."""

    @property
    def is_published(self) -> bool:
        """Whether somebody else has it, or may have it."""
        return bool(self.packages) or not _PUBLISHED.isdisjoint(self.refs)

    def described(self) -> Iterator[str]:
        """One line for each way, the furthest first."""
        if self.packages:
            yield f"in packages, which a registry may have{_named(self.packages)}"
        for spread in reversed(Spread):
            if spread in self.refs:
                yield f"{spread.value}{_named(self.refs[spread])}"


def state_of(finding: Finding, *, is_server: bool, has_remote: bool) -> KeyState:
    """Where a key is, by the refs that reach its places.

    Args:
        finding: the key, with the places that files and history gave it.
        is_server: whether the repository is a bare one, whose branches others fetch.
        has_remote: whether it has a remote at all; without one, nothing records what others have.
    """
    meant = {}
    if is_server:  # others fetch its branches
        meant = {Spread.LOCAL: Spread.PUSHED}
    elif not has_remote:
        meant = {Spread.LOCAL: Spread.UNRECORDED, Spread.TAGGED: Spread.UNRECORDED}
    refs: dict[Spread, dict[str, None]] = defaultdict(dict)
    for place in finding.locations:
        for spread, ref in _spreads(place):
            refs[meant.get(spread, spread)].update({ref: None} if ref else {})
    paths = (place.path for place in finding.locations if place.container and place.path)
    packages = sorted({path.rpartition("/")[2] for path in paths if path.lower().endswith(_PACKAGES)})
    return KeyState({spread: tuple(refs[spread]) for spread in Spread if spread in refs}, tuple(packages))


def _spreads(place: Location) -> Iterator[tuple[Spread, str]]:
    if place.kind is LocationKind.INDEX:
        yield Spread.STAGED, ""
    elif place.kind is LocationKind.FILE and place.blob is None and place.commit is None:
        yield Spread.FILES, ""
    elif not place.refs:
        yield Spread.UNREACHABLE, ""
    elif any(ref.startswith(_REMOTES) for ref in place.refs):
        yield from ((Spread.PUSHED, ref) for ref in place.refs if ref.startswith(_REMOTES))
    else:
        yield from ((_spread_by(ref), ref) for ref in place.refs)


def _spread_by(ref: str) -> Spread:
    if ref.startswith(_STASHES):
        return Spread.STASHED
    if SERVER_REFS.match(ref):
        return Spread.REQUESTED
    return Spread.TAGGED if ref.startswith(_TAGS) else Spread.LOCAL


def _named(refs: Sequence[str]) -> str:
    if not refs:
        return ""
    short = [_short(ref) for ref in refs[:_NAMED]]
    more = len(refs) - _NAMED
    return f": {', '.join(short)}{f' and {more:,} more' if more > 0 else ''}"


def _short(ref: str) -> str:
    for start in (_HEADS, _REMOTES, _TAGS):
        ref = ref.removeprefix(start)
    return ref


def stashes_of(findings: Iterable[Finding]) -> tuple[int, ...]:
    """Numbers of the stash entries that hold a key, the highest first: dropping one renumbers those above."""
    names = {ref for finding in findings for place in finding.locations for ref in place.refs}
    numbers = {0 if ref == "refs/stash" else int(ref[7:-1]) for ref in names if ref.startswith(_STASHES)}
    return tuple(sorted(numbers, reverse=True))

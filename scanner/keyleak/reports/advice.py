"""What to do about a key, which depends on how far it got: stopped by a hook, published, or of no use."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.findings import LocationKind, Standing, VerificationVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.findings import Finding
    from keyleak.reports.report import Scan
    from keyleak.rulebook.model import Runbook

# What an issuer's runbook says where there is no page to revoke at.
_WEB: Final = "https://"


class Reach(Enum):
    """How far what was scanned got."""

    STAGED = "staged"
    """It was about to be recorded by a commit."""
    UNPUSHED = "unpushed"
    """It was about to be pushed."""
    OUT = "out"
    """Anything else: whoever can read it has the key."""


class Advice(NamedTuple):
    """What to do now."""

    steps: tuple[str, ...]
    """The most urgent first."""
    url: str = ""
    """A page that one of them needs; empty where there is none."""
    url_step: int = 0
    """Which one, from 0."""
    url_label: str = "Revoke it at"


_TAKE_OUT: Final[Mapping[Reach, str]] = {
    Reach.STAGED: "Take the key out, into your secrets manager or environment, and commit again: it was not"
    " recorded.",
    Reach.UNPUSHED: "Take the key out of the commits that are not pushed yet (git commit --amend, git rebase"
    " -i), and push again: this push was stopped.",
}
# What history says of a key that no server has.
_AT_HOME: Final[Mapping[str, str]] = {
    Standing.UNPUSHED.value: "Take the key out of the commits that no remote has yet (git commit --amend, git"
    " rebase -i) before you push them.",
    Standing.STAGED.value: "It is staged: take it out, into your secrets manager or environment, before you"
    " commit.",
    Standing.STASHED.value: "Keep elsewhere what you need of the stash that holds it, without the key, and"
    " drop the stash (git stash drop).",
}
_NEVER_COMMITTED: Final = (
    "It is in an object that no commit here has, as `git add` leaves one: keep it out of files, and drop the"
    " object (git gc --prune=now)."
)
_IF_IT_WAS_OUT: Final = "Rotate it if it was ever pushed or shared; otherwise it need not be."
_NOT_ACCEPTED: Final = (
    (
        "Its issuer does not accept the key: it was revoked, mistyped or never issued, so nothing is left to"
        " revoke."
    ),
    "Take it out, and see that whatever used it has a key that works.",
)


def reach_of(scan: Scan) -> Reach:
    """How far what was scanned got."""
    if scan.stage is not None:
        return Reach.UNPUSHED
    return Reach.STAGED if scan.kind == "staged" else Reach.OUT


def never_committed(finding: Finding) -> bool:
    """Whether only objects have the key that no tree names: it was staged once, or stopped by a hook."""
    return Standing.UNREACHABLE.value in finding.exposure and all(
        place.kind is LocationKind.BLOB and place.path is None for place in finding.locations
    )


def advice_on(finding: Finding, runbook: Runbook | None, reach: Reach) -> Advice:
    """What to do about a key.

    Args:
        finding: the key.
        runbook: of its issuer, or what holds for any key.
        reach: how far it got.
    """
    if finding.verification.verdict is VerificationVerdict.NOT_ACCEPTED:
        return Advice(_NOT_ACCEPTED)
    url = runbook.revoke_url if runbook and runbook.revoke_url.startswith(_WEB) else ""
    at_home = next((_AT_HOME[word] for word in finding.exposure if word in _AT_HOME), None)
    if never_committed(finding):
        at_home = _NEVER_COMMITTED
    if take_out := _TAKE_OUT.get(reach, at_home):
        return Advice((take_out, _IF_IT_WAS_OUT), url, 1, "Rotate it, if need be, at")
    return Advice(runbook.rotate if runbook else (), url)

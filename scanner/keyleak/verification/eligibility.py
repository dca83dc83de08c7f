"""Which keys may be sent to their issuer, and why the others may not.

A 401 from the wrong company is a disclosure and proves nothing, so doubt of any kind means that nothing is
sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.findings import AttributionVerdict, Strength
from keyleak.matching.anchors import anchors_of
from keyleak.matching.matcher import Matcher
from keyleak.matching.re_engine import ReEngine

if TYPE_CHECKING:
    from keyleak.findings import Attribution, Finding
    from keyleak.rulebook.model import Issuer, Rulebook, VerifyCall
    from keyleak.secret import Secret


_IN_PIECES: Final = (
    "it was put together of pieces, or goes on behind what was found: an answer about another value says "
    "nothing of it; `keyleak verify --stdin` asks about a key that is typed in"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a key is not sent."""

    reason: str


class Eligibility:
    """Decides by the evidence and the rules. Holds compiled rules only."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        # A few keys are looked at, each alone: compiling for Hyperscan would take longer than that.
        self._matcher = Matcher(rulebook, ReEngine(anchors_of(rulebook)))

    def issuer_to_ask(self, finding: Finding) -> Issuer | Refusal:
        """The one issuer that may be shown the key of a finding, or why there is none."""
        issuer = self._rulebook.issuer(finding.attribution.issuer or "")
        if finding.attribution.verdict is not AttributionVerdict.ATTRIBUTED or issuer is None:
            return Refusal(_nobody(finding.attribution))
        doubt = _doubt(finding, issuer) or self._doubt(finding.secret, issuer)
        return issuer if doubt is None else Refusal(doubt)

    def _doubt(self, secret: Secret, issuer: Issuer) -> str | None:
        """What the key itself says against sending it."""
        key = secret.reveal()
        if not key.isascii() or not key.decode("ascii").isprintable():
            return "it holds characters that no key has"
        for rejection in self._matcher.rejections(key):
            return f"it is no key: {rejection.reason}"
        for match in self._matcher.match(key):
            owners = {rule.issuer: rule.id for rule in match.shapes if rule.strength is not Strength.WEAK}
            if owners and issuer.issuer not in owners:
                return f"its body has the shape of another issuer's keys ({', '.join(owners.values())})"
        return None


def _doubt(finding: Finding, issuer: Issuer) -> str | None:
    """What the rules and the places of a key say against sending it."""
    if finding.in_pieces:
        return _IN_PIECES
    if finding.attribution.by_project:
        return f"only what the project depends on names {issuer.name}"
    if not issuer.provenance.is_trusted:
        return f"the rules of {issuer.name} came with a repository, which names no host for keys"
    if issuer.verify is None:
        return f"no request that is safe to send is known for {issuer.name}"
    if kinds := _not_spoken_of(issuer, issuer.verify, finding):
        return f"it may be of a kind that is never sent to {issuer.name}: {', '.join(kinds)}"
    return None


def _nobody(attribution: Attribution) -> str:
    if attribution.verdict is AttributionVerdict.AMBIGUOUS:
        names = ", ".join(candidate.issuer for candidate in attribution.candidates)
        return f"whose key it is, is ambiguous ({names}); a key is shown to its own issuer only"
    return "whose key it is, is not known; a key is shown to its own issuer only"


def _not_spoken_of(issuer: Issuer, call: VerifyCall, finding: Finding) -> list[str]:
    """Rules of a finding that the call says nothing of; one place that speaks of another kind is enough."""
    own = finding.other_rules.intersection(key.id for key in issuer.keys)
    return sorted({finding.rule, *own} - set(call.keys))

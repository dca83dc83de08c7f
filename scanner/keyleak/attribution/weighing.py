"""Weighing: the nearest evidence that decides, decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import OF_PROJECT, OWN_KINDS, Kind, Reach
from keyleak.findings import Attribution, AttributionVerdict, Candidate, Confidence, Strength
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyleak.attribution.evidence import Evidence
    from keyleak.attribution.signals import Signals
    from keyleak.rulebook.model import KeyRule

_UNKNOWN: Final = "neither the body nor anything near it names an issuer"
_AT_KEY: Final = frozenset({Reach.GIVEN, Reach.USE, Reach.STATEMENT})
_NEAR: Final = _AT_KEY | {Reach.BLOCK}
_MOST_LINES: Final = 3
_DECIDING: Final = frozenset({Kind.NAME, Kind.CALL, Kind.HOST, Kind.ONLY_HOST, Kind.PACKAGE, Kind.ID})


@dataclass(frozen=True, slots=True)
class Bodies:
    """What the shape of a body says, by issuer; each value is the rule's id."""

    decisive: Mapping[str, str]
    strong: Mapping[str, str]
    telling: Mapping[str, str]
    """Shapes that few keys of the family have, decisive and strong ones included."""
    fitting: Mapping[str, str]
    """Any shape with a prefix, open ones included."""
    assigned: frozenset[str]
    """Issuers that are the only ground on which the key was found."""


def bodies_of(shapes: Sequence[KeyRule], is_open: Mapping[str, bool]) -> Bodies:
    """What the shapes of a match say.

    Args:
        shapes: the rules whose shape it has, of issuers that are not vetoed.
        is_open: of each rule by id, whether it fits nearly every body.
    """
    rules = [rule for rule in shapes if rule.prefixes]
    return Bodies(
        decisive={rule.issuer: rule.id for rule in rules if rule.strength is Strength.DECISIVE},
        strong={rule.issuer: rule.id for rule in rules if rule.strength is Strength.STRONG},
        telling={rule.issuer: rule.id for rule in rules if not is_open[rule.id]},
        fitting={rule.issuer: rule.id for rule in rules},
        assigned=frozenset(rule.issuer for rule in shapes if not rule.prefixes),
    )


@dataclass(frozen=True, slots=True)
class Scales:
    """Everything that is weighed for one key."""

    bodies: Bodies
    evidence: Sequence[Evidence]
    """Of issuers that are not vetoed, in the order in which it was gathered."""
    signals: Mapping[str, Signals]
    generic_name: bool = True
    """Whether its name could be anybody's and its statement goes nowhere else, else its file says nothing."""
    only_key: bool = True
    """Whether it is the only key of its file or in a request, else the file may speak of another."""
    knows_project: bool = True
    """Whether all manifests of its project were read, else what they say is not all there is."""

    def weigh(self) -> Attribution:
        """The attribution."""
        if len(self.bodies.decisive) == 1:
            return self._decided_by_body(*self.bodies.decisive.items())
        for distance in sorted({each.distance for each in self.evidence}):
            found = self._weigh_at(distance)
            if found:
                return found
        return self._undecided({each.issuer for each in self.evidence if self._speaks(each)})

    def _decided_by_body(self, decisive: tuple[str, str]) -> Attribution:
        issuer, rule = decisive
        shown = self.signals[issuer].display
        lines = [f"the body has the shape that only {shown} uses ({rule})"]
        lines += [
            f"but {each.line}"
            for each in self.evidence
            if each.issuer != issuer and each.reach is Reach.GIVEN and each.kind in {Kind.NAME, Kind.CALL}
        ]
        return _attributed(issuer, Confidence.HIGH, lines)

    def _weigh_at(self, distance: int) -> Attribution | None:
        """The answer of the evidence at one distance, if it has one."""
        there = [each for each in self.evidence if each.distance == distance and self._speaks(each)]
        plain = {each.issuer for each in there if each.kind in _DECIDING}
        speaking = plain or {each.issuer for each in there if each.kind is Kind.BRAND}
        deciding = {issuer for issuer in speaking if self._decides(issuer, distance)}
        if not speaking or not (deciding or len(speaking) > 1):
            return None
        near = there[0].reach in _AT_KEY
        if len(speaking if near else deciding) != 1:
            return self._undecided(speaking) if near or deciding else None
        (issuer,) = deciding
        rivals = self._rivals_in_use(issuer) if there[0].reach is Reach.GIVEN else set()
        if rivals:
            return self._undecided({issuer, *rivals})
        others = set(self.bodies.strong) - {issuer}
        if others and issuer not in self.bodies.strong:
            return self._undecided({issuer})
        if there[0].reach is Reach.FILE and issuer not in self.bodies.telling and len(speaking) > 1:
            return self._undecided(speaking)
        reach = there[0].reach
        found = _attributed(issuer, self._confidence(issuer, reach), self._lines(issuer, distance))
        return replace(found, by_project=True) if reach in OF_PROJECT else found

    def _rivals_in_use(self, issuer: str) -> set[str]:
        """Issuers that a key is used with, where it is never used with the one that it is named after."""
        if any(each.kind is Kind.CALL and each.reach is Reach.GIVEN for each in self.evidence):
            return set()
        used = {each.issuer for each in self.evidence if _is_use(each) and self._may_be(each.issuer)}
        return set() if issuer in used else used

    def _speaks(self, evidence: Evidence) -> bool:
        """Whether a piece of evidence may make its issuer a candidate."""
        if evidence.kind in _DECIDING:
            return evidence.reach in _AT_KEY or self._may_be(evidence.issuer)
        if evidence.kind is Kind.BRAND:
            return self._is_named(evidence.issuer)
        return evidence.kind is Kind.WORD and evidence.issuer in self.bodies.telling

    def _is_named(self, issuer: str) -> bool:
        """Whether its name is enough: nobody else is called so, or the body is one that few others have."""
        return issuer in self.bodies.telling or (
            self.signals[issuer].brands_names and issuer in self.bodies.fitting
        )

    def _may_be(self, issuer: str) -> bool:
        return issuer in self.bodies.fitting or issuer in self.bodies.assigned

    def _decides(self, issuer: str, distance: int) -> bool:
        """Whether an issuer's evidence up to a distance is enough."""
        there = [each for each in self.evidence if each.issuer == issuer and each.distance == distance]
        if there[0].reach in OF_PROJECT:
            return self._decides_by_project(issuer, {each.kind for each in there})
        is_near = there[0].reach in _NEAR
        if self.signals[issuer].namesakes:
            of_file = self.generic_name and self.only_key
            return self._has_two_signals(issuer, distance) and (of_file or is_near)
        kinds = {each.kind for each in there}
        match there[0].reach:
            case Reach.GIVEN:
                return bool(kinds & {Kind.NAME, Kind.CALL}) or self._is_named(issuer)
            case Reach.USE | Reach.STATEMENT:
                return bool(kinds & _DECIDING) or (Kind.BRAND in kinds and self._is_named(issuer))
            case Reach.BLOCK:
                return issuer in self.bodies.telling or bool(kinds & {Kind.HOST, Kind.PACKAGE, Kind.CALL})
            case _:
                by_body = issuer in self.bodies.telling and (self.only_key or len(self.bodies.telling) == 1)
                by_host = self.only_key and Kind.ONLY_HOST in kinds
                return self.generic_name and (by_body or by_host)

    def _decides_by_project(self, issuer: str, kinds: set[Kind]) -> bool:
        """Whether a project's word for an issuer is enough: it names one service of those that it uses.

        So the body has to be one that hardly anybody else's keys have, and nothing may point elsewhere.
        """
        # Beside the key even a name whose keys look different is a reason to doubt.
        pointed = {each.issuer for each in self.evidence if each.reach in _NEAR or self._speaks(each)}
        others = pointed - {issuer}
        sure = self.knows_project and self.generic_name and issuer in self.bodies.strong
        return sure and not others and Kind.PACKAGE in kinds

    def _has_two_signals(self, issuer: str, distance: int) -> bool:
        """The issuer's name for its key; else two things, one of which no namesake has.

        A call that the key is given to is one of them, and what confirms it may stand anywhere in the file
        or the project: imports do.
        """
        every = [each for each in self.evidence if each.issuer == issuer]
        near = [each for each in every if each.distance <= distance]
        given = {each.kind for each in near if each.reach in {Reach.GIVEN, Reach.USE}}
        if Kind.NAME in given:
            return True
        kinds = {each.kind for each in (every if Kind.CALL in given else near)} - {Kind.ONLY_HOST}
        return bool(kinds & OWN_KINDS) and len(kinds) > 1

    def _confidence(self, issuer: str, reach: Reach) -> Confidence:
        if reach in _AT_KEY:
            return Confidence.HIGH if issuer in self.bodies.fitting else Confidence.MEDIUM
        return Confidence.MEDIUM if reach is Reach.BLOCK else Confidence.LOW

    def _lines(self, issuer: str, distance: int) -> list[str]:
        """What decided, and the body's shape."""
        own = [each for each in self.evidence if each.issuer == issuer]
        lines = dict.fromkeys(
            each.line
            for each in own
            if each.distance <= distance or (self.signals[issuer].namesakes and each.kind in OWN_KINDS)
        )
        shape = self.bodies.telling.get(issuer) or self.bodies.fitting.get(issuer)
        return [*list(lines)[:_MOST_LINES], *([f"the body has the shape of {shape}"] if shape else [])]

    def _undecided(self, issuers: set[str]) -> Attribution:
        reasons: dict[str, dict[str, None]] = {}
        for each in self.evidence:
            if each.issuer in issuers and each.kind is not Kind.CARRIER:
                reasons.setdefault(each.issuer, {})[each.line] = None
        for issuer, rule in self.bodies.strong.items():
            reasons.setdefault(issuer, {})[f"the body has the shape of {rule}"] = None
        if not reasons:
            return Attribution(AttributionVerdict.UNKNOWN, Confidence.NONE, (_UNKNOWN,))
        candidates = tuple(Candidate(issuer, tuple(why)) for issuer, why in sorted(reasons.items()))
        summary = (
            "the evidence names several issuers"
            if len(candidates) > 1
            else "what points to an issuer is not enough to decide"
        )
        return Attribution(AttributionVerdict.AMBIGUOUS, Confidence.LOW, (summary,), candidates)


def _is_use(evidence: Evidence) -> bool:
    """Whether a piece of evidence is a client or a host that a variable is given to."""
    return evidence.in_use and evidence.kind in {Kind.CALL, Kind.HOST}


def _attributed(issuer: str, confidence: Confidence, lines: Sequence[str]) -> Attribution:
    candidate = Candidate(issuer, tuple(lines))
    return Attribution(AttributionVerdict.ATTRIBUTED, confidence, tuple(lines), (candidate,))

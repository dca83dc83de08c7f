"""Whose key it is, as far as the shape of its body and the names on its line go.

Evidence is weighed in this order: a decisive body names its issuer whatever the variable is called; then
the name that the value is given to; then calls, hosts, headers and packages on the same line. A strong body
of another issuer turns a name into a contradiction. What is left is `ambiguous` or `unknown`, which are
ordinary answers: some fifty services mint keys with this prefix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.findings import Attribution, AttributionVerdict, Candidate, Confidence, Strength
from keyleak.matching.compiled import name_pattern, word_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyleak.matching.match import Match
    from keyleak.matching.statement import Statement
    from keyleak.rulebook.model import Context, KeyRule, Rulebook

# What stands between a name and its value; a default value may stand behind a call that reads the name.
_GLUE: Final = re.compile(
    rb"(?i:[\"'`\s\\:=>,(|?\[{<@)\]]|\b(?:bearer|basic|value|default|string|or|str)\b|</?[a-z]{1,12}>){1,40}\Z"
)
_LAST_NAME: Final = re.compile(rb"[A-Za-z_$][A-Za-z0-9_$.-]{0,120}\Z")


@dataclass(frozen=True, slots=True)
class _Signals:
    """The patterns of one issuer's context."""

    issuer: str
    display: str
    names: re.Pattern[bytes] | None
    words: re.Pattern[bytes] | None
    veto: re.Pattern[bytes] | None


class Attributor:
    """Says whose key a match is. Holds compiled context words only."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._anonymous = frozenset(issuer.issuer for issuer in rulebook.issuers if issuer.anonymous)
        self._display: Mapping[str, str] = {issuer.issuer: issuer.name for issuer in rulebook.issuers}
        self._signals = tuple(
            _signals(issuer.issuer, issuer.name, issuer.context)
            for issuer in rulebook.issuers
            if not issuer.anonymous
        )

    def attribute(self, match: Match) -> Attribution:
        """The attribution of a match."""
        shapes = [rule for rule in match.shapes if rule.issuer not in self._anonymous]
        vetoed = self._vetoed(match.statement)
        decisive = [
            rule for rule in shapes if rule.strength is Strength.DECISIVE and rule.issuer not in vetoed
        ]
        named = self._named(match, vetoed)
        if len({rule.issuer for rule in decisive}) == 1:
            return self._decided(decisive[0], named)
        context = named or self._on_line(match.statement, vetoed)
        return self._weighed(context, [rule for rule in shapes if rule.issuer not in vetoed])

    def rule_of(self, match: Match, attribution: Attribution) -> KeyRule:
        """The rule a match is reported under: the issuer's own shape, else the family's."""
        own = [rule for rule in match.shapes if rule.issuer == attribution.issuer]
        family = [rule for rule in match.shapes if rule.issuer in self._anonymous]
        strongest = sorted(own, key=lambda rule: list(Strength).index(rule.strength))
        return (*strongest, *family, *match.shapes)[0]

    def _vetoed(self, statement: Statement) -> set[str]:
        line = statement.before + b" " + statement.after
        return {signals.issuer for signals in self._signals if signals.veto and signals.veto.search(line)}

    def _named(self, match: Match, vetoed: set[str]) -> dict[str, str]:
        """Issuers by the name, header or call that the value is given to."""
        target = _GLUE.sub(b"", match.statement.before)
        name = _LAST_NAME.search(target)
        found = {
            signals.issuer: f"the value is given to a name of {signals.display}"
            for signals in self._signals
            if name and signals.names and signals.names.search(name[0])
        }
        for issuer in match.assigned_to:
            found.setdefault(issuer, f"the value is given to {self._display[issuer]}'s client, flag or host")
        return {issuer: why for issuer, why in found.items() if issuer not in vetoed}

    def _on_line(self, statement: Statement, vetoed: set[str]) -> dict[str, str]:
        line = statement.before + b"\n" + statement.after
        found: dict[str, str] = {}
        for signals in self._signals:
            for pattern in (signals.words, signals.names):
                word = pattern.search(line) if pattern else None
                if word and signals.issuer not in vetoed:
                    text = word[0].decode("ascii", "replace")
                    found.setdefault(signals.issuer, f"{text!r} of {signals.display} on the same line")
        return found

    def _decided(self, rule: KeyRule, named: Mapping[str, str]) -> Attribution:
        evidence = [f"the body has the shape that only {self._display[rule.issuer]} uses ({rule.id})"]
        evidence += [f"but {why}" for issuer, why in named.items() if issuer != rule.issuer]
        return _attributed(rule.issuer, Confidence.HIGH, evidence)

    def _weighed(self, context: Mapping[str, str], shapes: Iterable[KeyRule]) -> Attribution:
        strong = {rule.issuer: rule.id for rule in shapes if rule.strength is Strength.STRONG}
        own_shape = {rule.issuer: rule.id for rule in shapes}
        if len(context) == 1:
            issuer, why = next(iter(context.items()))
            if not strong or issuer in strong:
                shape = own_shape.get(issuer)
                evidence = [why] + ([f"the body has the shape of {shape}"] if shape else [])
                sure = Confidence.HIGH if shape else Confidence.MEDIUM
                return _attributed(issuer, sure, evidence)
        return self._undecided(context, strong)

    def _undecided(self, context: Mapping[str, str], strong: Mapping[str, str]) -> Attribution:
        reasons: dict[str, list[str]] = {}
        for issuer, why in context.items():
            reasons.setdefault(issuer, []).append(why)
        for issuer, rule in strong.items():
            reasons.setdefault(issuer, []).append(f"the body has the shape of {rule}")
        if not reasons:
            why = "neither the body nor its line names an issuer"
            return Attribution(AttributionVerdict.UNKNOWN, Confidence.NONE, (why,))
        candidates = tuple(Candidate(issuer, tuple(why)) for issuer, why in sorted(reasons.items()))
        summary = (
            "the evidence names several issuers" if len(candidates) > 1 else "the shape alone does not decide"
        )
        return Attribution(AttributionVerdict.AMBIGUOUS, Confidence.LOW, (summary,), candidates)


def combine(attributions: Iterable[Attribution]) -> Attribution:
    """The attribution of one key seen at several places.

    Places that name the same issuer agree; a place that names none does not speak against the others; two
    issuers make it ambiguous.
    """
    every = list(attributions)
    named = [each for each in every if each.verdict is AttributionVerdict.ATTRIBUTED]
    if len({each.issuer for each in named}) == 1:
        return max(named, key=lambda each: -list(Confidence).index(each.confidence))
    reasons: dict[str, dict[str, None]] = {}
    for each in named or every:
        for candidate in each.candidates:
            reasons.setdefault(candidate.issuer, {}).update(dict.fromkeys(candidate.evidence))
    if not reasons:
        return every[0]
    candidates = tuple(Candidate(issuer, tuple(why)) for issuer, why in sorted(reasons.items()))
    summary = "different places name different issuers" if named else every[0].evidence[0]
    return Attribution(AttributionVerdict.AMBIGUOUS, Confidence.LOW, (summary,), candidates)


def _attributed(issuer: str, confidence: Confidence, evidence: list[str]) -> Attribution:
    candidate = Candidate(issuer, tuple(evidence))
    return Attribution(AttributionVerdict.ATTRIBUTED, confidence, tuple(evidence), (candidate,))


def _signals(issuer: str, display: str, context: Context) -> _Signals:
    return _Signals(
        issuer=issuer,
        display=display,
        names=name_pattern((*context.names, *context.headers)),
        words=word_pattern((*context.calls, *context.hosts, *context.packages)),
        veto=word_pattern(context.veto),
    )

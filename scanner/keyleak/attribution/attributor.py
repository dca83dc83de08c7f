"""Whose key a match is.

A decisive body names its issuer whatever the variable is called. Else evidence is weighed nearest first:
what the value is given to, its statement, its block, its file, its project. A strong body of another issuer
turns a name into a contradiction. What is left is `ambiguous` or `unknown`, which are ordinary answers: some
fifty services mint keys with this prefix.

A rule file that came with a repository speaks for its own keys only: where a trusted rule looks for a key,
trusted issuers alone are weighed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.attribution.evidence import OF_PROJECT, Reach
from keyleak.attribution.gathering import given, has_address, in_file, is_generic, nearby
from keyleak.attribution.imports import imported_names, imported_packages
from keyleak.attribution.namesakes import NO_NAMESAKES, NamesakesIn, is_ruled_out
from keyleak.attribution.packages import PackageOwners, ProjectEvidence
from keyleak.attribution.scope import lines_without_keys, scope_of
from keyleak.attribution.signals import is_open, signals_of
from keyleak.attribution.uses import Uses, at_uses
from keyleak.attribution.weighing import Scales, bodies_of
from keyleak.findings import Strength
from keyleak.records import dataclass, replace
from keyleak.rulebook.model import FoundBy

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from keyleak.attribution.evidence import Evidence
    from keyleak.attribution.signals import Signals
    from keyleak.findings import Attribution
    from keyleak.manifests.project import Project
    from keyleak.matching.budget import Budget
    from keyleak.matching.engine import Buffer
    from keyleak.matching.match import Match
    from keyleak.rulebook.model import KeyRule, Rulebook

# Imports stand at the beginning; what stands there is looked at once for each content that holds a key.
_FILE_REACH: Final = 32 << 10
_USE_REACH: Final = 128 << 10
_NO_EVIDENCE: Final = ProjectEvidence()


@dataclass(frozen=True, slots=True)
class Weighed:
    """An attribution, and everything that was considered for it."""

    attribution: Attribution
    considered: tuple[Evidence, ...]
    vetoed: frozenset[str]
    """Issuers that a namesake's word ruled out."""
    grounds: tuple[KeyRule, ...]
    """The rules on which the key is reported. None where its issuer is ruled out, or where others use its
    prefix too and nothing gives it to its issuer."""
    unread: tuple[str, ...] = ()
    """Manifests of the project that could not be read, with the reason."""


class FileEvidence:
    """What a content says of issuers beyond the surroundings of one key. Made once for each content."""

    def __init__(
        self, content: Buffer, signals: Sequence[Signals], keys: int, further: Sequence[Signals] = ()
    ) -> None:
        """Look at a content.

        Args:
            content: the content.
            signals: the words of trusted issuers.
            keys: how many different keys were found in it.
            further: those of issuers that a repository brought.
        """
        # UTF-16 without its zero bytes reads as ASCII, which is all that the words of issuers need.
        self.text = bytes(content[:_USE_REACH]).replace(b"\0", b"")
        self.keys = keys
        self.lower = b"\n".join(lines_without_keys(self.text[:_FILE_REACH])).lower()
        mentioned = _mentioned(signals, self.lower)
        packages = imported_packages(self.lower)
        self.evidence = tuple(in_file(self.lower, mentioned, packages))
        self.imported = imported_names(self.lower, mentioned, packages)
        self.uses = Uses(self.text)
        self.namesakes = NamesakesIn(self.lower)
        self.with_further = FileEvidence(content, (*signals, *further), keys) if further else self
        """The same with what speaks for issuers that a repository brought."""


class Attributor:
    """Says whose key a match is. Holds compiled words only."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._anonymous = frozenset(issuer.issuer for issuer in rulebook.issuers if issuer.anonymous)
        named = [issuer for issuer in rulebook.issuers if not issuer.anonymous]
        self._signals = {issuer.issuer: signals_of(issuer) for issuer in named}
        self._trusted = {
            issuer.issuer: self._signals[issuer.issuer] for issuer in named if issuer.provenance.is_trusted
        }
        self._further = tuple(each for name, each in self._signals.items() if name not in self._trusted)
        self._owners = PackageOwners(self._signals.values())

    def file_evidence(self, content: Buffer, keys: int = 1) -> FileEvidence:
        """What a content says beyond the surroundings of one key.

        Args:
            content: the content.
            keys: how many different keys were found in it.
        """
        return FileEvidence(content, tuple(self._trusted.values()), keys, self._further)

    def project_evidence(self, project: Project) -> ProjectEvidence:
        """What the project that a content belongs to says."""
        return self._owners.evidence(project)

    def worth_weighing(
        self, matches: Sequence[Match], content: Buffer, project: ProjectEvidence
    ) -> list[bool]:
        """Of each match, whether it can be reported at all: a quick no where prefixes of many stand.

        One that counts with context only needs its issuer to be spoken of; others' webhook secrets stand by
        the thousand in what a service documents.

        Args:
            matches: the keys found in a content.
            content: the content.
            project: what its project says.
        """
        asked = {
            rule.issuer for match in matches for rule in match.shapes if rule.found_by is FoundBy.CONTEXT
        }
        if not asked:
            return [True] * len(matches)
        lower = bytes(content[:_USE_REACH]).replace(b"\0", b"").lower()
        spoken_of = {each.issuer for each in _mentioned([self._signals[name] for name in asked], lower)}
        spoken_of |= {each.issuer for each in project.evidence}
        return [
            not _needs_context(match)
            or not spoken_of.isdisjoint(issuers := {rule.issuer for rule in match.shapes})
            or bool(_mentioned([self._signals[name] for name in issuers], _near(match)))
            for match in matches
        ]

    def attribute(self, match: Match, file: FileEvidence | None = None) -> Attribution:
        """The attribution of a match; see `weigh`."""
        return self.weigh(match, file).attribution

    def weigh(
        self,
        match: Match,
        file: FileEvidence | None = None,
        project: ProjectEvidence = _NO_EVIDENCE,
        budget: Budget | None = None,
    ) -> Weighed:
        """The attribution of a match, with everything that was considered.

        Args:
            match: the key.
            file: what its content says; None where only its surroundings are at hand.
            project: what its project says.
            budget: what following the key's variable may cost; None for whatever it costs.
        """
        known = self._trusted if match.is_trusted else self._signals
        if self._further:
            match = self._within(match)
            file = file.with_further if file and not match.is_trusted else file
        scope = scope_of(match.around)
        uses = file.uses.of(match.around, budget) if file else []
        imported = file.imported if file else {}
        signals = _mentioned(known.values(), _near(match), set(imported.values()))
        in_content = (
            *given(match, scope, signals, imported),
            *nearby(scope, signals),
            *at_uses(uses, known.values(), imported),
            *(file.evidence if file else ()),
        )
        evidence = (*in_content, *(each for each in project.evidence if each.issuer in known))
        namesakes = file.namesakes if file else NO_NAMESAKES
        vetoed = frozenset(
            issuer.issuer for issuer in signals if is_ruled_out(issuer, (scope, *uses), namesakes, in_content)
        ) | self._ruled_out(match, in_content, file)
        shapes = [
            rule for rule in match.shapes if rule.issuer not in vetoed and rule.issuer not in self._anonymous
        ]
        kept = [each for each in evidence if each.issuer not in vetoed]
        # Where the key goes elsewhere, what else the file speaks of is not about it.
        of_file = is_generic(scope.names[0]) and not any(map(has_address, (scope, *uses)))
        only_key = file is None or file.keys <= 1 or any(each.is_carried for each in (scope, *uses))
        opens = {rule.id: is_open(rule) for rule in shapes}
        bodies = bodies_of(shapes, opens)
        scales = Scales(
            bodies, kept, self._signals, of_file, only_key=only_key, knows_project=not project.unread
        )
        attribution = scales.weigh()
        given_to = {each.issuer for each in match.assigned_to}
        grounds = _grounds(match, vetoed, given_to | self._pointed_to(kept, attribution))
        return Weighed(attribution, evidence, vetoed, grounds, project.unread)

    def weigh_body(self, match: Match) -> Weighed:
        """The attribution that a body alone gives, where nothing else may be looked at."""
        match = self._within(match)
        shapes = [rule for rule in match.shapes if rule.issuer not in self._anonymous]
        bodies = bodies_of(shapes, {rule.id: is_open(rule) for rule in shapes})
        attribution = Scales(bodies, (), self._signals, generic_name=False, only_key=False).weigh()
        named = {each.issuer for each in match.assigned_to}
        grounds = tuple(
            rule for rule in match.shapes if rule.found_by is not FoundBy.CONTEXT or rule.issuer in named
        )
        return Weighed(attribution, (), frozenset(), grounds)

    def _within(self, match: Match) -> Match:
        """A match that a trusted rule looks for, without what other rules make of it."""
        if not match.is_trusted:
            return match
        return replace(
            match,
            shapes=tuple(rule for rule in match.shapes if rule.provenance.is_trusted),
            assigned_to=frozenset(each for each in match.assigned_to if each.issuer in self._trusted),
        )

    def _pointed_to(self, evidence: Iterable[Evidence], attribution: Attribution) -> set[str]:
        """Candidates for which more speaks than a body or a project, or a file where others are called so."""
        near = {
            each.issuer
            for each in evidence
            if each.reach not in OF_PROJECT
            and (each.reach is not Reach.FILE or not self._signals[each.issuer].namesakes)
        }
        pointed = near & {each.issuer for each in attribution.candidates}
        return pointed | ({attribution.issuer} if attribution.issuer else set())

    def _ruled_out(self, match: Match, evidence: Iterable[Evidence], file: FileEvidence | None) -> set[str]:
        """Issuers of a decisive shape that another shares, where the content speaks of that one alone."""
        if file is None:
            return set()
        decisive = {rule.issuer for rule in match.shapes if rule.strength is Strength.DECISIVE}
        decisive -= {each.issuer for each in evidence}
        return {name for name in decisive if self._signals[name].veto.first_in(file.lower)}

    def rule_of(self, match: Match, attribution: Attribution) -> KeyRule:
        """The rule a match is reported under: the issuer's own shape, else the family's."""
        own = [rule for rule in match.shapes if rule.issuer == attribution.issuer]
        family = [rule for rule in match.shapes if rule.issuer in self._anonymous]
        strongest = sorted(own, key=lambda rule: list(Strength).index(rule.strength))
        return (*strongest, *family, *self._within(match).shapes)[0]


def _needs_context(match: Match) -> bool:
    return not match.assigned_to and all(rule.found_by is FoundBy.CONTEXT for rule in match.shapes)


def _near(match: Match) -> bytes:
    return (match.around.before + match.around.after).lower()


def _mentioned(signals: Iterable[Signals], lower: bytes, besides: Container[str] = ()) -> list[Signals]:
    # Names are written with `_` and `-` where they please: `PAY_STACK`.
    both = lower + b"\n" + lower.translate(None, b"_-")
    return [issuer for issuer in signals if issuer.issuer in besides or issuer.may_stand_in(both)]


def _grounds(match: Match, vetoed: frozenset[str], named: set[str]) -> tuple[KeyRule, ...]:
    """The rules that the match may be reported by: one found by context only where its issuer is named."""
    return tuple(
        rule
        for rule in match.shapes
        if rule.issuer not in vetoed and (rule.found_by is not FoundBy.CONTEXT or rule.issuer in named)
    )

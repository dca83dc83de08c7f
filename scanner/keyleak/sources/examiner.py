"""A content with anchors looked at closely: match, attribute, locate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.attribution.attributor import Attributor
from keyleak.findings import Location, Sighting
from keyleak.matching.matcher import Matcher
from keyleak.sources.inspector import NOTHING, Inspection
from keyleak.sources.lines import LineFinder, first_line

if TYPE_CHECKING:
    from keyleak.findings import Attribution
    from keyleak.matching.engine import Buffer, Engine
    from keyleak.matching.match import Match
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.inspector import Place, Window


class Examiner:
    """Confirms anchors. Holds compiled rules only."""

    def __init__(self, rulebook: Rulebook, engine: Engine) -> None:
        self._matcher = Matcher(rulebook, engine)
        self._attributor = Attributor(rulebook)

    def examine(self, content: Buffer, place: Place, window: Window) -> Inspection:
        """Every key in a content, and what inside it could not be read."""
        matches = self._matcher.match(content, owned=window.owned, offset=window.base)
        if not matches:
            return NOTHING
        data = bytes(content)
        line_start = window.line_start or first_line(data[:4])
        lines = LineFinder(data, window.base, line_start)
        file = self._attributor.file_evidence(data)
        weighed = ((match, self._attributor.weigh(match, file)) for match in matches)
        return Inspection(
            tuple(
                self._sighting(match, each.attribution, place, window.base, lines)
                for match, each in weighed
                if each.grounds_left
            )
        )

    def _sighting(
        self, match: Match, attribution: Attribution, place: Place, base: int, lines: LineFinder
    ) -> Sighting:
        rule = self._attributor.rule_of(match, attribution)
        environment = rule.environment.of(match.prefix)
        line, column = lines.at(match.start, wide=match.wide)
        return Sighting(
            secret=match.secret,
            rule=rule.id,
            environment=environment,
            severity=rule.severity[environment],
            attribution=attribution,
            location=Location(
                kind=place.kind,
                path=place.path,
                line=line,
                column=column,
                offset=base + match.start,
                container=place.container,
            ),
            excerpt=match.statement.excerpt(match.secret.redacted()),
        )

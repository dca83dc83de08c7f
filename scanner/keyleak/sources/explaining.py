"""An inspector that also keeps why each key-shaped text was or was not reported (`--explain`).

It reads nothing twice and reports what every inspector reports; what it keeps holds no key in the clear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyleak.attribution.attributor import Attributor
from keyleak.findings import Explanation, Location
from keyleak.matching.match import Rejection
from keyleak.matching.matcher import Matcher
from keyleak.records import replace
from keyleak.sources.inspector import Inspection, Inspector, Window
from keyleak.sources.lines import LineFinder, first_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyleak.attribution.attributor import FileEvidence, Weighed
    from keyleak.findings import Attribution, Sighting
    from keyleak.matching.engine import Buffer
    from keyleak.matching.match import Match
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.inspector import Place
    from keyleak.sources.projects import Projects

_WHOLE: Final = Window()
_RULED_OUT: Final = "only a namesake is called like that here: the name it is given to is its one ground"
_NOT_GIVEN: Final = (
    "others use its prefix too, and nothing here gives it to an issuer whose keys look like that"
)


class ExplainingInspector(Inspector):
    """Finds keys and keeps explanations, in this process only."""

    def __init__(self, rulebook: Rulebook, projects: Projects | None = None) -> None:
        super().__init__(rulebook, projects=projects)
        self.explanations: list[Explanation] = []
        self._matcher = Matcher(rulebook)
        self._attributor = Attributor(rulebook)

    def inspect(self, content: Buffer, place: Place, window: Window = _WHOLE) -> Inspection:
        """See `Inspector.inspect`."""
        inspection = super().inspect(content, place, window)
        matches = self._matcher.match(content, owned=window.owned, offset=window.base)
        rejected = self._matcher.rejections(content, owned=window.owned, offset=window.base)
        if inspection.sightings or matches or rejected:
            keys = len({match.secret for match in matches} | {each.secret for each in inspection.sightings})
            file = None if window.base else self._attributor.file_evidence(content, keys)
            explained = [
                *self._of_keys(inspection, place, matches, file),
                *self._of_others(content, self._others(matches, rejected, file), place, window),
            ]
            self.explanations += sorted(explained, key=lambda each: each.location.offset)
        return inspection

    def _of_keys(
        self, inspection: Inspection, place: Place, matches: Sequence[Match], file: FileEvidence | None
    ) -> Iterator[Explanation]:
        weighed = {match.secret: self._attributor.weigh(match, file) for match in matches}
        for sighting in inspection.sightings:
            yield Explanation(
                replace(sighting.location, blob=place.object),
                sighting.secret.redacted(),
                reported=True,
                verdict=_verdict(sighting),
                considered=_considered(sighting.attribution, weighed.get(sighting.secret)),
            )

    def _others(
        self, matches: Sequence[Match], rejected: Sequence[Rejection], file: FileEvidence | None
    ) -> list[Rejection]:
        weighed = [(match, self._attributor.weigh(match, file)) for match in matches]
        ruled_out = [
            Rejection(
                match.start, match.wide, match.secret.redacted(), _RULED_OUT if each.vetoed else _NOT_GIVEN
            )
            for match, each in weighed
            if not each.grounds
        ]
        return sorted([*rejected, *ruled_out], key=lambda each: each.start)

    def _of_others(
        self, content: Buffer, rejected: Sequence[Rejection], place: Place, window: Window
    ) -> Iterator[Explanation]:
        data = bytes(content)
        lines = LineFinder(data, window.base, window.line_start or first_line(data[:4]))
        for each in rejected:
            line, column = lines.at(each.start, wide=each.wide)
            offset = window.base + each.start
            location = Location(
                place.kind, place.path, line, column, offset, blob=place.object, container=place.container
            )
            yield Explanation(location, each.redacted, reported=False, verdict=each.reason)


def _verdict(sighting: Sighting) -> str:
    attribution = sighting.attribution
    whose = attribution.issuer or ", ".join(each.issuer for each in attribution.candidates)
    return " ".join(
        (
            attribution.verdict.value,
            *([whose] if whose else []),
            f"(confidence {attribution.confidence.value})",
        )
    )


def _considered(attribution: Attribution, weighed: Weighed | None) -> tuple[str, ...]:
    """What the answer rests on, then everything else that was weighed, nearest first."""
    rests_on = [line for candidate in attribution.candidates for line in candidate.evidence]
    if weighed is None:
        return tuple(rests_on)
    nearest = sorted(weighed.considered, key=lambda each: each.distance)
    others = [f"{each.reach.value}: {each.line}" for each in nearest if each.line not in rests_on]
    ruled_out = [f"{issuer} is ruled out: a namesake's word is near" for issuer in sorted(weighed.vetoed)]
    return tuple(dict.fromkeys((*rests_on, *others, *ruled_out)))

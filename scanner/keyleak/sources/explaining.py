"""An inspector that also keeps why each key-shaped text was or was not reported (`--explain`).

It reads nothing twice and reports what every inspector reports; what it keeps holds no key in the clear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from keyleak.findings import Explanation
from keyleak.records import dataclass, field, replace
from keyleak.sources.inspector import WHOLE, Inspection, Inspector, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from keyleak.attribution.attributor import Weighed
    from keyleak.findings import Attribution, Location, Sighting
    from keyleak.matching.budget import Budget
    from keyleak.matching.engine import Buffer
    from keyleak.rulebook.model import Rulebook
    from keyleak.secret import Secret
    from keyleak.sources.inspector import Place
    from keyleak.sources.projects import Projects

_Where: TypeAlias = "tuple[int, tuple[str, ...], tuple[str, ...]]"


@dataclass(slots=True)
class _Notes:
    """What the look at one content brought so far."""

    weighed: dict[tuple[Secret, _Where], Weighed] = field(default_factory=dict)
    rejected: list[tuple[Location, str, str]] = field(default_factory=list)


class ExplainingInspector(Inspector):
    """Finds keys and keeps explanations, in this process only."""

    def __init__(self, rulebook: Rulebook, projects: Projects | None = None) -> None:
        super().__init__(rulebook, projects=projects)
        self._notes: _Notes | None = None
        # A git object may be looked at again, once more is known of it: the last look counts.
        self._kept: dict[str | int, list[Explanation]] = {}

    @property
    def explanations(self) -> Sequence[Explanation]:
        """Of each content in turn, in order of place."""
        return [each for explained in self._kept.values() for each in explained]

    @property
    def _witness(self) -> ExplainingInspector:
        return self

    def reported(self, sighting: Sighting, weighed: Weighed) -> None:
        """See `Witness`."""
        if self._notes is not None:
            self._notes.weighed[sighting.secret, _where(sighting.location)] = weighed

    def rejected(self, location: Location, redacted: str, reason: str) -> None:
        """See `Witness`."""
        if self._notes is not None:
            self._notes.rejected.append((location, redacted, reason))

    def inspect(
        self, content: Buffer, place: Place, window: Window = WHOLE, budget: Budget | None = None
    ) -> Inspection:
        """See `Inspector.inspect`."""
        look = super().inspect
        return self._explained(place, lambda: look(content, place, window, budget))

    def _explained(self, place: Place, look: Callable[[], Inspection]) -> Inspection:
        """What a look brings; its explanations, also those of what stands inside, are kept."""
        if self._notes is not None:
            return look()
        self._notes = notes = _Notes()
        try:
            inspection = look()
        finally:
            self._notes = None
        sightings = inspection.sightings
        explained = [*_of_keys(sightings, place, notes), *_of_others(sightings, place, notes)]
        if explained:
            explained.sort(key=lambda each: each.location.offset)
            self._kept[place.object or len(self._kept)] = explained
        return inspection


def _where(location: Location) -> _Where:
    # Line and column may be those of the text that encodes what holds it.
    return location.offset, location.decoded, location.container


def _of_keys(sightings: Sequence[Sighting], place: Place, notes: _Notes) -> Iterator[Explanation]:
    for sighting in sightings:
        yield Explanation(
            replace(sighting.location, blob=place.object),
            sighting.secret.redacted(),
            reported=True,
            verdict=_verdict(sighting),
            considered=_considered(
                sighting.attribution, notes.weighed.get((sighting.secret, _where(sighting.location)))
            ),
        )


def _of_others(sightings: Sequence[Sighting], place: Place, notes: _Notes) -> Iterator[Explanation]:
    """What is no key; the beginning of a key that goes on in other words is one."""
    taken = {(each.location.offset, each.location.container) for each in sightings}
    for location, redacted, reason in dict.fromkeys(notes.rejected):
        if (location.offset, location.container) not in taken:
            yield Explanation(replace(location, blob=place.object), redacted, reported=False, verdict=reason)


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
    unread = [f"what the project depends on is not known: {reason}" for reason in weighed.unread]
    return tuple(dict.fromkeys((*rests_on, *others, *ruled_out, *unread)))

"""A content with anchors looked at closely: match, decode again, attribute, locate."""

from __future__ import annotations

from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Final, Protocol

from keyleak.containers.formats import BEGINNING, recognise
from keyleak.decisions.markers import Markers
from keyleak.decoding.decoded import DEEPEST, Step
from keyleak.decoding.layer import DecodedRejection
from keyleak.decoding.search import DecodedMatch, Document, EncodedSearch
from keyleak.findings import Location, Sighting
from keyleak.manifests.project import NO_PROJECT
from keyleak.matching.matcher import Matcher
from keyleak.matching.spans import Spans
from keyleak.on_use import on_use
from keyleak.records import dataclass, replace
from keyleak.sources.inspector import NOTHING, TOO_MUCH, Inspection, joined_up
from keyleak.sources.lines import LineFinder, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from keyleak.attribution.attributor import Attributor, Weighed
    from keyleak.attribution.content import ContentAttribution
    from keyleak.attribution.packages import ProjectEvidence
    from keyleak.decoding.anchors import EncodedAnchor
    from keyleak.findings import Attribution, Marker
    from keyleak.matching.budget import Budget
    from keyleak.matching.engine import Buffer, Engine, Hit
    from keyleak.matching.match import Match, Rejection
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.inspector import Place, Window
    from keyleak.sources.projects import Projects


_TOO_DEEP: Final = (
    f"something in it is encoded more than {DEEPEST} times over, so that was not undone to its end"
)
# A value that was compressed, not a document: it is read together with its line.
_SHORT: Final = 16 << 10
_WIDE: Final = (Step.UTF16.value,)
# Constants, or lines with something before them, within what encodes a key.
_PUT_TOGETHER: Final = on_use(rb"[\"'`]|\n[ \t]*[-+>*#/|;%]")
# Behind a key: a program that appends to it, or a line that may be the rest of a wrapped one.
_GOES_ON: Final = on_use(
    rb"[\"'`](?:\s{0,8}\+|\s\.{1,2}\s|\.{1,2}\$|\s{0,8}%\s)|[$#]?\{|%[sdr(]|\\\("
    rb"|\r?\n[ \t]{0,40}(?:(?://+|#+|\*|>|--|;+|%|\|)[ \t]{0,4}){0,4}"
    rb"(?=[A-Za-z/+-]{0,40}[0-9])(?=[0-9/+-]{0,40}[A-Za-z])[A-Za-z0-9/+-]{8,}={0,2}[ \t]*(?:\r?\n|\Z)"
)
_RULED_OUT: Final = "only a namesake is called like that here: the name it is given to is its one ground"
_NOT_GIVEN: Final = (
    "others use its prefix too, and nothing here gives it to an issuer whose keys look like that"
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A key, where to show it, and the encodings that were undone."""

    match: Match
    start: int
    end: int
    """Where what encodes it ends; what stands beside a key stands beside that."""
    steps: tuple[str, ...]
    in_pieces: bool
    """See `Sighting.in_pieces`."""


@dataclass(frozen=True, slots=True)
class SearchedFor:
    """What is searched for in contents."""

    engine: Engine
    """Finds plain anchors and, numbered behind them, encoded ones."""
    plain: int
    """How many plain anchors there are."""
    encoded: Sequence[EncodedAnchor]


class Witness(Protocol):
    """Wants to know why each key-shaped text is or is not reported."""

    def reported(self, sighting: Sighting, weighed: Weighed) -> None:
        """Told of a key, with everything that was weighed for it."""

    def rejected(self, location: Location, redacted: str, reason: str) -> None:
        """Told of what is not reported."""


class Examiner:
    """Confirms anchors. Holds compiled rules only."""

    def __init__(
        self,
        rulebook: Rulebook,
        searched: SearchedFor,
        open_document: Callable[[bytes, Place, Budget], Inspection],
        projects: Projects | None,
        witness: Witness | None,
    ) -> None:
        """Compile what confirms.

        Args:
            rulebook: the rules.
            searched: what is searched for.
            open_document: opens what was compressed or packed before it was encoded.
            projects: knows the projects that contents belong to, where that can be known.
            witness: told why, where somebody wants to know.
        """
        self._witness = witness
        self._open_document = open_document
        self._projects = projects
        self._plain = searched.plain
        self._matcher = Matcher(rulebook, searched.engine)
        self._search = EncodedSearch(
            searched.engine, self._matcher, searched.plain, searched.encoded, _unpack
        )
        self._rulebook = rulebook

    @cached_property
    def _attributor(self) -> Attributor:
        # A word that no key stands beside needs none.
        from keyleak.attribution.attributor import Attributor  # noqa: PLC0415

        return Attributor(self._rulebook)

    def examine(
        self, content: Buffer, hits: Sequence[Hit], place: Place, window: Window, budget: Budget
    ) -> Inspection:
        """Every key in a content, and what inside it could not be read.

        Args:
            content: the bytes.
            hits: the anchors in it.
            place: what it is.
            window: which part of it is at hand.
            budget: what decoding may cost.
        """
        data = bytes(content)
        anchors = [hit for hit in hits if hit.anchor < self._plain]
        plain = self._matcher.confirmed(data, anchors, budget, owned=window.owned, offset=window.base)
        lines = _lines(data, window)
        rejected: list[DecodedRejection] = []
        encoded = self._search.find(
            data, hits, window.owned, budget, rejected.append if self._witness else None
        )
        decoded = [each for each in encoded if isinstance(each, DecodedMatch)]
        found = sorted(
            (*_plainly(plain, decoded, data), *(_decodedly(each, data) for each in decoded)),
            key=lambda each: each.start,
        )
        sightings = tuple(self._sightings(found, data, place, window, budget)) if found else ()
        gaps = tuple(gap for reason in _cut_off(budget) for gap in place.unread(reason).gaps)
        inspection = Inspection(sightings, gaps) if sightings or gaps else NOTHING
        if self._witness:
            in_plain = self._matcher.rejected(data, anchors, owned=window.owned, offset=window.base)
            for other in (*map(_rejected, in_plain), *rejected):
                steps = tuple(step.value for step in other.steps)
                location = _location(place, (other.place, steps), window.base, lines)
                self._witness.rejected(location, other.rejection.redacted, other.rejection.reason)
        inside = joined_up(
            self._in_document(each, place, lines, budget) for each in encoded if isinstance(each, Document)
        )
        return inside.and_elsewhere(inspection) if inside != NOTHING else inspection

    def _in_document(self, document: Document, place: Place, lines: LineFinder, budget: Budget) -> Inspection:
        steps = tuple(step.value for step in document.steps)
        inner = replace(place, decoded=(*place.decoded, *steps))
        found = self._open_document(document.data, inner, budget)
        line, column = lines.at(document.place, wide=False)
        return replace(
            found,
            sightings=tuple(
                # In a container a key has its own place, else that of the encoded text.
                sighting
                if sighting.location.container != place.container
                else replace(sighting, location=replace(sighting.location, line=line, column=column))
                for sighting in found.sightings
            ),
        )

    def _sightings(
        self, found: Sequence[_Found], data: bytes, place: Place, window: Window, budget: Budget
    ) -> Iterator[Sighting]:
        lines, markers = _lines(data, window), Markers(data)
        project = self._project_evidence(place)
        worth = self._attributor.worth_weighing([each.match for each in found], data, project)
        if not any(worth):
            return
        attribution = self._content_attribution(found, data, window, project, budget)
        for each in compress(found, worth):
            weighed = attribution.weigh(each.match, is_plain=not each.steps)
            if weighed.grounds:
                sighting = self._sighting(each, weighed.attribution, place, window.base, lines)
                if self._witness:
                    self._witness.reported(sighting, weighed)
                yield (
                    replace(sighting, markers=own)
                    if (own := _markers(markers, each, window.base))
                    else sighting
                )
            elif self._witness:
                reason = _RULED_OUT if weighed.vetoed else _NOT_GIVEN
                location = _location(place, (each.start, each.steps), window.base, lines)
                self._witness.rejected(location, each.match.secret.redacted(), reason)

    def _content_attribution(
        self,
        found: Sequence[_Found],
        data: bytes,
        window: Window,
        project: ProjectEvidence,
        budget: Budget,
    ) -> ContentAttribution:
        from keyleak.attribution.content import ContentAttribution  # noqa: PLC0415 - as above

        keys = len({each.match.secret for each in found})
        # A window further on does not begin where a file's imports stand.
        begins = not window.base
        return ContentAttribution(self._attributor, data, project, budget, keys=keys, begins=begins)

    def _project_evidence(self, place: Place) -> ProjectEvidence:
        return self._attributor.project_evidence(self._projects.of(place) if self._projects else NO_PROJECT)

    def _sighting(
        self, found: _Found, attribution: Attribution, place: Place, base: int, lines: LineFinder
    ) -> Sighting:
        match = found.match
        rule = self._attributor.rule_of(match, attribution)
        environment = rule.environment.of(match.prefix)
        return Sighting(
            secret=match.secret,
            rule=rule.id,
            environment=environment,
            severity=rule.severity[environment],
            attribution=attribution,
            location=_location(place, (found.start, found.steps), base, lines),
            excerpt=match.statement.excerpt(match.secret.redacted()),
            in_pieces=found.in_pieces,
        )


def _location(place: Place, found: tuple[int, tuple[str, ...]], base: int, lines: LineFinder) -> Location:
    """Where something was found: its offset in the window, and the encodings that were undone."""
    start, steps = found
    line, column = lines.at(start, wide=steps == _WIDE)
    return Location(
        kind=place.kind,
        path=place.path,
        line=line,
        column=column,
        offset=base + start,
        decoded=(*place.decoded, *steps),
        container=place.container,
    )


def _cut_off(budget: Budget) -> Iterator[str]:
    """What was left undone."""
    if not budget.left:
        yield TOO_MUCH
    if budget.is_too_deep:
        budget.is_too_deep = False
        yield _TOO_DEEP


def _lines(data: bytes, window: Window) -> LineFinder:
    return LineFinder(data, window.base, window.line_start or first_line(data[:4]))


def _rejected(rejection: Rejection) -> DecodedRejection:
    return DecodedRejection(rejection, rejection.start, (Step.UTF16,) if rejection.wide else ())


def _unpack(content: bytes) -> tuple[Step, bytes] | None:
    """How a text in encoded text was compressed, and what it says, where it is short."""
    if len(content) > _SHORT:
        return None
    form = recognise(content[:BEGINNING])
    if form is None or not form.is_compression:
        return None
    from keyleak.containers.compression import unpacked  # noqa: PLC0415 - hardly any text says such a thing

    said = unpacked(form, content, _SHORT)
    return None if said is None else (Step(form.value), said)


def _plainly(matches: Iterable[Match], decoded: Iterable[DecodedMatch], data: bytes) -> Iterable[_Found]:
    """Plain keys, but for beginnings of encoded ones and encoded text taken for a value."""
    taken = Spans((each.origin, each.end) for each in decoded)
    for match in matches:
        if not taken.overlap(match.start, match.end):
            in_pieces = bool(match.pieces or _GOES_ON.match(data, match.end))
            yield _Found(match, match.start, match.end, _steps(match), in_pieces)


def _steps(match: Match) -> tuple[str, ...]:
    if match.pieces:
        return (f"joined from {len(match.pieces)} pieces",)
    return _WIDE if match.wide else ()


def _decodedly(decoded: DecodedMatch, data: bytes) -> _Found:
    steps = tuple(step.value for step in decoded.steps)
    in_pieces = bool(decoded.match.pieces or _PUT_TOGETHER.search(data, decoded.origin, decoded.end))
    return _Found(decoded.match, decoded.place, decoded.end, steps, in_pieces)


def _markers(markers: Markers, found: _Found, base: int) -> tuple[Marker, ...]:
    if found.steps != _WIDE:
        return markers.beside(found.start, found.end)
    # A match in two-byte text begins at its low byte, which comes first, at even offsets, or second.
    high_first = (base + found.start) % 2
    codec = "utf-16-be" if high_first else "utf-16-le"
    return markers.beside(found.start - high_first, found.end - high_first, utf16=codec)

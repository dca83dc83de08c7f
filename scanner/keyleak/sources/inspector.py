"""From a content to sightings. Every source hands its contents to this.

Nearly every content holds no anchor, so all that looks closer is loaded when the first one is found.
"""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from keyleak.containers.formats import (
    BEGINNING,
    LEADS,
    MAGIC,
    Format,
    recognise,
    recognise_text,
)
from keyleak.containers.headers import TAR_MAGIC, TAR_MAGIC_END, ZIP_END, ZIP_END_REACH
from keyleak.coverage import Gap
from keyleak.decoding.anchors import encoded_anchors
from keyleak.decoding.decoded import Step
from keyleak.findings import LocationKind
from keyleak.matching.anchors import AnchorKind, anchors_of
from keyleak.matching.budget import Budget
from keyleak.matching.engine import Hit, has_body
from keyleak.records import dataclass
from keyleak.rulebook.model import FoundBy, is_telling
from keyleak.sources.kept_engine import patient_engine
from keyleak.unexpected import contained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from keyleak.findings import Sighting
    from keyleak.matching.anchors import Anchor
    from keyleak.matching.engine import Buffer, Engine, Searched
    from keyleak.rulebook.model import Rulebook
    from keyleak.sources.examiner import Examiner, Witness
    from keyleak.sources.lines import LineStart
    from keyleak.sources.opening import Opener
    from keyleak.sources.projects import Projects


@dataclass(frozen=True, slots=True)
class Place:
    """What a content is."""

    kind: LocationKind
    path: str | None
    container: tuple[str, ...] = ()
    """Names inside containers, outermost first."""
    decoded: tuple[str, ...] = ()
    """Encodings that were undone to get at it, outermost first."""
    object: str | None = None
    """The id of the git object, where it is one."""

    @property
    def name(self) -> str:
        """What a gap calls it: `app.whl (pkg/config.py)`."""
        outside = self.path or ("standard input" if self.kind is LocationKind.STDIN else "")
        return outside + "".join(f" ({name})" for name in self.container)

    def unread(self, reason: str) -> Inspection:
        """What stands for a content that could not be examined."""
        return Inspection(gaps=(Gap(self.name, reason, paths=(self.path,) if self.path else ()),))


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a content is at hand."""

    base: int = 0
    """Where it begins in the content."""
    owned: range | None = None
    """Offsets in the window whose keys count; the margins belong to the neighbouring windows."""
    line_start: LineStart | None = None
    """None for a content's first window."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What looking at a content brought."""

    sightings: tuple[Sighting, ...] = ()
    """Every key, in order of offset."""
    gaps: tuple[Gap, ...] = ()
    """What inside the content could not be read: a damaged archive, a locked one, one that explodes."""

    def __add__(self, other: Inspection) -> Inspection:
        return Inspection(self.sightings + other.sightings, self.gaps + other.gaps)

    def and_elsewhere(self, plainly: Inspection) -> Inspection:
        """What a container holds, and what its bytes show besides.

        Where nothing is compressed, the bytes show the same keys, with what their neighbours in the file add
        to them.
        """
        if not (self.sightings and plainly.sightings):
            return self + plainly
        inside = {sighting.secret.reveal() for sighting in self.sightings}
        others = {sighting.secret.reveal() for sighting in plainly.sightings} - inside
        known = inside | _held_by(others, inside) | _holding(others, inside)
        besides = tuple(each for each in plainly.sightings if each.secret.reveal() not in known)
        return Inspection(self.sightings + besides, self.gaps + plainly.gaps)


def _holding(texts: Iterable[bytes], parts: set[bytes]) -> set[bytes]:
    """Those of some texts that hold any of some parts."""
    lengths = sorted({len(part) for part in parts})
    return {
        text
        for text in texts
        if any(
            text[start : start + length] in parts
            for length in lengths
            for start in range(len(text) - length + 1)
        )
    }


def _held_by(texts: set[bytes], wholes: Iterable[bytes]) -> set[bytes]:
    """Those of some texts that stand in any of some others."""
    lengths = sorted({len(text) for text in texts})
    return {
        part
        for whole in wholes
        for length in lengths
        for start in range(len(whole) - length + 1)
        if (part := whole[start : start + length]) in texts
    }


@dataclass(frozen=True, slots=True)
class _Literal:
    literal: bytes
    with_body: bool = False


# What was unpacked is searched in slices, so that no more anchors are collected than can be looked at.
_SLICE: Final = 32 << 10
_LONGEST_LITERAL: Final = 256
_HIT: Final = 256
TOO_MUCH: Final = (
    "so much in it looks like parts of keys that not all of it was looked at closely: keys that are encoded"
    " or put together may be missing"
)
NOTHING: Final = Inspection()


def joined_up(inspections: Iterable[Inspection]) -> Inspection:
    """What several looks brought, one behind the other."""
    every = [each for each in inspections if each is not NOTHING]
    if len(every) < 2:
        return every[0] if every else NOTHING
    return Inspection(
        tuple(sighting for each in every for sighting in each.sightings),
        tuple(gap for each in every for gap in each.gaps),
    )


_TAR: Final = _Literal(TAR_MAGIC)
_ZIP_END: Final = _Literal(ZIP_END)
WHOLE: Final = Window()


class Inspector:
    """Finds keys in contents and says whose they are. Holds compiled rules only."""

    def __init__(
        self,
        rulebook: Rulebook,
        make_engine: Callable[[Sequence[Searched]], Engine] = patient_engine,
        projects: Projects | None = None,
    ) -> None:
        """Make the anchors ready.

        Args:
            rulebook: the rules.
            make_engine: makes what searches; else it is the fastest that is installed, once that pays.
            projects: knows the projects that contents belong to, where that can be known.
        """
        self._rulebook = rulebook
        self._projects = projects
        anchors = anchors_of(rulebook)
        self._anchors = anchors
        self._plain = len(anchors)
        self._prefixes = frozenset(
            index
            for index, anchor in enumerate(anchors)
            if anchor.kind is AnchorKind.PREFIX and not anchor.wide
        )
        self._encoded = encoded_anchors(
            set(filter(is_telling, _words(anchors, AnchorKind.PREFIX))),
            {word for rule in rulebook.keys if rule.found_by is FoundBy.CONTEXT for word in rule.prefixes},
            {word for word in _words(anchors, AnchorKind.STEM) if word.isupper()},
        )
        searched: list[Searched] = [*anchors, *self._encoded, _TAR, _ZIP_END]
        self._tar, self._zip_end = len(searched) - 2, len(searched) - 1
        self._engine = make_engine(searched)
        self.words = frozenset((*(each.literal for each in searched if not each.with_body), *MAGIC))
        """What is searched for: without any of these in it, or of the next, a content is never looked at."""
        self.stems = frozenset(each.literal for each in searched if each.with_body)
        """What is searched for with the beginning of a body behind it."""

    def suspects(self, joined: Buffer, ends: Sequence[int]) -> list[int]:
        """Which of several contents, one behind the other, have something to look at.

        Args:
            joined: the contents.
            ends: where each ends in `joined`.
        """
        # An anchor across a border of two is looked at again in each of them, where it is none.
        found = {bisect_left(ends, hit.end) for hit in self._engine.hits(joined)}
        start = 0
        for index, end in enumerate(ends):
            if bytes(joined[start : start + 2]) in LEADS:
                found.add(index)
            start = end
        return sorted(found)

    def within(self, projects: Projects) -> Self:
        """One that knows the projects of contents, and is otherwise the same."""
        other = copy(self)
        other._projects = projects  # noqa: SLF001 - a copy of this very object
        for made in ("_examiner", "opener"):
            other.__dict__.pop(made, None)
        return other

    def inspect(
        self, content: Buffer, place: Place, window: Window = WHOLE, budget: Budget | None = None
    ) -> Inspection:
        """Every key in a content, and what inside it could not be read.

        Args:
            content: the bytes.
            place: what it is.
            window: which part of it is at hand.
            budget: what looking closer may cost; None for what a content of this length may.
        """
        allowed = budget or Budget(len(content))
        return contained(lambda: self._inspected(content, place, window, allowed), place.unread)

    def inspect_within(self, content: bytes, place: Place, budget: Budget) -> Inspection:
        """The same for what stood in another content, out of its budget."""
        return self.inspect(content, place, WHOLE, budget)

    def _inspected(self, content: Buffer, place: Place, window: Window, budget: Budget) -> Inspection:
        hits, is_whole = self._hits(content, budget)
        if not hits and bytes(content[:2]) not in LEADS:
            return NOTHING
        form = self._format(content, hits) if window is WHOLE else None
        if not hits:
            return NOTHING if form is None else self._opened(content, place, form, NOTHING, budget)
        # Where the bytes as they are cannot be examined, a container is opened all the same.
        plainly = contained(
            lambda: self._examiner.examine(content, hits, place, window, budget), place.unread
        )
        if not is_whole and not any(gap.reason == TOO_MUCH for gap in plainly.gaps):
            plainly += place.unread(TOO_MUCH)
        return plainly if form is None else self._opened(content, place, form, plainly, budget)

    def _hits(self, content: Buffer, budget: Budget) -> tuple[list[Hit], bool]:
        """The anchors in a content, and whether these are all: of what was unpacked no more than pays."""
        if not budget.is_unpacked or len(content) <= _SLICE:
            return self._engine.hits(content), True
        found: set[Hit] = set()
        for start in range(0, len(content), _SLICE):
            # Literals across the border of two slices are found in the first.
            hits = self._engine.hits(content[start : start + _SLICE + _LONGEST_LITERAL])
            found.update(Hit(hit.end + start, hit.anchor) for hit in hits)
            if len(found) * _HIT > budget.left:
                return sorted(found), False
        return sorted(found), True

    def _format(self, content: Buffer, hits: Sequence[Hit]) -> Format | None:
        beginning = bytes(content[:BEGINNING])
        form = recognise(beginning) if beginning[:2] in LEADS else None
        if form is None and Hit(TAR_MAGIC_END, self._tar) in hits:
            form = recognise(beginning)
        if form is None and any(
            hit.anchor == self._zip_end and hit.end + ZIP_END_REACH > len(content) for hit in hits
        ):
            form = self.opener.archive_behind(bytes(content))
        if form is None and any(self._may_be_key(content, hit) for hit in hits):
            form = recognise_text(bytes(content))
        return form

    def _may_be_key(self, content: Buffer, hit: Hit) -> bool:
        if hit.anchor not in self._prefixes or not has_body(content, hit.end, wide=False):
            return False
        # `task_` and `float_`, behind which compiled code puts the next name at once.
        anchor = self._anchors[hit.anchor]
        before = bytes(content[max(0, hit.end - anchor.length - 1) : hit.end - anchor.length])
        return not (anchor.with_body and before.islower())

    def _opened(
        self, content: Buffer, place: Place, form: Format, plainly: Inspection, budget: Budget
    ) -> Inspection:
        inside = self.opener.open_held(form, bytes(content), place, budget)
        if form.is_text:
            # Plain keys stand in both, and their own place tells the column; the rest was encoded twice.
            keys = {sighting.secret for sighting in inside.sightings}
            # What is single bytes was appended to it (`echo … >> file`); as UTF-16 it is no text.
            plain = tuple(
                sighting
                for sighting in plainly.sightings
                if sighting.secret in keys or Step.UTF16.value not in sighting.location.decoded
            )
            return Inspection(plain, plainly.gaps).and_elsewhere(inside)
        return NOTHING if inside == NOTHING == plainly else inside.and_elsewhere(plainly)

    @property
    def _witness(self) -> Witness | None:
        """What is told why each text is or is not reported."""
        return None

    @cached_property
    def opener(self) -> Opener:
        """Opens containers."""
        from keyleak.sources.opening import Opener  # noqa: PLC0415 - see the module's text

        return Opener(self)

    @cached_property
    def _examiner(self) -> Examiner:
        from keyleak.sources.examiner import Examiner, SearchedFor  # noqa: PLC0415 - see the module's text

        searched = SearchedFor(self._engine, self._plain, self._encoded)
        return Examiner(self._rulebook, searched, self._open_document, self._projects, self._witness)

    def _open_document(self, content: bytes, place: Place, budget: Budget) -> Inspection:
        return self.opener.open_encoded(content, place, budget)


def _words(anchors: Iterable[Anchor], kind: AnchorKind) -> set[str]:
    return {anchor.literal.decode() for anchor in anchors if anchor.kind is kind and not anchor.wide}

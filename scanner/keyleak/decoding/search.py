"""Keys in encoded text: from anchors through one encoding after another to matches, and back."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from keyleak.decoding.anchors import DOCUMENTS, EncodedAnchor
from keyleak.decoding.decoded import DEEPEST, PACKED, REACH, Decoded, Step
from keyleak.decoding.escapes import UNDO, continuation
from keyleak.decoding.layer import DecodedRejection, Layer, outermost, spliced
from keyleak.decoding.put_together import put_together
from keyleak.decoding.readings import readings
from keyleak.decoding.utf16 import is_utf16, narrowed
from keyleak.matching.anchors import AnchorKind
from keyleak.matching.spans import Spans
from keyleak.on_use import on_use
from keyleak.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from keyleak.matching.budget import Budget
    from keyleak.matching.engine import Engine, Hit
    from keyleak.matching.match import Match
    from keyleak.matching.matcher import Matcher

_DOCUMENTS: Final = (*DOCUMENTS, b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
# Where there is an alignment for other anchors: a document in the text of another one is part of it.
_DOCUMENT: Final = -2
# How far from a value a word may stand that it is given to.
_NAME_BEFORE: Final = 640
_NAME_BEHIND: Final = 512
# What a look at an encoded text costs besides its length.
_LOOK: Final = 8192
# What each escape costs that is undone, and each line that is put together.
_SEGMENT: Final = 96
# What each anchor costs that stands in or around what was decoded: all of them are looked at anew.
_HIT: Final = 64
# A key this far before the end of what was decoded has been looked at whole.
_TAIL: Final = 2048
# Inside decoded data, where it is short, every run that may be encoded once more is tried.
_SHORT: Final = 256 << 10
_MOST_BARREN: Final = 4096
_AGAIN: Final = on_use(
    rb"(?P<hex>(?:[0-9a-f]{2}){24,}|(?:[0-9A-F]{2}){24,})(?![0-9A-Za-z])|(?P<base64>[A-Za-z0-9+/_-]{24,})"
    rb"|(?P<percent>(?:%[2-7][0-9A-Fa-f]){8})|(?P<escape>(?:\\{1,8}(?:x|u00)[2-7][0-9A-Fa-f]){8})"
    rb"|(?P<html>(?:&#x?[0-9A-Fa-f]{2,3};){8})|(?P<quoted>(?:=[2-7][0-9A-F]){8})"
)
_AGAIN_STEPS: Final[Mapping[str, Step]] = {
    "hex": Step.HEX,
    "base64": Step.BASE64,
    "percent": Step.PERCENT,
    "escape": Step.ESCAPE,
    "html": Step.HTML,
    "quoted": Step.QUOTED_PRINTABLE,
}


@dataclass(frozen=True, slots=True)
class DecodedMatch:
    """A key in encoded text."""

    match: Match
    """As it stands in the decoded text, with the statement that the decoded text makes with its line."""
    place: int
    """Offset of the encoded text."""
    origin: int
    """Offset of what encodes its first character."""
    end: int
    """Offset just after what encodes its last."""
    steps: tuple[Step, ...]

    @property
    def is_unpacked(self) -> bool:
        """Whether it was compressed."""
        return not PACKED.isdisjoint(self.steps)


@dataclass(frozen=True, slots=True)
class Document:
    """A compressed document or an archive in encoded text."""

    data: bytes
    place: int
    end: int
    steps: tuple[Step, ...]


class EncodedSearch:
    """Finds keys in encoded text. Holds compiled rules only."""

    def __init__(
        self,
        engine: Engine,
        matcher: Matcher,
        plain: int,
        encoded: Sequence[EncodedAnchor],
        unpack: Callable[[bytes], tuple[Step, bytes] | None],
    ) -> None:
        """Make ready.

        Args:
            engine: finds plain anchors and, numbered behind them, encoded ones.
            matcher: finds plain keys.
            plain: how many plain anchors there are.
            encoded: the encoded ones.
            unpack: how a text was compressed and what it says; None for what is no short text.
        """
        self._unpack = unpack
        self._engine = engine
        self._matcher = matcher
        self._plain = plain
        self._encoded = encoded

    def find(
        self,
        text: bytes,
        hits: Iterable[Hit],
        owned: range | None,
        budget: Budget,
        reject: Callable[[DecodedRejection], None] | None = None,
    ) -> list[DecodedMatch | Document]:
        """Every key in the encoded texts of a content, and what is to be opened, in order of place.

        Args:
            text: the content.
            hits: anchors found in it.
            owned: offsets in which an anchor must end to count.
            budget: what decoding may cost; if nothing is left of it afterwards, something was not decoded.
            reject: told of what is no key, where somebody wants to know.
        """
        known = self._plain + len(self._encoded)
        wanted = [hit for hit in hits if hit.anchor < known and (owned is None or hit.end in owned)]
        layer = outermost(text, reject)
        found: dict[tuple[int, bytes], DecodedMatch | Document] = {}
        for each in self._in_layer(layer, wanted, budget):
            key = (
                (each.origin, each.match.secret.reveal())
                if isinstance(each, DecodedMatch)
                else (each.place, b"")
            )
            if key not in found or len(found[key].steps) > len(each.steps):
                found[key] = each
        return sorted(_without_half_decoded(list(found.values())), key=lambda each: each.place)

    def _in_layer(
        self, layer: Layer, hits: Iterable[Hit], budget: Budget
    ) -> Iterator[DecodedMatch | Document]:
        covered: dict[tuple[Step, int], int] = {}
        looked: set[tuple[Step, int]] = set()
        for hit in hits:
            anchor = self._encoded[hit.anchor - self._plain] if hit.anchor >= self._plain else None
            for decoded in self._readings(layer, hit, anchor, covered):
                if not budget.spend(_cost(decoded)):
                    return
                if anchor and anchor.opens and decoded.data.startswith(_DOCUMENTS):
                    yield from self._in_document(layer, decoded, budget)
                    continue
                looked.add((decoded.step, decoded.start))
                if not (anchor and anchor.needs_context) and not self._is_promising(decoded):
                    continue
                found = list(self._inside(layer, decoded, budget))
                yield from found
                if found:
                    break
        if layer.steps:
            yield from self._again(layer, looked, budget)

    def _readings(
        self, layer: Layer, hit: Hit, anchor: EncodedAnchor | None, covered: dict[tuple[Step, int], int]
    ) -> Iterator[Decoded]:
        if anchor is None:
            yield from _gone_on(layer, hit, covered)
            return
        # Base64 is decoded anew for another alignment, the rest once for a stretch of text.
        start = hit.end - len(anchor.literal)
        key = (anchor.step, (start - anchor.phase) % 4 if anchor.step is Step.BASE64 else 0)
        if anchor.opens:
            key = (anchor.step, _DOCUMENT)
        if hit.end < covered.get(key, 0):
            return
        for decoded in chain(
            put_together(layer.text, anchor, hit.end), readings(layer.text, anchor, hit.end)
        ):
            until = decoded.end if anchor.opens else _covered_until(decoded, hit)
            covered[key] = max(covered.get(key, 0), until)
            yield decoded

    def _in_document(
        self, layer: Layer, decoded: Decoded, budget: Budget
    ) -> Iterator[DecodedMatch | Document]:
        """Compressed text that is short is read with its line; all else is left to be opened."""
        unpacked = self._unpack(decoded.data)
        if unpacked is not None:
            inner = spliced(layer, decoded)
            start, stop = inner.span
            text = Decoded(unpacked[0], unpacked[1], start, stop, ((0, start),), (0, 1), whole=True)
            found = list(self._inside(inner, text, budget)) if budget.spend(len(text.data) + _LOOK) else []
            yield from found
            if found:
                return
        steps = (*layer.steps, decoded.step)
        yield Document(decoded.data, layer.place(decoded.place(0)), layer.origin(decoded.end), steps)

    def _is_promising(self, decoded: Decoded) -> bool:
        """Whether it is worth looking at together with its line."""
        data = decoded.data
        return bool(self._engine.hits(data) or _AGAIN.search(data, 0, _SHORT) or is_utf16(data))

    def _inside(self, layer: Layer, decoded: Decoded, budget: Budget) -> Iterator[DecodedMatch | Document]:
        inner = spliced(layer, decoded)
        digest = inner.digest
        if digest in inner.barren:
            return
        found = list(self._looked_into(inner, decoded, budget))
        yield from found
        if not found and len(inner.barren) < _MOST_BARREN:
            inner.barren.add(digest)

    def _looked_into(
        self, inner: Layer, decoded: Decoded, budget: Budget
    ) -> Iterator[DecodedMatch | Document]:
        start, stop = inner.span
        if is_utf16(decoded.data) and len(inner.steps) < DEEPEST:
            yield from self._inside(inner, narrowed(inner.text, start, stop), budget)
            return
        hits = self._engine.hits(inner.text)
        if not budget.spend(_HIT * len(hits)):
            return
        near = range(start - _NAME_BEFORE, stop + _NAME_BEHIND)
        plain = [
            hit for hit in hits if hit.anchor < self._plain and (hit.end in near or not self._is_stem(hit))
        ]
        # UTF-16 in the decoded text is aligned with it, not with the text around it.
        for match in self._matcher.confirmed(
            inner.text, plain, budget, owned=range(start, stop + 1), offset=start % 2
        ):
            if match.start < stop and match.end > start and _is_changed(match, inner):
                yield _as_decoded(match, inner)
        self._tell_rejected(inner, plain)
        known = self._plain + len(self._encoded)
        within = [hit for hit in hits if hit.anchor < known and start < hit.end <= stop]
        if len(inner.steps) < DEEPEST:
            yield from self._in_layer(inner, within, budget)
        elif any(hit.anchor >= self._plain for hit in within):
            budget.is_too_deep = True

    def _is_stem(self, hit: Hit) -> bool:
        return self._matcher.rules.anchors[hit.anchor].kind is AnchorKind.STEM

    def _tell_rejected(self, layer: Layer, plain: Sequence[Hit]) -> None:
        if layer.reject is None:
            return
        start, stop = layer.span
        owned = range(start, stop + 1)
        for each in self._matcher.rejected(layer.text, plain, owned=owned, offset=start % 2):
            if start <= each.start < stop:
                layer.reject(DecodedRejection(each, layer.place(each.start), layer.steps))

    def _again(
        self, layer: Layer, looked: set[tuple[Step, int]], budget: Budget
    ) -> Iterator[DecodedMatch | Document]:
        """Runs in decoded data that may be encoded once more, though no literal says so.

        Args:
            layer: the decoded data.
            looked: what was decoded of it already: the encoding, and where it begins.
            budget: what decoding may cost.
        """
        start, stop = layer.span
        if stop - start > _SHORT:
            return
        undone = start
        for run in _AGAIN.finditer(layer.text, start, stop):
            step = _AGAIN_STEPS[run.lastgroup or ""]
            # Escapes are undone in the whole line at once.
            if step in UNDO and run.start() < undone:
                continue
            anchor = EncodedAnchor(step, run[0][:4])
            decoded = next(readings(layer.text, anchor, run.start() + 4), None)
            if decoded is None:
                continue
            if not budget.spend(_cost(decoded)):
                return
            undone = decoded.end if step in UNDO else undone
            if (step, decoded.start) in looked:
                continue
            if self._is_promising(decoded):
                yield from self._inside(layer, decoded, budget)


def _without_half_decoded(found: list[DecodedMatch | Document]) -> list[DecodedMatch | Document]:
    """What was found, but for text decoded halfway.

    That is what its name alone made a key of, and what shows through where a packed text was not compressed.
    """
    depths = {len(each.steps) for each in found}
    deeper = {
        depth: Spans((each.place, each.end) for each in found if len(each.steps) > depth) for depth in depths
    }
    packed = Spans(
        (each.place, each.end) for each in found if isinstance(each, DecodedMatch) and each.is_unpacked
    )

    def is_half_decoded(each: DecodedMatch) -> bool:
        around = packed if each.match.prefix else deeper[len(each.steps)]
        return not (each.match.prefix and each.is_unpacked) and around.overlap(each.origin, each.end)

    return [each for each in found if isinstance(each, Document) or not is_half_decoded(each)]


def _cost(decoded: Decoded) -> int:
    """What it cost to undo an encoding, and will to look at what it says."""
    return len(decoded.data) + _SEGMENT * len(decoded.segments) + _LOOK


def _gone_on(layer: Layer, hit: Hit, covered: dict[tuple[Step, int], int]) -> Iterator[Decoded]:
    """A plain key that breaks off at an escape, with that kind of escape undone."""
    goes_on = continuation(layer.text, hit.end)
    if goes_on is None or hit.end < covered.get((goes_on[0], -1), 0):
        return
    step, end = goes_on
    decoded = UNDO[step](layer.text, hit.end, end)
    if decoded is not None:
        covered[step, -1] = _covered_until(decoded, hit)
        yield decoded


def _covered_until(decoded: Decoded, hit: Hit) -> int:
    """How far hits have been looked at with this one: to the end, or less where reach ended it."""
    return decoded.end if decoded.end < hit.end + REACH else decoded.end - _TAIL


def _is_changed(match: Match, layer: Layer) -> bool:
    """Whether the key itself was encoded, not only something beside it."""
    return layer.origin(match.end) - layer.origin(match.start) != match.end - match.start


def _as_decoded(match: Match, layer: Layer) -> DecodedMatch:
    steps = (*layer.steps, Step.UTF16) if match.wide else layer.steps
    # Of what was packed no part has a place of its own.
    last = match.end if PACKED.isdisjoint(steps) else max(match.end, layer.span[1])
    end = max(layer.origin(last), layer.origin(match.end - 1) + 1)
    return DecodedMatch(match, layer.place(match.start), layer.origin(match.start), end, steps)

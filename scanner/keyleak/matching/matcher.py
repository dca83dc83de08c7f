"""Content in, matches out: anchors, views, confirmation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.matching.anchors import AnchorKind
from keyleak.matching.assigned import Assigned, claimed_shapes, refused_values
from keyleak.matching.boundary import is_left_boundary
from keyleak.matching.budget import FOR_A_KEY, Budget
from keyleak.matching.compiled import compile_rules
from keyleak.matching.engine import fastest_engine, has_body
from keyleak.matching.joined import Joined, joined_keys
from keyleak.matching.judge import KeyJudge
from keyleak.matching.match import GivenBy, Match, Recipient, Rejection
from keyleak.matching.prefixed import Shaped, counted_key, emphasised_key, key_run, misfit_reason
from keyleak.matching.spans import Spans
from keyleak.matching.statement import around, statement_around
from keyleak.matching.view import View, narrow_view
from keyleak.matching.viewing import Viewing
from keyleak.records import replace
from keyleak.rulebook.model import FoundBy
from keyleak.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyleak.matching.engine import Buffer, Engine, Hit
    from keyleak.rulebook.model import KeyRule, Rulebook


# What may follow the first piece of a key that is put together.
_GOES_ON: Final = re.compile(
    rb"[A-Za-z0-9_+/=-]{0,260}+(?:\\{0,3}[\"'`](?:[\s+.&~,<|\\\"'`)\]};:#/-]|[A-Za-z0-9])"
    rb"|[$#]?\{|\\\(|%[0-9sv]|\$[A-Za-z_]|\\?\r?\n|\\n\\|;|</?[A-Za-z])"
)


# What it costs to look for the rest of a key that only begins, besides the pieces that are found.
_BEGINNING: Final = 6144
# The same behind a whole key.
_BEHIND: Final = 2048
# What it costs to look at a prefix word, and around a part of a context word.
_PREFIX: Final = 128
_STEM: Final = 768
_LONGEST_PREFIX: Final = 64


class Matcher:
    """Finds keys in contents. Holds compiled rules only, nothing of what it saw."""

    def __init__(self, rulebook: Rulebook, engine: Engine | None = None) -> None:
        """Compile the rules.

        Args:
            rulebook: the rules.
            engine: None takes Hyperscan where it is installed and `re` elsewhere.
        """
        self.rules = compile_rules(rulebook)
        self._judge = KeyJudge(self.rules)
        self._engine = engine or fastest_engine(self.rules.anchors)

    def match(self, content: Buffer, *, owned: range | None = None, offset: int = 0) -> list[Match]:
        """Every key in a content, in order of offset.

        Args:
            content: the bytes, in any encoding.
            owned: offsets within `content` in which an anchor must end to count; a window of a longer
                content leaves its margins to its neighbours.
            offset: where `content` begins in the whole; tells the byte order of UTF-16.
        """
        hits = self._engine.hits(content)
        if not hits:
            return []
        return self.confirmed(content, hits, Budget(len(content)), owned=owned, offset=offset)

    def rejections(self, content: Buffer, *, owned: range | None = None, offset: int = 0) -> list[Rejection]:
        """Key-shaped texts that are no keys, and why; the parameters are those of `match`."""
        return self.rejected(content, self._engine.hits(content), owned=owned, offset=offset)

    def rejected(
        self, content: Buffer, hits: Iterable[Hit], *, owned: range | None = None, offset: int = 0
    ) -> list[Rejection]:
        """The same among anchors that were found in a content; see `confirmed`."""
        found: dict[int, Rejection] = {}
        viewing = Viewing(content, offset, self.rules)
        for hit in hits:
            if self._is_prefix_with_body(content, hit) and (owned is None or hit.end in owned):
                rejection = self._rejection(viewing.of(hit), hit)
                if rejection:
                    found[rejection.start] = rejection
            elif self.rules.anchors[hit.anchor].kind is AnchorKind.STEM:
                for rejection in self._refused(viewing.of(hit), hit):
                    if owned is None or rejection.start in owned:
                        found.setdefault(rejection.start, rejection)
        return sorted(found.values(), key=lambda rejection: rejection.start)

    def _rejection(self, view: View, hit: Hit) -> Rejection | None:
        start = view.anchor_end - self.rules.anchors[hit.anchor].length
        if start < 0 or not self.rules.prefixes.match(view.text, start):
            return None
        shaped = self._shaped(view, hit)
        if shaped is None and self.rules.anchors[hit.anchor].with_body:
            return None  # words that end like a short prefix are no misfits of it
        reason = self._judge.no_key_reason(view.text, shaped) if shaped else misfit_reason(view.text, start)
        if reason is None:
            return None
        return Rejection(view.offset(start), view.wide, Secret(key_run(view.text, start)).redacted(), reason)

    def _refused(self, view: View, hit: Hit) -> Iterator[Rejection]:
        """Values without a telling prefix that stand where a key would."""
        for (first, last), reason in refused_values(view.text, self._span(view, hit), self.rules):
            redacted = Secret(view.text[first:last]).redacted()
            yield Rejection(view.offset(first), view.wide, redacted, reason)

    def confirmed(
        self,
        content: Buffer,
        hits: Iterable[Hit],
        budget: Budget,
        *,
        owned: range | None = None,
        offset: int = 0,
    ) -> list[Match]:
        """The keys among anchors that were found in a content.

        Args:
            content: see `match`.
            hits: the anchors, in order.
            budget: what putting pieces together may cost. Keys in one piece are found whatever is left of it,
                and each different one adds to it.
            owned: see `match`.
            offset: see `match`.
        """
        prefixed: dict[tuple[int, Secret], Match] = {}
        assigned: dict[int, Match] = {}
        recipients: dict[int, set[Recipient]] = {}
        viewing = Viewing(content, offset, self.rules)
        seen: set[Secret] = set()
        for hit in hits:
            anchor = self.rules.anchors[hit.anchor]
            if anchor.kind is not AnchorKind.STEM:
                if (owned is None or hit.end in owned) and _may_look(budget):
                    for match in self._begun_at(viewing, hit, budget):
                        prefixed[match.start, match.secret] = match
                        _grant(budget, match, seen)
                continue
            everywhere = budget.spend(_STEM)
            if budget.is_unpacked and not everywhere:
                break
            view, assignments = viewing.with_assignments(hit)
            within = _owned_in(view, owned)
            for value in assignments.at(self._span(view, hit), within, everywhere=everywhere):
                start = view.offset(value.start)
                recipients.setdefault(start, set()).add(Recipient(value.issuer, value.by))
                if value.prefix or not self.rules.family.match(view.text, value.start):
                    known = assigned.get(start)
                    # Several words may give the same value to the same issuer.
                    if known is None or known.shapes != (value.rule,) or known.end != view.offset(value.end):
                        _assign(assigned, start, _assigned_match(view, value))
                        _grant(budget, assigned[start], seen)
        begun = _not_outranked(prefixed.values(), assigned.values())
        return _merged(begun, assigned, recipients, owned)

    def _begun_at(self, viewing: Viewing, hit: Hit, budget: Budget) -> list[Match]:
        """Keys that begin with an anchor: with a prefix word, or with a part of one."""
        if self.rules.anchors[hit.anchor].kind is AnchorKind.SPLIT:
            return self._split(viewing.content, hit, budget)
        return self._prefixed(viewing, hit, budget)

    def _is_prefix_with_body(self, content: Buffer, hit: Hit) -> bool:
        anchor = self.rules.anchors[hit.anchor]
        return anchor.kind is AnchorKind.PREFIX and has_body(content, hit.end, wide=anchor.wide)

    def _span(self, view: View, hit: Hit) -> tuple[int, int]:
        return view.anchor_end - self.rules.anchors[hit.anchor].length, view.anchor_end

    def _prefixed(self, viewing: Viewing, hit: Hit, budget: Budget) -> list[Match]:
        content = viewing.content
        goes_on = not self.rules.anchors[hit.anchor].wide and _GOES_ON.match(content, hit.end)
        if not goes_on and not self._is_prefix_with_body(content, hit):
            return []
        view = viewing.of(hit)
        shaped = self._shaped(view, hit)
        if goes_on and budget.left:
            near = narrow_view(content, hit.end)
            shift = near.base - view.base
            here = shaped and replace(shaped, start=shaped.start - shift, end=shaped.end - shift)
            if joined := self._put_together(near, self._span(near, hit)[0], here, budget):
                return joined
        if shaped is None or self._judge.no_key_reason(view.text, shaped):
            return []
        return [_match(view, shaped.start, shaped.end, shaped.prefix, shaped.rules)]

    def _split(self, content: Buffer, hit: Hit, budget: Budget) -> list[Match]:
        """Keys whose prefix word itself is split."""
        if not budget.left:
            return []
        view, anchor = narrow_view(content, hit.end), self.rules.anchors[hit.anchor]
        quote = int(anchor.literal[:1] in b"\"'`")
        return self._put_together(view, view.anchor_end - anchor.length + quote, None, budget)

    def _put_together(self, view: View, start: int, plain: Shaped | None, budget: Budget) -> list[Match]:
        """The keys that are put together of pieces from `start` on, each as long as it gets.

        Args:
            view: the neighbourhood.
            start: where the first piece begins in it.
            plain: what has a key's shape there in one piece.
            budget: see `confirmed`.
        """
        if start < 0 or not is_left_boundary(view.text, start):
            return []
        if not budget.spend(_BEGINNING if plain is None else _BEHIND):
            return []
        found: dict[bytes, tuple[Joined, Shaped]] = {}
        for joined in joined_keys(view.text, start, self.rules, budget):
            shaped = self._judge.shaped(joined.key, 0)
            if shaped is None or self._judge.no_key_reason(joined.key, shaped):
                continue
            if shaped.end > joined.first_length and (
                not joined.loosely or _tells_more(joined, shaped, plain)
            ):
                found.setdefault(joined.key[: shaped.end], (joined, shaped))
        return [
            _joined_match(view, *found[key])
            for key in found
            if not any(other != key and other.startswith(key) for other in found)
        ]

    def _shaped(self, view: View, hit: Hit) -> Shaped | None:
        start = view.anchor_end - self.rules.anchors[hit.anchor].length
        if start < 0:
            return None
        shaped = emphasised_key(view.text, start, self.rules) or self._judge.shaped(view.text, start)
        # The length says where a key ends, if what follows looks like more of it.
        if shaped is None or not shaped.is_telling:
            shaped = counted_key(view.text, start, self.rules) or shaped
        if shaped is None:
            return None
        claimed = claimed_shapes(view.text, shaped, self.rules)
        return replace(shaped, rules=claimed) if claimed else None


def _tells_more(joined: Joined, shaped: Shaped, plain: Shaped | None) -> bool:
    """Whether it is surely one key, though hardly anything says that its pieces belong together."""
    if joined.by_lines and not (
        shaped.is_telling and (plain is None or _is_drawn(joined.key[joined.first_length : shaped.end]))
    ):
        return False
    return plain is None or shaped.strength_rank < plain.strength_rank


def _is_drawn(rest: bytes) -> bool:
    """Whether what is put behind a key in one piece is no word: it has digits, or letters of both cases."""
    return rest.lower() != rest != rest.upper() or any(each in b"0123456789" for each in rest)


def _may_look(budget: Budget) -> bool:
    """Whether an anchor that a key may begin with is looked at: always, unless little was made much."""
    return not budget.is_unpacked or budget.spend(_PREFIX)


def _grant(budget: Budget, match: Match, seen: set[Secret]) -> None:
    """Allow for what a whole key costs that is not known yet."""
    if not match.pieces and match.secret not in seen:
        seen.add(match.secret)
        budget.grant(FOR_A_KEY)


def _match(view: View, start: int, end: int, prefix: str, rules: tuple[KeyRule, ...]) -> Match:
    content_start = view.offset(start)
    return Match(
        secret=Secret(view.text[start:end]),
        start=content_start,
        end=content_start + (end - start) * view.step,
        wide=view.wide,
        prefix=prefix,
        shapes=rules,
        # A rule with names of its own is left only where the key is given to one of them.
        assigned_to=frozenset(
            Recipient(rule.issuer, GivenBy.NAME) for rule in rules if rule.names and rule.prefixes
        ),
        statement=statement_around(view.text, start, end),
        around=around(view.text, start, end),
    )


def _joined_match(view: View, joined: Joined, shaped: Shaped) -> Match:
    whole = _match(view, *joined.span, shaped.prefix, shaped.rules)
    return replace(
        whole,
        secret=Secret(joined.key[: shaped.end]),
        start=view.offset(joined.pieces[0][0]),
        end=view.offset(max(end for _, end in joined.pieces)),
        pieces=tuple((view.offset(first), view.offset(last)) for first, last in joined.pieces),
    )


def _assigned_match(view: View, value: Assigned) -> Match:
    return _match(view, value.start, value.end, value.prefix, (value.rule,))


def _assign(assigned: dict[int, Match], start: int, match: Match) -> None:
    """Keep what was found last, but nothing by a repository's rule in the place of a trusted one's."""
    before = assigned.get(start)
    if before is None or match.is_trusted or not before.is_trusted:
        assigned[start] = match


def _not_outranked(prefixed: Iterable[Match], assigned: Iterable[Match]) -> list[Match]:
    """Keys found by their prefix, without those of a repository's rules where a trusted rule has a value."""
    every = list(prefixed)
    if all(match.is_trusted for match in every):
        return every
    trusted = Spans((match.start, match.end) for match in assigned if match.is_trusted)
    return [match for match in every if match.is_trusted or not trusted.overlap(match.start, match.end)]


def _with_shapes(match: Match, assigned: Match | None) -> Match:
    """A key found by a prefix that others use too, where the value is another issuer's by assignment."""
    if assigned is None or all(rule.found_by is FoundBy.PREFIX for rule in match.shapes):
        return match
    others = (rule for rule in assigned.shapes if rule not in match.shapes)
    return replace(match, shapes=(*match.shapes, *others))


def _given_to(match: Match, recipients: set[Recipient]) -> Match:
    return replace(match, assigned_to=match.assigned_to | recipients) if recipients else match


def _owned_in(view: View, owned: range | None) -> range | None:
    """Indexes of a view at which a value counts; a prefix word ends in what is owned and begins before it."""
    if owned is None or view.wide:
        return None
    return range(owned.start - view.base - _LONGEST_PREFIX, owned.stop - view.base)


def _is_owned(match: Match, owned: range | None) -> bool:
    return owned is None or match.start in owned


def _merged(
    begun: Sequence[Match],
    assigned: Mapping[int, Match],
    recipients: Mapping[int, set[Recipient]],
    owned: range | None,
) -> list[Match]:
    """Matches by prefix and by assignment in order, one for each span, with whom each is given to."""
    merged = [
        _given_to(_with_shapes(match, assigned.get(match.start)), recipients.get(match.start, set()))
        for match in begun
    ]
    taken = Spans(span for match in begun for span in match.pieces or ((match.start, match.end),))
    merged += [
        _given_to(match, recipients[match.start])
        for match in assigned.values()
        if _is_owned(match, owned) and not taken.overlap(match.start, match.end)
    ]
    return sorted(merged, key=lambda match: match.start)

"""Keys found by their prefix word: left boundary, shape, right boundary, then what is no key after all."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from keyleak.findings import Strength
from keyleak.matching.boundary import is_left_boundary
from keyleak.matching.engine import MAX_BODY
from keyleak.matching.entropy import shannon_entropy
from keyleak.matching.placeholders import placeholder_reason
from keyleak.records import dataclass

if TYPE_CHECKING:
    from keyleak.matching.compiled import CompiledRules, Shape
    from keyleak.rulebook.model import KeyRule

_STRENGTHS: Final = (Strength.DECISIVE, Strength.STRONG, Strength.WEAK)
# What follows a key that somebody shortened or that a program completes: `sk_live_abc…`, `sk_live_abc${id}`.
# Two or three stars without more are the end of bold type in Markdown.
_CUT_OFF: Final = re.compile(rb"\.\.\.|\xe2\x80\xa6|\*{4}|\*{2,3}[A-Za-z0-9]|\$\{|#\{|\{\{|%[sd]")
# Signs that bodies may hold and texts put around a key.
_SIGNS: Final = frozenset({b"_", b"-", b"+", b"="})
_MOST_SIGNS: Final = 8
_LONGEST_RUN: Final = MAX_BODY + 64
_NEAR_RUN: Final = re.compile(rb"[A-Za-z0-9_+/=-]{0,%d}" % _LONGEST_RUN)
# How much of a line is looked at for what opens or closes emphasis and word diffs.
_LINE: Final = 512
_WORD_DIFF: Final = {b"-]": b"[-", b"+}": b"{+"}
_EMPHASIS: Final = re.compile(rb"(?<![A-Za-z0-9_])(_{1,3})(?=[^\s_])")
_EMPHASIS_END: Final = re.compile(rb"(?<=[^\s_])(_{1,3})(?![A-Za-z0-9_])")
_KEY_RUN: Final = re.compile(rb"[A-Za-z0-9_+/=-]+")
CUT_OFF: Final = "cut off or completed by a program"
_SHORT_BODY: Final = 24
# Byte strings and texts whose length is in the next byte (RFC 8949, 3.1).
_CBOR_STRINGS: Final = frozenset(b"Xx")
_NEAR: Final = 64
# Control characters are lengths up to here.
_LONGEST_NAME: Final = 31
_NAME: Final = re.compile(rb"[A-Za-z0-9_.:/-]+\Z")
_WRITTEN_BYTES: Final = frozenset(b"\t\n\r") | frozenset(range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Shaped:
    """A text with the shape of a key."""

    start: int
    end: int
    prefix: str
    rules: tuple[KeyRule, ...]

    @property
    def strength_rank(self) -> int:
        """0 where its shape is decisive, more where it says less."""
        return min(_STRENGTHS.index(rule.strength) for rule in self.rules)

    @property
    def is_telling(self) -> bool:
        """Whether hardly anything else has its shape."""
        return any(rule.strength is not Strength.WEAK for rule in self.rules)


def shaped_key(text: bytes, start: int, rules: CompiledRules) -> Shaped | None:
    """The key that begins at `start`, whole, or None where the text has no rule's shape.

    Args:
        text: single-byte text.
        start: index of a prefix word.
        rules: the compiled rules.
    """
    word = prefix_at(text, start, rules)
    return None if word is None else shaped_behind(text, start, word, rules)


def counted_key(text: bytes, start: int, rules: CompiledRules) -> Shaped | None:
    """The key that begins at `start`, where a binary format keeps its length before it.

    The length may look like a letter, as what follows may: property lists, MessagePack, pickles, CBOR, Redis
    dumps, Avro, Android's string tables.
    """
    number = _number_before(text, start)
    # Avro writes twice the length, in a byte that is not zero.
    doubled = number // 2 if text[start - 1 : start] != b"\0" else 0
    for length in filter(None, (number, doubled)):
        whole = text[start : start + length]
        shaped = shaped_key(whole, 0, rules)
        if shaped is not None and shaped.end == len(whole) == length:
            return Shaped(start, start + shaped.end, shaped.prefix, shaped.rules)
    return None


def emphasised_key(text: bytes, start: int, rules: CompiledRules) -> Shaped | None:
    """The key that begins at `start`, where signs that bodies may hold stand behind it and are none of it.

    The same signs before the key and behind it belong to the text around: emphasis (`_K_`, `__K__`), word
    diffs (`[-K-]`, `{+K+}`), comments (`<!--K-->`); so do the hyphens of an arrow. Of signs that stand behind
    the key alone nothing says that they are not its last characters, unless they close what was opened before
    on the line (`_our key is K_`, `[-NAME=K-]`).
    """
    run = _NEAR_RUN.match(text, start)
    run_end = run.end() if run else start
    if run_end - start >= _LONGEST_RUN:
        return None
    end = _end_without_signs(text, start, run_end)
    whole = text[start:end]
    is_inside = end < run_end or _opens_emphasis(text, start)
    shaped = shaped_key(whole, 0, rules) if is_inside else None
    if shaped is None or shaped.end != len(whole):
        return None
    return Shaped(start, end, shaped.prefix, shaped.rules)


def _end_without_signs(text: bytes, start: int, end: int) -> int:
    """Where a run of key characters ends without the signs that are none of it."""
    sign = text[end - 1 : end]
    if sign not in _SIGNS:
        return end
    bare = start + len(text[start:end].rstrip(sign))
    if is_left_boundary(text, start) and _closes(text, start, bare, end):
        return bare
    near = text[max(0, start - _MOST_SIGNS) : start]
    before = len(near) - len(near.rstrip(sign))
    if before and not is_left_boundary(text, start - before):
        return end
    is_arrow = sign == b"-" and text.startswith(b">", end)
    return bare if before == end - bare or is_arrow else end


def _closes(text: bytes, start: int, bare: int, end: int) -> bool:
    """Whether the signs between `bare` and `end` close what was opened before the key, on its line."""
    signs, behind = text[bare:end], text[end : end + 1]
    line = text[max(0, start - _LINE) : start].rpartition(b"\n")[2]
    if bracket := _WORD_DIFF.get(signs + behind):
        return line.rfind(bracket) > line.rfind(signs + behind)
    if not signs.startswith(b"_") or behind.isalnum():
        return False
    opened = [found[1] for found in _EMPHASIS.finditer(line)].count(signs)
    closed = [found[1] for found in _EMPHASIS_END.finditer(line)].count(signs)
    return opened > closed


def _opens_emphasis(text: bytes, start: int) -> bool:
    """Whether underscores before `start` open emphasis that ends later on the line: `_KEY is the key_`."""
    before = text[max(0, start - _MOST_SIGNS) : start]
    signs = before[len(before.rstrip(b"_")) :]
    if not signs or not is_left_boundary(text, start - len(signs)):
        return False
    line = text[start : start + _LINE].partition(b"\n")[0]
    return any(found[1] == signs for found in _EMPHASIS_END.finditer(line))


def _number_before(text: bytes, start: int) -> int:
    """The number before an index: in two or four bytes of which the others are zero, or in one byte.

    One byte that could be a letter of a word counts only behind a byte that no text has, or near one where it
    follows the same number again, the mark of a string in CBOR, or a name that has its own length before it.
    """
    number = text[max(0, start - 4) : start]
    if number[-1:] == b"\0":
        if number[1:] == b"\0\0\0":
            return number[0]
        # In text the byte is what ends what was written before. Two bytes of which one is zero are soon there
        # by chance: what is behind the key has to be the next such number, or nothing.
        near = text[max(0, start - _NEAR) : start].replace(b"\0", b"")
        length = number[-2] if len(number) > 1 and _is_binary(near) else 0
        following = text[start + length : start + length + 2]
        return length if following[1:] == b"\0" or start + length == len(text) else 0
    if len(number) < 2 or not number[-1:].isalnum():
        return 0
    before = number[-2]
    if before not in _WRITTEN_BYTES:
        return number[-1]
    is_number = before in {number[-1], *_CBOR_STRINGS} or _ends_counted_name(text, start - 1)
    return number[-1] if is_number and _is_binary(text[max(0, start - _NEAR) : start]) else 0


def _is_binary(text: bytes) -> bool:
    return not _WRITTEN_BYTES.issuperset(text)


def _ends_counted_name(text: bytes, end: int) -> bool:
    """Whether a name ends at an index whose length, in a byte that is no letter, is before it."""
    name = _NAME.search(text, max(0, end - _LONGEST_NAME), end)
    if name is None or not name.start():
        return False
    length = end - name.start()
    return text[name.start() - 1] in {length, 2 * length}


def prefix_at(text: bytes, start: int, rules: CompiledRules) -> str | None:
    """The prefix word that begins at `start` and no longer word."""
    prefix = rules.prefixes.match(text, start)
    return prefix[0].decode() if prefix and is_left_boundary(text, start) else None


def shaped_behind(text: bytes, start: int, word: str, rules: CompiledRules) -> Shaped | None:
    """The key that begins at `start` with a prefix word; it depends on what follows alone."""
    # Fifty issuers have the same idea of a body: how mixed it is, is told once.
    entropies: dict[int, float] = {}
    body = start + len(word)
    found = [
        (shape, end) for shape in rules.shapes[word] if (end := _end_of(shape, text, start, body, entropies))
    ]
    for strength in _STRENGTHS:
        ends = [end for shape, end in found if shape.rule.strength is strength]
        if ends:
            end = max(ends)
            matching = tuple(shape.rule for shape, shape_end in found if shape_end == end)
            return Shaped(start, end, word, matching)
    return None


def _end_of(shape: Shape, text: bytes, start: int, body: int, entropies: dict[int, float]) -> int | None:
    found = shape.pattern.match(text, start)
    if found is None:
        return None
    end = found.end()
    if end not in entropies:
        entropies[end] = shannon_entropy(text[body:end])
    if entropies[end] < shape.rule.min_entropy:
        return None
    if shape.decodes_to is not None and not _decodes(text[body:end], shape.decodes_to):
        return None
    return end


def _decodes(body: bytes, expected: re.Pattern[bytes]) -> bool:
    stripped = body.rstrip(b"=")
    try:
        decoded = base64.b64decode(stripped + b"=" * (-len(stripped) % 4), validate=True)
    except binascii.Error:
        return False
    return expected.fullmatch(decoded) is not None


def is_cut_off(text: bytes, shaped: Shaped) -> bool:
    """Whether what follows says that somebody shortened it or that a program completes it."""
    length = shaped.end - shaped.start - len(shaped.prefix)
    return _only_weak(shaped) and length < _SHORT_BODY and _CUT_OFF.match(text, shaped.end) is not None


def body_reason(body: bytes, rules: CompiledRules) -> str | None:
    """Why a body is no key's, whatever stands around it."""
    if rules.is_sample(body):
        return "a sample that its vendor publishes"
    return placeholder_reason(body.decode("ascii"), rules.placeholders)


def misfit_reason(text: bytes, start: int) -> str:
    """Why what begins with a prefix word has the shape of no rule."""
    if not is_left_boundary(text, start):
        return "its beginning is the end of a longer word"
    length = len(key_run(text, start))
    return f"no rule has a key like that: {length} characters with the prefix, or too few different ones"


def key_run(text: bytes, start: int) -> bytes:
    """All key characters from an index on."""
    found = _KEY_RUN.match(text, start)
    return found[0] if found else b""


def _only_weak(shaped: Shaped) -> bool:
    return all(rule.strength is Strength.WEAK for rule in shaped.rules)

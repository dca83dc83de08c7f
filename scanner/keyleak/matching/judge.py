"""Whether a text is a key, asked once for each text: a sample key of a vendor stands in thousands of files.

What was said is remembered by digest, never by text, and only as much as fits a small table.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from keyleak.matching.prefixed import CUT_OFF, Shaped, body_reason, is_cut_off, prefix_at, shaped_behind
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from keyleak.matching.compiled import CompiledRules
    from keyleak.rulebook.model import KeyRule

_MOST: Final = 4096
# No shape matches further than this, its right boundary included.
_RUN: Final = on_use(rb"[A-Za-z0-9_+/=-]{0,600}")
# Patterns whose match depends on a run of key characters alone.
_PLAIN: Final = on_use(r"(?:[A-Za-z0-9_+/=-]|\[[A-Za-z0-9_+/=-]+\]|\{[0-9]+(?:,[0-9]+)?\}|\(\?:|[)|?])*")


class KeyJudge:
    """Says of texts whether they are keys."""

    def __init__(self, rules: CompiledRules) -> None:
        self._rules = rules
        self._plain = frozenset(
            word
            for word, shapes in rules.shapes.items()
            if all(_PLAIN.fullmatch(shape.rule.pattern) for shape in shapes)
        )
        self._shapes: dict[bytes, tuple[int, tuple[KeyRule, ...]] | None] = {}
        self._reasons: dict[bytes, str | None] = {}

    def shaped(self, text: bytes, start: int) -> Shaped | None:
        """See `keyleak.matching.prefixed.shaped_key`."""
        word = prefix_at(text, start, self._rules)
        if word is None:
            return None
        if word not in self._plain:
            return shaped_behind(text, start, word, self._rules)
        run = _RUN.match(text, start)
        digest = hashlib.blake2b(run[0] if run else b"", digest_size=16).digest()
        if digest not in self._shapes:
            found = shaped_behind(text, start, word, self._rules)
            _make_room(self._shapes)
            self._shapes[digest] = None if found is None else (found.end - start, found.rules)
        known = self._shapes[digest]
        return None if known is None else Shaped(start, start + known[0], word, known[1])

    def no_key_reason(self, text: bytes, shaped: Shaped) -> str | None:
        """Why a key-shaped text is no key, or None where it is one."""
        if is_cut_off(text, shaped):
            return CUT_OFF
        body = text[shaped.start + len(shaped.prefix) : shaped.end]
        digest = hashlib.blake2b(body, digest_size=16).digest()
        if digest not in self._reasons:
            _make_room(self._reasons)
            self._reasons[digest] = body_reason(body, self._rules)
        return self._reasons[digest]


def _make_room(table: dict[bytes, Any]) -> None:
    if len(table) >= _MOST:
        table.clear()

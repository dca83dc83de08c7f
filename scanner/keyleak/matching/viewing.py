"""The neighbourhoods of the anchors of one content, in order: each is made once for all that share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyleak.matching.assigned import Assignments
from keyleak.matching.view import WIDE_STRETCH, View, is_little_endian, wide_view

if TYPE_CHECKING:
    from keyleak.matching.compiled import CompiledRules
    from keyleak.matching.engine import Buffer, Hit


class Viewing:
    """Views of the anchors in a content. Single bytes are their own view; UTF-16 is undone in stretches."""

    def __init__(self, content: Buffer, offset: int, rules: CompiledRules) -> None:
        """Begin with the content's first anchor.

        Args:
            content: the bytes, in any encoding.
            offset: where they begin in the whole; tells the byte order of UTF-16.
            rules: the compiled rules.
        """
        self.content = bytes(content)
        self._offset = offset
        self._rules = rules
        self._wide: dict[int, View] = {}
        self._assignments: dict[int, tuple[View, Assignments]] = {}

    def of(self, hit: Hit) -> View:
        """The view of an anchor."""
        anchor = self._rules.anchors[hit.anchor]
        if not anchor.wide:
            return View(self.content, hit.end, 0, 1)
        first_low = hit.end - len(anchor.literal)
        little_endian = is_little_endian(self.content, first_low, self._offset)
        # Two byte orders, each at even or odd offsets.
        kind = 2 * little_endian + hit.end % 2
        known = self._wide.get(kind)
        if known is None or (index := (hit.end - 1 - known.base) // 2 + 1) > known.anchor_end + WIDE_STRETCH:
            self._wide[kind] = view = wide_view(self.content, hit.end, little_endian=little_endian)
            return view
        return View(known.text, index, known.base, 2)

    def with_assignments(self, hit: Hit) -> tuple[View, Assignments]:
        """The view of an anchor, and what is given to the names in it."""
        view = self.of(hit)
        kind = view.base if view.wide else -1
        known = self._assignments.get(kind)
        if known is None or known[0].text is not view.text:
            known = self._assignments[kind] = (view, Assignments(view.text, self._rules))
        return view, known[1]

"""Comments beside a key that ask not to report it: keyleak's own and those of other scanners.

What counts as beside: keyleak's marker stands on the key's line or alone on the line before; the others where
their own tools look for them. A marker in a comment at the end of another line of code speaks of that line
only. What somebody wrote for a marker and is none, by its spelling or its place, is found too, with the
reason why it does not count. Spellings of the others: gitleaks and trufflehog (README), detect-secrets
(plugins/common/constants.py), kingfisher (docs/USAGE.md).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING, Final

from keyleak.decisions.inline import OWN_TOOL
from keyleak.findings import Marker
from keyleak.on_use import on_use
from keyleak.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

# Characters looked at on either side. A marker farther away from its key than this is not seen, and the key
# is reported.
_REACH: Final = 4096
_LONGEST_REASON: Final = 200
# With the rules that it names.
_LONGEST_MARKER: Final = 512
# Keys of a content for which it is not worth while to look for markers in all of it.
_FEW_KEYS: Final = 8
_KEY: Final = "\0"

_LINE_BREAK: Final = on_use(r"\r\n|\n|\r")
_MARKER: Final = on_use(
    r"""(?<!\w)(?<!\w-)(?:
        (?P<keyleak>(?i:keyleak[ \t]{0,3}:[ \t]{0,3}allow))
            (?:\[(?P<rules>[^\]]*)\]|\((?P<listed>[a-z0-9-]+(?:[ ]?,[ ]?[a-z0-9-]+)*)\))?
      | (?P<gitleaks>gitleaks:allow)
      | (?P<trufflehog>trufflehog:ignore)
      | (?P<kingfisher>kingfisher:ignore)
      | (?P<secrets>pragma:[ ]?(?:allow|white)list[ -](?P<nextline>nextline[ -])?secret)
      | (?P<misspelled>(?i:
            keyleak[ \t]{0,3}[:\uff1a=_-]?[ \t]{0,3}
                (?:allow|ignore|disable|skip|suppress|exclude|exempt|whitelist|off|safe|no(?:lint|qa|sec))[\w-]*
          | keyleak[ \t]{0,3}[:\uff1a=][ \t]{0,3}
                (?:false|fp|ok|known|revoked|fake|dummy|test|example|sample|not?)(?![\w])
          | (?:noqa|nosec|nolint|nosonar|nosemgrep|ignore|disable)[\w-]{0,20}[ \t]{0,3}[:=\[(]?[ \t]{0,3}
                (?:[\w-]{1,20},[ ]?){0,4}keyleak))
    )(?!\w)(?!-\w)""",
    re.VERBOSE,
)
# One of these is a part of each of them.
_TOOL: Final = on_use(rb"(?i)keyleak|gitleaks|trufflehog|kingfisher|pragma")
_TOOLS: Final = {
    "keyleak": OWN_TOOL,
    "gitleaks": "gitleaks",
    "trufflehog": "trufflehog",
    "kingfisher": "kingfisher",
    "secrets": "detect-secrets",
    "misspelled": OWN_TOOL,
}
# What ends a comment ends the reason in it.
_COMMENT_END: Final = on_use(r"\*/|--%?>|[#%]\}|\*\)|\*\}|\*@|#>")
_AROUND_REASON: Final = " \t:;,.=#/*\"'`()[]{}<>\u2013\u2014-"
_WORD: Final = on_use(r"\w")
_WORDS: Final = on_use(r"\w+")
# Words that begin a comment: batch files, macros, SQL, Markdown.
_OPENING_WORDS: Final = frozenset({"rem", "remark", "dnl", "comment"})
# A line that holds nothing but a comment, or nothing.
_NO_CODE: Final = on_use(r"\s*(?:#|//|--|/?\*|<!--|;|%|\{[#/-]|::|(?i:@?rem\b)|\Z)")
_FURTHEST: Final = 5

_MISSPELLED: Final = "is no marker that keyleak knows; write keyleak:allow and why this is no leak"
_BEHIND: Final = (
    "stands behind other text on the line before, so it speaks of that line; put it on the key's line, "
    "or alone above it"
)
_BELOW: Final = "stands below the key; put it on the key's line or alone above it"
_ABOVE: Final = "stands {} lines above the key; put it on the key's line or directly above it"


def markers_beside(content: bytes, start: int, end: int, *, utf16: str | None = None) -> tuple[Marker, ...]:
    """The markers that speak of a key.

    Args:
        content: what the key stands in.
        start: offset of its first byte.
        end: offset just after its last.
        utf16: the codec, where the key stands there in UTF-16: `utf-16-le` or `utf-16-be`.
    """
    reach = _REACH if utf16 is None else 2 * _REACH
    codec = utf16 or "utf-8"
    # Two-byte text must be cut between characters; the reach is even.
    first = max(start % 2 if utf16 else 0, start - reach)
    before = _LINE_BREAK.split(content[first:start].decode(codec, "replace"))
    after = _LINE_BREAK.split(content[end : end + reach].decode(codec, "replace"), maxsplit=2)
    found = [marker for marker, _ in _on_line(before[-1] + _KEY + after[0]) if not _is_for_next(marker)]
    # A line above is there as a whole if something stands before it.
    above = before[-2::-1]
    found += _above(above, len(above) if first < 2 else len(above) - 1)
    if len(after) > 1:
        found += (
            _misplaced(marker, _BELOW)
            for marker, alone in _on_line(after[1])
            if alone and marker.tool == OWN_TOOL
        )
    return tuple(dict.fromkeys(found))


def _above(lines: list[str], whole: int) -> Iterator[Marker]:
    """Markers on the lines above a key: those that count, and those that somebody meant to.

    Args:
        lines: the lines, nearest first.
        whole: how many of them are there from their beginning.
    """
    for marker, alone in _on_line(lines[0]) if lines else ():
        if _is_for_next(marker) or (marker.tool == OWN_TOOL and alone and whole):
            yield marker
        elif marker.tool == OWN_TOOL:
            yield _misplaced(marker, _BEHIND)
    if not lines or not _NO_CODE.match(lines[0]):
        return
    for distance, line in enumerate(lines[1 : min(_FURTHEST, whole)], 2):
        if not _NO_CODE.match(line):
            return
        yield from (
            _misplaced(marker, _ABOVE.format(distance))
            for marker, alone in _on_line(line)
            if alone and marker.tool == OWN_TOOL
        )


def _misplaced(marker: Marker, problem: str) -> Marker:
    return marker if marker.problem else replace(marker, problem=problem)


class Markers:
    """The markers of one content; where many keys are asked about, places without one are known at once."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._asked = 0

    def beside(self, start: int, end: int, *, utf16: str | None = None) -> tuple[Marker, ...]:
        """See `markers_beside`."""
        self._asked += 1
        if utf16 is None and self._asked > _FEW_KEYS:
            near = bisect_left(self._places, start - _REACH - _LONGEST_MARKER)
            if near == len(self._places) or self._places[near] > end + _REACH:
                return ()
        return markers_beside(self._content, start, end, utf16=utf16)

    @cached_property
    def _places(self) -> list[int]:
        """Where a word stands that every marker holds, whatever its form."""
        return [found.start() for found in _TOOL.finditer(self._content)]


def _on_line(line: str) -> Iterator[tuple[Marker, bool]]:
    """The markers of a line, each with whether it stands in a comment alone."""
    matches = list(_MARKER.finditer(line))
    for index, match in enumerate(matches):
        stop = matches[index + 1].start() if index + 1 < len(matches) else len(line)
        words = [word.lower() for word in _WORDS.findall(line[: match.start()])]
        alone = (not words or (len(words) == 1 and words[0] in _OPENING_WORDS)) and _KEY not in line
        yield _marker(match, line[match.end() : stop]), alone


def _marker(match: re.Match[str], rest: str) -> Marker:
    name = next(name for name in _TOOLS if match[name])
    if name not in {"keyleak", "misspelled"}:
        return Marker(_TOOLS[name], match[0])
    if name == "misspelled":
        return Marker(OWN_TOOL, match[0], problem=_MISSPELLED)
    named = match["rules"] if match["rules"] is not None else match["listed"]
    rules = () if named is None else tuple(rule.strip() for rule in named.split(","))
    return Marker(OWN_TOOL, match[0], rules, _reason(rest))


def _reason(rest: str) -> str | None:
    comment_end = _COMMENT_END.search(rest)
    text = rest[: comment_end.start()] if comment_end else rest
    text = text.partition(_KEY)[0].strip(_AROUND_REASON)[:_LONGEST_REASON]
    return text if _WORD.search(text) else None


def _is_for_next(marker: Marker) -> bool:
    return "nextline" in marker.words

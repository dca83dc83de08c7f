"""Comments beside a key that ask not to report it: keyleak's own and those of other scanners.

What counts as beside: keyleak's marker stands on the key's line or alone on the line before; the others where
their own tools look for them. A marker in a comment at the end of another line of code speaks of that line
only. Spellings of the others: gitleaks and trufflehog (README), detect-secrets (plugins/common/constants.py),
kingfisher (docs/USAGE.md).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.decisions.inline import OWN_TOOL
from keyleak.findings import Marker
from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterator

# Characters looked at on either side. A marker farther away from its key than this is not seen, and the key
# is reported.
_REACH: Final = 4096
_LONGEST_REASON: Final = 200
_KEY: Final = "\0"

_LINE_BREAK: Final = on_use(r"\r\n|\n|\r")
_MARKER: Final = on_use(
    r"""(?<![\w-])(?:
        (?P<keyleak>keyleak:allow)(?:\[(?P<rules>[^\]]*)\])?
      | (?P<gitleaks>gitleaks:allow)
      | (?P<trufflehog>trufflehog:ignore)
      | (?P<kingfisher>kingfisher:ignore)
      | (?P<secrets>pragma:[ ]?(?:allow|white)list[ -](?P<nextline>nextline[ -])?secret)
    )(?![\w-])""",
    re.VERBOSE,
)
_TOOLS: Final = {
    "keyleak": OWN_TOOL,
    "gitleaks": "gitleaks",
    "trufflehog": "trufflehog",
    "kingfisher": "kingfisher",
    "secrets": "detect-secrets",
}
# What ends a comment ends the reason in it.
_COMMENT_END: Final = on_use(r"\*/|--%?>|[#%]\}|\*\)|\*\}")
_AROUND_REASON: Final = " \t:;,.#/*\"'`()[]{}<>\u2013\u2014-"
_WORD: Final = on_use(r"\w")


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
    after = _LINE_BREAK.split(content[end : end + reach].decode(codec, "replace"), maxsplit=1)[0]
    found = [marker for marker, _ in _on_line(before[-1] + _KEY + after) if not _is_for_next(marker)]
    # The line before is there as a whole if something stands before it.
    if len(before) > 1:
        whole = len(before) > 2 or first < 2
        found += (
            marker for marker, alone in _on_line(before[-2]) if _counts_below(marker, alone=alone and whole)
        )
    return tuple(dict.fromkeys(found))


def _on_line(line: str) -> Iterator[tuple[Marker, bool]]:
    """The markers of a line, each with whether it stands in a comment alone."""
    matches = list(_MARKER.finditer(line))
    for index, match in enumerate(matches):
        stop = matches[index + 1].start() if index + 1 < len(matches) else len(line)
        alone = not _WORD.search(line, 0, match.start()) and _KEY not in line
        yield _marker(match, line[match.end() : stop]), alone


def _marker(match: re.Match[str], rest: str) -> Marker:
    name = next(name for name in _TOOLS if match[name])
    if name != "keyleak":
        return Marker(_TOOLS[name], match[0])
    named = match["rules"]
    rules = () if named is None else tuple(rule.strip() for rule in named.split(","))
    return Marker(OWN_TOOL, match[0], rules, _reason(rest))


def _reason(rest: str) -> str | None:
    comment_end = _COMMENT_END.search(rest)
    text = rest[: comment_end.start()] if comment_end else rest
    text = text.partition(_KEY)[0].strip(_AROUND_REASON)[:_LONGEST_REASON]
    return text if _WORD.search(text) else None


def _is_for_next(marker: Marker) -> bool:
    return "nextline" in marker.words


def _counts_below(marker: Marker, *, alone: bool) -> bool:
    return _is_for_next(marker) or (marker.tool == OWN_TOOL and alone)

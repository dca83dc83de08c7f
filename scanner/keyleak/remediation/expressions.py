r"""What to replace, in the words of `git filter-repo --replace-text` and `--replace-message`.

A line of an expressions file is `literal:TEXT==>REPLACEMENT` or `regex:PATTERN==>REPLACEMENT`, split at its
last `==>`; a pattern is Python's, on bytes, and so is its replacement. All literals are applied first, then
the patterns, each in order. Source: git-filter-repo 2.47, `get_replace_text` and `apply_replace_text`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keyleak.remediation.encodings import Spelling, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.secret import Secret

_PRINTABLE: Final = re.compile(rb"[!-~]+")


@dataclass(frozen=True, slots=True)
class Expressions:
    """Replacements in the order in which they are applied."""

    spellings: tuple[Spelling, ...] = ()
    _compiled: tuple[tuple[re.Pattern[bytes], bytes], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.spellings, key=_order)
        object.__setattr__(self, "spellings", tuple(dict.fromkeys(ordered)))
        compiled = tuple((re.compile(each.pattern), _template(each.replacement)) for each in self.spellings)
        object.__setattr__(self, "_compiled", compiled)

    def apply(self, content: bytes) -> bytes:
        """The content with everything replaced, as filter-repo does it."""
        for pattern, template in self._compiled:
            content = pattern.sub(template, content)
        return content

    def file(self) -> bytes:
        """The expressions file."""
        return b"".join(_line(each) for each in self.spellings)


def spellings_in(contents: Iterable[bytes], secrets: Sequence[Secret]) -> tuple[Spelling, ...]:
    """Those spellings of the keys that the contents hold, with the plain one of every key.

    Texts that only a pattern describes count where the literal ones do not already cover them.
    """
    every = [each for secret in secrets for each in spellings(secret.reveal())]
    literals = [each for each in every if each.text]
    patterns = [(each, re.compile(each.pattern)) for each in every if not each.text]
    found = dict.fromkeys(each for each in every if each.encoding == "plain")
    for content in contents:
        here = [each for each in literals if each.text in content]
        found |= dict.fromkeys(here)
        rest = Expressions(tuple(here)).apply(content)
        found |= dict.fromkeys(each for each, pattern in patterns if pattern.search(rest))
    return tuple(found)


def _order(spelling: Spelling) -> tuple[bool, int, bytes]:
    """Literals first; the longer first, for one key may begin as another does."""
    return _as_literal(spelling) is None, -len(spelling.pattern), spelling.pattern


def _as_literal(spelling: Spelling) -> bytes | None:
    """The text, where it can stand as it is on a line of the file."""
    whole = _PRINTABLE.fullmatch(spelling.text)
    return spelling.text if whole and b"==>" not in spelling.text else None


def _line(spelling: Spelling) -> bytes:
    literal = _as_literal(spelling)
    if literal is not None:
        return b"literal:%s==>%s\n" % (literal, spelling.replacement)
    pattern = re.sub(
        rb"[^ -~]", lambda match: b"\\x%02x" % match[0][0], _without_escaped_nulls(spelling.pattern)
    )
    return b"regex:%s==>%s\n" % (pattern, _template(spelling.replacement))


def _without_escaped_nulls(pattern: bytes) -> bytes:
    r"""`re.escape` writes a zero byte as a backslash and the byte itself; `\x00` alone is meant."""
    return pattern.replace(b"\\\0", b"\0")


def _template(replacement: bytes) -> bytes:
    r"""The replacement as `re.sub` reads it: zero bytes as octal escapes, nothing else special."""
    return replacement.replace(b"\\", b"\\\\").replace(b"\0", b"\\000")

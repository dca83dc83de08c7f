"""The baseline: keys that are known already, as fingerprints under a key that the file names.

That is the key of all fingerprints, so that a report says the same ids with a baseline and without one. Files
of earlier versions have a random one of their own, which then keys the ids of reports, too.

The text is made to be merged by git. Fingerprints are sorted, one a line, each line ending in a comma, and
between them stands one line for each three hexadecimal digits that a fingerprint may begin with. Git joins
additions without asking where an unchanged line stands between them, so branches collide only where both add
below the same of 4,096 lines. What a union merge makes of even those, out of order or twice, is read too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from keyleak.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.secret import Secret

SCHEMA: Final = "keyleak/baseline/1"

_SECTION_DIGITS: Final = 3
_SECTIONS: Final = tuple(f"{number:0{_SECTION_DIGITS}x}" for number in range(16**_SECTION_DIGITS))
_LABELS: Final = frozenset(_SECTIONS)
_END: Final = "end"
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{32}")
_CONFLICT: Final = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |$)", re.MULTILINE)


class Covers(Enum):
    """What a baseline was made from, and so what an update of it looks at."""

    FILES = "files"
    HISTORY = "files-and-history"


@dataclass(frozen=True, slots=True)
class Baseline:
    """Keys that are known."""

    key: bytes
    """The fingerprints are keyed with it."""
    covers: Covers
    fingerprints: frozenset[str] = frozenset()

    def id_of(self, secret: Secret) -> str:
        """The id of a key under this baseline."""
        return secret.fingerprint(self.key)

    def holds(self, secret: Secret) -> bool:
        """Whether a key is known."""
        return self.id_of(secret) in self.fingerprints

    def with_ids(self, fingerprints: Iterable[str]) -> Baseline:
        """The same with other fingerprints."""
        return replace(self, fingerprints=frozenset(fingerprints))

    def text(self) -> str:
        """The content of the file: the same for the same baseline, byte by byte."""
        lines = [*_SECTIONS, *self.fingerprints]
        lines.sort()
        head = f'{{\n"schema": "{SCHEMA}",\n"key": "{self.key.hex()}",\n"covers": "{self.covers.value}",\n'
        entries = "".join(f'"{line}",\n' for line in lines)
        return f'{head}"fingerprints": [\n{entries}"{_END}"]\n}}\n'


def read_baseline(text: str, file: str) -> Baseline:
    """The baseline in a file's content.

    Args:
        text: the content.
        file: its name, for messages.

    Raises:
        ConfigError: it is cut off, edited wrongly, or in conflict; with the line.
    """
    conflict = _CONFLICT.search(text)
    if conflict:
        raise ConfigError(
            file,
            _line(text, conflict.start()),
            "a merge conflict stands here; keep the lines of both sides, then run `keyleak baseline update`",
        )
    return _Reader(text, file).baseline()


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file

    def baseline(self) -> Baseline:
        fields = self._fields()
        if fields["schema"] != SCHEMA:
            raise self._error(fields["schema"], f"schema is not {SCHEMA!r}: another version, or no baseline")
        key, covers, lines = fields["key"], fields["covers"], fields["fingerprints"]
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise self._error(key, "the key is not 64 hexadecimal digits")
        if covers not in [each.value for each in Covers]:
            raise self._error(covers, f"covers is none of: {', '.join(each.value for each in Covers)}")
        if not isinstance(lines, list) or not lines or lines[-1] != _END:
            raise self._error("fingerprints", 'the list does not close with "end": the file is cut off')
        return Baseline(bytes.fromhex(key), Covers(covers), frozenset(self._fingerprints(lines[:-1])))

    def _fields(self) -> dict[str, Any]:
        try:
            fields = json.loads(self._text, object_pairs_hook=self._object)
        except json.JSONDecodeError as error:
            line = min(error.lineno, self._text.rstrip("\n").count("\n") + 1)
            raise ConfigError(self._file, line, f"cut off or edited: {error.msg}") from error
        except ValueError as error:
            # Python refuses numbers of thousands of digits.
            raise ConfigError(self._file, None, f"cut off or edited: {error}") from error
        except RecursionError:
            raise ConfigError(self._file, None, "nested too deeply") from None
        if not isinstance(fields, dict):
            raise ConfigError(self._file, 1, "no baseline: an object is expected")
        known = ("schema", "key", "covers", "fingerprints")
        for name in fields:
            if name not in known:
                raise self._error(name, f"unknown key {name!r}; known here: {', '.join(known)}")
        for name in known:
            if name not in fields:
                raise ConfigError(self._file, 1, f"key {name!r} is missing")
        return fields

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            times = Counter(name for name, _ in pairs)
            twice = next(name for name in times if times[name] > 1)
            raise self._error(
                twice,
                f"key {twice!r} stands here twice; if two baselines were merged, keep one of them, "
                "then run `keyleak baseline update`",
            )
        return fields

    def _fingerprints(self, lines: list[Any]) -> Iterable[str]:
        for line in lines:
            if isinstance(line, str) and (line in _LABELS or line == _END):
                continue
            if not isinstance(line, str) or not _FINGERPRINT.fullmatch(line):
                raise self._error(line, "a fingerprint is 32 hexadecimal digits, in lower case")
            yield line

    def _error(self, value: object, reason: str) -> ConfigError:
        """An error at the first place where a value stands."""
        found = self._text.find(json.dumps(value, ensure_ascii=False))
        return ConfigError(self._file, _line(self._text, max(0, found)), reason)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1

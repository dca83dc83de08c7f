"""The record of a rewrite: each commit that got a new id, before and after, as CSV."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyleak.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "commit-map.csv"
_HEADER: Final = "old,new"
_ROW: Final = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64}),([0-9a-f]{40}|[0-9a-f]{64})")


def commit_map(renamed: Mapping[str, str]) -> str:
    """Ids of commits as CSV, for issue trackers and deployments that name them.

    Args:
        renamed: ids before and after.
    """
    return f"{_HEADER}\n" + "".join(f"{before},{after}\n" for before, after in sorted(renamed.items()))


def read_commit_map(text: str, file: str) -> dict[str, str]:
    """Ids before and after, from the CSV that `commit_map` makes.

    Args:
        text: the content.
        file: its name, for messages.

    Raises:
        UsageError: it is none, with the first line that is wrong.
    """
    lines = text.splitlines()
    if lines[:1] != [_HEADER]:
        raise UsageError(f"{file} is no commit map: its first line must be {_HEADER!r}")
    renamed = {}
    for number, line in enumerate(lines[1:], 2):
        row = _ROW.fullmatch(line)
        if row is None:
            raise UsageError(f"{file}:{number} holds no pair of commit ids")
        renamed[row[1]] = row[2]
    return renamed

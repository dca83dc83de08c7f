"""A suggested change for the working tree, as a patch that `git apply` takes. Nothing applies it unasked."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.remediation.readings import reading_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyleak.secret import Secret

_PLAIN_NAME: Final = re.compile(r"[^\x00-\x1f\"\\\x7f-\uffff]+")
_NO_LINE_END: Final = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What to change in one file."""

    path: str
    text: bytes
    """The change in unified form; holds the key in the lines it takes away."""


def patch_file(path: str, content: bytes, variables: Mapping[Secret, str]) -> FilePatch | None:
    """The change that makes a file read its keys from the environment.

    Args:
        path: relative to the top of the work tree, with `/`.
        content: the file.
        variables: the keys in it, each with the name of the variable to read.

    Returns:
        None where the language is not known, or a key is not written as a literal of its own.
    """
    edit = reading_of(path)
    if edit is None or not _PLAIN_NAME.fullmatch(path) or b"\0" in content:
        return None
    before = content.decode("latin-1")
    after = before
    for secret, variable in variables.items():
        key = secret.reveal().decode("ascii")
        after = edit(after, key, variable)
        if key in after:
            return None
    if after == before:
        return None
    return FilePatch(path, "".join(_unified(path, before, after)).encode("latin-1"))


def _unified(path: str, before: str, after: str) -> Iterator[str]:
    old, new = (text.split("\n") for text in (before, after))
    lines = difflib.unified_diff(_ended(old), _ended(new), f"a/{path}", f"b/{path}")
    yield f"diff --git a/{path} b/{path}\n"
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n{_NO_LINE_END}"


def _ended(lines: list[str]) -> list[str]:
    r"""Lines with their ends; only `\\n` ends one, as git sees it."""
    ended = [f"{line}\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended

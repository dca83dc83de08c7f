"""Paths in the configuration, as people know them from `.gitignore`.

A pattern without a slash fits at any depth, one with a slash from the folder of the configuration on. What
fits a folder fits all that is in it; a slash at the end asks for a folder. `*` and `?` stay in a name, `**`
goes through folders, `[a-z]` is a class and a backslash takes what follows as it is. Names such as Next.js'
`[id]` are classes to git and to hardly anybody else, so brackets are taken as they are written, too.

Matching takes no longer than the product of both lengths: whoever wrote a pattern may have read this.
"""

from __future__ import annotations

import functools
import string
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from keyleak.on_use import on_use

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPED_WORD: Final = on_use(r"(?<!\\)(?:\\\\)*(\\[A-Za-z0-9_])")
_ALTERNATIVES: Final = on_use(r"(\{[^{}/]*,[^{}/]*\})")
_POSIX: Final = {
    "alpha": string.ascii_letters, "digit": string.digits, "alnum": string.ascii_letters + string.digits,
    "upper": string.ascii_uppercase, "lower": string.ascii_lowercase, "xdigit": string.hexdigits,
    "punct": string.punctuation, "space": string.whitespace, "blank": " \t",
}  # fmt: skip
_DEEP: Final = "**"


class _Any(NamedTuple):
    """One or any number of characters."""

    many: bool


class _Class(NamedTuple):
    """One character of a class."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def holds(self, character: str) -> bool:
        return any(first <= character <= last for first, last in self.ranges) is not self.negated


_Token: TypeAlias = str | _Any | _Class


def problem_of(pattern: str) -> str | None:
    """Why a pattern can never fit any path, and what would; None where it can."""
    parts = _parts(pattern)
    escaped, alternatives = _ESCAPED_WORD.search(pattern), _ALTERNATIVES.search(pattern)
    shown = next((found[1] for found in (escaped, alternatives) if found), "")
    problems = (
        (
            pattern.startswith("!"),
            "begins with '!': an entry has no exception (\\! is a name with it)",
        ),
        (pattern.startswith("~"), "begins with '~': paths begin at the folder of the configuration"),
        (escaped, f"has {shown!r}: '/' parts folders, and a backslash takes what follows as it is"),
        (alternatives, f"has {shown!r}: braces are no alternatives; write an entry for each"),
        (not parts, "names no file and no folder"),
        (".." in parts, "leads upwards ('..'): paths begin at the folder of the configuration"),
        ("" in parts, "has two slashes side by side"),
        (any(map(_ends_open, parts)), "has a name that ends with a backslash"),
    )
    return next((words for is_so, words in problems if is_so), None)


def _ends_open(part: str) -> bool:
    return (len(part) - len(part.rstrip("\\"))) % 2 == 1


class PathPattern:
    """A pattern made ready."""

    def __init__(self, pattern: str) -> None:
        self._wants_folder = pattern.endswith("/")
        self._is_absolute = pattern.startswith("/")
        self._is_everything = pattern in {"*", _DEEP}
        parts = _parts(pattern)
        if len(parts) == 1 and not pattern.startswith(("/", "./")):
            parts = [_DEEP, *parts]
        self._parts = parts

    def fits(self, path: str) -> bool:
        """Whether a path is what the pattern names, or inside of it.

        Args:
            path: its parts divided by slashes; empty for what has none, as a commit message.
        """
        if not path:
            return self._is_everything
        names = [name for name in path.split("/") if name not in {"", "."}]
        if path.startswith("/") and not self._is_absolute:
            names = ["", *names]
        reached = {0}
        for index, part in enumerate(self._parts):
            if part == _DEEP:
                inside = 1 if index == len(self._parts) - 1 else 0
                reached = set(range(min(reached) + inside, len(names) + 1))
            else:
                reached = {at + 1 for at in reached if at < len(names) and _names(part, names[at])}
            if not reached:
                return False
        most = len(names) - 1 if self._wants_folder else len(names)
        return any(0 < at <= most for at in reached)


@functools.lru_cache(maxsize=1024)
def path_pattern(pattern: str) -> PathPattern:
    """A pattern made ready, once for each."""
    return PathPattern(pattern)


def _parts(pattern: str) -> list[str]:
    """The names that a pattern is of; `./` and slashes at either end say nothing more."""
    plain = pattern.removeprefix("/").removesuffix("/")
    parts = plain.split("/") if plain else []
    return [part for part in parts if part != "."]


def _names(part: str, name: str) -> bool:
    return any(_fits(tokens, name) for tokens in _readings(part))


@functools.lru_cache(maxsize=4096)
def _readings(part: str) -> tuple[tuple[_Token, ...], ...]:
    """What a part of a pattern says: with brackets as they are written, and with classes."""
    literal = tuple(_tokens(part, classes=False))
    return (literal, tuple(_tokens(part, classes=True))) if "[" in part else (literal,)


def _tokens(part: str, *, classes: bool) -> Iterator[_Token]:
    index = 0
    while index < len(part):
        character = part[index]
        index += 1
        if character == "\\" and index < len(part):
            yield part[index]
            index += 1
        elif character in {"*", "?"}:
            yield _Any(many=character == "*")
        elif character == "[" and classes and (found := _class(part, index)) is not None:
            kind, index = found
            yield kind
        else:
            yield character


def _class(part: str, index: int) -> tuple[_Class, int] | None:
    """The class that begins behind a bracket, and where it ends; None where it does not end."""
    negated = part[index : index + 1] in {"!", "^"}
    index += negated
    ranges: list[tuple[str, str]] = []
    is_first = True
    while index < len(part) and (is_first or part[index] != "]"):
        is_first = False
        if part.startswith("[:", index):
            name, closed, _ = part[index + 2 :].partition(":]")
            if not closed or name not in _POSIX:
                return None
            ranges += ((each, each) for each in _POSIX[name])
            index += len(name) + 4
            continue
        first, index = _member(part, index)
        last = first
        if part[index : index + 1] == "-" and part[index + 1 : index + 2] not in {"", "]"}:
            last, index = _member(part, index + 1)
        ranges.append((first, last))
    return (_Class(tuple(ranges), negated), index + 1) if index < len(part) else None


def _member(part: str, index: int) -> tuple[str, int]:
    if part[index] == "\\" and index + 1 < len(part):
        index += 1
    return part[index], index + 1


def _fits(tokens: tuple[_Token, ...], name: str) -> bool:
    """Whether tokens fit a whole name; only the last `*` is ever tried again."""
    at = token = star_at = 0
    star: int | None = None
    while at < len(name):
        kind = tokens[token] if token < len(tokens) else None
        if isinstance(kind, _Any) and kind.many:
            star, star_at = token, at
            token += 1
        elif kind is not None and _fits_one(kind, name[at]):
            at, token = at + 1, token + 1
        elif star is not None:
            star_at += 1
            at, token = star_at, star + 1
        else:
            return False
    return all(isinstance(rest, _Any) and rest.many for rest in tokens[token:])


def _fits_one(token: _Token, character: str) -> bool:
    if isinstance(token, _Class):
        return token.holds(character)
    return isinstance(token, _Any) or token == character

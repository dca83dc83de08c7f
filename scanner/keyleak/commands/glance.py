"""A first look at a commit: where nothing in it can be a key, the work ends here.

That is nearly every commit, and people wait for it. The glance lists the same entries and reads the same
blobs as `keyleak staged`, and searches them for the same words: `Inspector` never looks at a content without
one of them. Everything else is left to the command itself, from its beginning: an option, a word found,
content that is large or not text, a conflict, an object that git does not give, any error. So it can only
ever say "clean", and what it imports is what it needs: git and the words.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.commands.kept_words import kept_words
from keyleak.decisions.configuration import TOML_NAME, YAML_NAME
from keyleak.errors import KeyleakError
from keyleak.git.blobs import MOST, UnusualBlobError, small_blobs
from keyleak.git.checkout import worktree_root
from keyleak.git.index import list_staged
from keyleak.matching.beginning import goes_on
from keyleak.regular_file import CONFIGURATION_LIMIT, read_regular
from keyleak.rulebook.provenance import own_folder_path
from keyleak.terminal import clean_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keyleak.commands.kept_words import Words
    from keyleak.git.index import Listed

_COMMANDS: Final = (("staged",), ("hook", "run", "pre-commit"), ("hook", "run", "pre-merge-commit"))
# Without effect on a clean result: there is nothing to draw or to leave out.
_PLAIN_OPTIONS: Final = frozenset({"--no-progress"})
# Beyond this many bytes times words an engine of our own is quicker, though it has to be loaded.
_MOST_WORK: Final = 16 << 20
_LFS_POINTER: Final = b"version https://git-lfs"


class Glance(NamedTuple):
    """What a glance saw."""

    clean: str | None = None
    """The report on a commit without anything to look at; None where the command has to say."""
    listed: Listed | None = None
    """What is staged, so that the command need not ask git again; None where it has to."""


def glance(arguments: Sequence[str], environ: Mapping[str, str]) -> Glance:
    """Look at a commit, if these arguments ask for that.

    Args:
        arguments: of `keyleak`.
        environ: the variables of this process.
    """
    started = time.monotonic()
    paths = _plain_paths(arguments)
    if paths is None or environ.get("KEYLEAK_SKIP") or _has_further_rules():
        return Glance()
    words = kept_words()
    if not words or not words.plain:
        return Glance()
    listed = None
    try:
        listed = list_staged(paths, environ)
        staged = _staged(listed, _MOST_WORK // len(words.plain))
    except (KeyleakError, UnusualBlobError, OSError, ValueError):
        # The command meets it again and says what it is.
        return Glance(listed=listed)
    if staged is None or has_any([*staged.contents, *staged.names], words):
        return Glance(listed=listed)
    read_bytes = sum(map(len, staged.contents))
    return Glance(clean_line(len(staged.names), read_bytes, time.monotonic() - started))


def _has_further_rules() -> bool:
    """Whether there are, or may be, rules besides the built-in ones: the words are of those alone."""
    own = own_folder_path()
    if own is not None and os.path.isdir(own):
        return True
    top = worktree_root(os.path.realpath("."))
    files = [os.path.join(top, name) for name in (YAML_NAME, TOML_NAME)] if top else []
    return any(map(_may_name_rules, files))


def _may_name_rules(configuration: str) -> bool:
    try:
        content = read_regular(configuration, CONFIGURATION_LIMIT)
    except FileNotFoundError:
        return False
    except OSError:
        # The command says what it is.
        return True
    return b"rules" in content and (configuration.endswith(YAML_NAME) or b"keyleak" in content)


class _Staged(NamedTuple):
    names: list[bytes]
    contents: list[bytes]
    """Each once, however many names it has."""


def _plain_paths(arguments: Sequence[str]) -> list[str] | None:
    for command in _COMMANDS:
        if tuple(arguments[: len(command)]) == command:
            rest = list(arguments[len(command) :])
            # Behind the first `--` everything names a file, another `--` too.
            end = rest.index("--") if "--" in rest else len(rest)
            # Hook managers append names of files, so there a word is more likely a name than an option.
            options = _PLAIN_OPTIONS if command == ("staged",) else frozenset()
            words = [each for each in rest[:end] if each not in options]
            return None if any(each.startswith("-") for each in words) else [*words, *rest[end + 1 :]]
    return None


def _staged(seen: Listed, limit: int) -> _Staged | None:
    """What would be recorded, or None where that is more than small files."""
    repository, listed = seen
    ids = list(dict.fromkeys(entry.oid for entry in listed.entries))
    if listed.conflicts or listed.submodules or listed.unstaged or listed.modified or len(ids) > MOST:
        return None
    contents = small_blobs(repository, ids, limit) if ids else []
    return _Staged([os.fsencode(entry.path) for entry in listed.entries], contents)


def has_any(contents: Iterable[bytes], words: Words) -> bool:
    """Whether there is anything to look at; a word across a border of two is looked at in vain.

    Args:
        contents: what is staged.
        words: what is searched for.
    """
    joined = b"\n".join(contents)
    return (
        b"\0" in joined
        or _LFS_POINTER in joined
        or any(word in joined for word in words.plain)
        or any(_has_body(joined, stem) for stem in words.stems)
    )


def _has_body(joined: bytes, stem: bytes) -> bool:
    """Whether a stem stands anywhere with what must follow it."""
    at = joined.find(stem)
    while at >= 0 and not goes_on(joined, at + len(stem), stem):
        at = joined.find(stem, at + 1)
    return at >= 0

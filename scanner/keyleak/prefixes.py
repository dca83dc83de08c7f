"""The prefix words of keys as the rule files list them: what may be shown of a key, and what looks like one.

They are read only where a key, or a text that may hold one, is to be shown. Nothing but the lists is read
then, for a message must not wait for the rules to be parsed, nor fail where they are wrong.
"""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Final

from keyleak.errors import KeyleakError
from keyleak.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LIST: Final = re.compile(rb"""\bprefixes["']?\s*:\s*(\[[^\]]*\]|(?:\n\s*-[ ][^\n:]+)+)""")
_WORD: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]*")

# Rule files that the user named are known once they are loaded.
_OF_THE_USER: Final[ContextVar[frozenset[str]]] = ContextVar(
    "prefixes of the user's rules", default=frozenset()
)


def prefix_words() -> frozenset[str]:
    """The prefix words of the installed rules and of those that were added to them."""
    return _installed() | _OF_THE_USER.get()


def add_prefixes(words: Iterable[str]) -> None:
    """Make the prefix words of further rule files known for the rest of the run."""
    _OF_THE_USER.set(_OF_THE_USER.get().union(word for word in words if word))


@cache
def _installed() -> frozenset[str]:
    try:
        return frozenset(word.decode("ascii") for text in _rule_files() for word in words_of(text))
    except (OSError, KeyleakError):
        # The damaged installation is reported where the rules are loaded.
        return frozenset()


def words_of(rule_file: bytes) -> Iterator[bytes]:
    """The words that a rule file lists as prefixes."""
    for found in _LIST.finditer(rule_file):
        yield from _WORD.findall(found[1])


def _rule_files() -> Iterator[bytes]:
    folder = data_folder("rules")
    for name in os.listdir(folder):
        if name.endswith(".yaml"):
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                yield file.read()

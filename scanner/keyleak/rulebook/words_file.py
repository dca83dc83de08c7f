"""The file of placeholder words: its strict schema, from YAML to `PlaceholderWords`."""

from __future__ import annotations

from typing import Final

from keyleak.errors import RuleError
from keyleak.rulebook.model import PlaceholderWords
from keyleak.strict_yaml import read_yaml

_WORD_LISTS: Final = ("decisive", "plain", "short", "starts", "fragments")


def read_placeholder_words(text: str, file: str) -> PlaceholderWords:
    """The word lists of a file.

    Args:
        text: content of the file.
        file: its name, for messages.

    Raises:
        RuleError: with file, line and reason.
    """
    fields = read_yaml(text, file, RuleError).mapping(_WORD_LISTS)
    return PlaceholderWords(
        decisive=frozenset(_words(fields["decisive"].text())),
        plain=frozenset(_words(fields["plain"].text())),
        short=frozenset(_words(fields["short"].text())),
        starts=tuple(_words(fields["starts"].text())),
        fragments=tuple(_words(fields["fragments"].text())),
    )


def _words(text: str) -> list[str]:
    return text.lower().split()

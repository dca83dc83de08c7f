"""All rule files together: the built-in ones and those of `--rules DIR`."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from keyleak.errors import RuleError
from keyleak.resources import data_folder
from keyleak.rulebook.issuer_file import read_issuer
from keyleak.rulebook.model import Issuer, PlaceholderWords, Rulebook
from keyleak.strict_yaml import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORDS_FILE: Final = "rules/filters/placeholders.yaml"
_ENDINGS: Final = (".yaml", ".yml")
_WORD_LISTS: Final = ("decisive", "plain", "short", "starts", "fragments")


def load_rulebook(extra_folders: Sequence[str] = ()) -> Rulebook:
    """The built-in rules and those of further folders.

    Args:
        extra_folders: folders with rule files that are added to the built-in ones.

    Raises:
        RuleError: a file breaks the schema, or two files use the same issuer or key id.
    """
    built_in = data_folder("rules")
    files = [(f"rules/{name}", os.path.join(built_in, name)) for name in _rule_files(built_in)]
    for folder in extra_folders:
        files += [(path, path) for path in _extra_files(folder)]
    texts = [(name, _text(name, path)) for name, path in files]
    words = _text(_WORDS_FILE, os.path.join(built_in, "filters", "placeholders.yaml"))
    issuers = tuple(read_issuer(text, name) for name, text in texts)
    _refuse_duplicates(issuers)
    digest = hashlib.sha256()
    for part in [*(text for _, text in texts), words]:
        digest.update(hashlib.sha256(part.encode()).digest())
    return Rulebook(issuers, _placeholder_words(words), digest.hexdigest())


def _rule_files(folder: str) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(_ENDINGS))


def _extra_files(folder: str) -> list[str]:
    try:
        names = _rule_files(folder)
    except OSError as error:
        raise RuleError(folder, None, f"no folder of rule files: {error.strerror}") from error
    if not names:
        raise RuleError(folder, None, "holds no rule file (*.yaml)")
    return [os.path.join(folder, name) for name in names]


def _text(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise RuleError(name, None, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RuleError(name, None, f"is not UTF-8: {error.reason} at byte {error.start}") from error


def _refuse_duplicates(issuers: Iterable[Issuer]) -> None:
    seen_issuers: set[str] = set()
    seen_keys: dict[str, str] = {}
    for issuer in issuers:
        file, line = (issuer.keys[0].file, None) if issuer.keys else (issuer.issuer, None)
        if issuer.issuer in seen_issuers:
            raise RuleError(file, line, f"issuer {issuer.issuer!r} has a rule file already")
        seen_issuers.add(issuer.issuer)
        for key in issuer.keys:
            if key.id in seen_keys:
                raise RuleError(
                    key.file, key.line, f"key id {key.id!r} is used in {seen_keys[key.id]} already"
                )
            seen_keys[key.id] = key.file


def _placeholder_words(text: str) -> PlaceholderWords:
    fields = read_yaml(text, _WORDS_FILE, RuleError).mapping(_WORD_LISTS)
    return PlaceholderWords(
        decisive=frozenset(_words(fields["decisive"].text())),
        plain=frozenset(_words(fields["plain"].text())),
        short=frozenset(_words(fields["short"].text())),
        starts=tuple(_words(fields["starts"].text())),
        fragments=tuple(_words(fields["fragments"].text())),
    )


def _words(text: str) -> list[str]:
    return text.lower().split()

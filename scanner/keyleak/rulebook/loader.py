"""All rule files together: the built-in ones and those of `--rules DIR`."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from keyleak.errors import RuleError
from keyleak.prefixes import add_prefixes, words_of
from keyleak.resources import data_folder
from keyleak.rulebook.kept_rulebook import digest_of, keep_rulebook, kept_rulebook
from keyleak.rulebook.model import Rulebook

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyleak.rulebook.model import Issuer

_WORDS_FILE: Final = "rules/filters/placeholders.yaml"
_ENDINGS: Final = (".yaml", ".yml")


def load_rulebook(extra_folders: Sequence[str] = (), *, from_yaml: bool = False) -> Rulebook:
    """The built-in rules and those of further folders.

    Args:
        extra_folders: folders with rule files that are added to the built-in ones.
        from_yaml: read the files even where what they say was kept by an earlier run.

    Raises:
        RuleError: a file breaks the schema, or two files use the same issuer or key id.
    """
    built_in = data_folder("rules")
    files = [(f"rules/{name}", os.path.join(built_in, name)) for name in _rule_files(built_in)]
    for folder in extra_folders:
        files += [(path, path) for path in _extra_files(folder)]
    files.append((_WORDS_FILE, os.path.join(built_in, "filters", "placeholders.yaml")))
    contents = [(name, _content(name, path)) for name, path in files]
    for _, content in contents if extra_folders else ():
        add_prefixes(word.decode("ascii") for word in words_of(content))
    made_from = digest_of(contents)
    kept = None if from_yaml else kept_rulebook(made_from)
    if kept is not None:
        return kept
    rulebook = _read(contents)
    keep_rulebook(rulebook, made_from)
    return rulebook


def _read(contents: Sequence[tuple[str, bytes]]) -> Rulebook:
    # YAML takes longer to import than all else here together, and most starts need none of it.
    from keyleak.rulebook.issuer_file import read_issuer  # noqa: PLC0415
    from keyleak.rulebook.words_file import read_placeholder_words  # noqa: PLC0415

    *issuer_files, words_file = [(name, _text(name, content)) for name, content in contents]
    issuers = tuple(read_issuer(text, name) for name, text in issuer_files)
    _refuse_duplicates(issuers)
    digest = hashlib.sha256()
    for _, content in contents:
        digest.update(hashlib.sha256(content).digest())
    return Rulebook(issuers, read_placeholder_words(words_file[1], words_file[0]), digest.hexdigest())


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


def _content(name: str, path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        raise RuleError(name, None, f"cannot be read: {error.strerror}") from error


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
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

"""All rule files together: the built-in ones and those of `--rules DIR`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyleak.errors import RuleError
from keyleak.resources import data_folder
from keyleak.rulebook.issuer_file import read_issuer
from keyleak.rulebook.model import Issuer, PlaceholderWords, Rulebook
from keyleak.strict_yaml import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.resources.abc import Traversable

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
    files = _rule_files(built_in)
    for folder in extra_folders:
        files += _extra_files(folder)
    texts = [(name, _text(name, file)) for name, file in files]
    words_file = built_in / "filters" / "placeholders.yaml"
    words = _text("filters/placeholders.yaml", words_file)
    issuers = tuple(read_issuer(text, name) for name, text in texts)
    _refuse_duplicates(issuers)
    digest = hashlib.sha256()
    for part in [*(text for _, text in texts), words]:
        digest.update(hashlib.sha256(part.encode()).digest())
    return Rulebook(issuers, _placeholder_words(words), digest.hexdigest())


def _rule_files(folder: Traversable) -> list[tuple[str, Traversable]]:
    return sorted((f"rules/{file.name}", file) for file in folder.iterdir() if file.name.endswith(_ENDINGS))


def _extra_files(folder: str) -> list[tuple[str, Traversable]]:
    path = Path(folder)
    if not path.is_dir():
        raise RuleError(folder, None, "no such folder of rule files")
    files: list[tuple[str, Traversable]] = sorted(
        (str(file), file) for file in path.iterdir() if file.name.endswith(_ENDINGS)
    )
    if not files:
        raise RuleError(folder, None, "holds no rule file (*.yaml)")
    return files


def _text(name: str, file: Traversable) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(name, None, f"cannot be read: {error}") from error


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
    fields = read_yaml(text, "filters/placeholders.yaml", RuleError).mapping(_WORD_LISTS)
    return PlaceholderWords(
        decisive=frozenset(_words(fields["decisive"].text())),
        plain=frozenset(_words(fields["plain"].text())),
        short=frozenset(_words(fields["short"].text())),
        starts=tuple(_words(fields["starts"].text())),
        fragments=tuple(_words(fields["fragments"].text())),
    )


def _words(text: str) -> list[str]:
    return text.lower().split()

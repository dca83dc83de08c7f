"""All rule files together: the built-in ones, the user's, and those that a repository brings."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from keyleak.errors import RuleError
from keyleak.prefixes import add_prefixes, words_of
from keyleak.regular_file import CONFIGURATION_LIMIT, read_given, read_regular
from keyleak.resources import data_folder
from keyleak.rulebook.kept_rulebook import digest_of, keep_rulebook, kept_rulebook
from keyleak.rulebook.model import Rulebook
from keyleak.rulebook.provenance import Provenance, RuleFile, RuleFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORDS_FILE: Final = "rules/filters/placeholders.yaml"
_ENDINGS: Final = (".yaml", ".yml")
# More were made to be read for ever; the built-in ones are some sixty.
_MOST_FILES: Final = 1000
_MOST_FILES_OF_REPOSITORY: Final = 100
_MOST_BYTES_OF_REPOSITORY: Final = 4 << 20


def load_rulebook(further: Sequence[str | RuleFolder] = (), *, from_yaml: bool = False) -> Rulebook:
    """The built-in rules and those of further folders.

    Args:
        further: folders with rule files that are added to the built-in ones, each with who chose it; a mere
            path is one that the user named. A folder that is named twice counts once, as the more trusted.
        from_yaml: read the files even where what they say was kept by an earlier run.

    Raises:
        RuleError: a file breaks the schema, says more than it may, or claims what another one has.
    """
    built_in = data_folder("rules")
    files = [_built_in(f"rules/{name}", os.path.join(built_in, name)) for name in _rule_files(built_in)]
    for folder in _each_once(further):
        files += _files_in(folder, [file for file in files if not file.provenance.is_trusted])
    files.append(_built_in(_WORDS_FILE, os.path.join(built_in, "filters", "placeholders.yaml")))
    for file in files if further else ():
        add_prefixes(word.decode("ascii") for word in words_of(file.content))
    made_from = digest_of(files)
    kept = None if from_yaml else kept_rulebook(made_from)
    if kept is not None:
        return kept
    rulebook = _read(files)
    keep_rulebook(rulebook, made_from)
    return rulebook


def _read(files: Sequence[RuleFile]) -> Rulebook:
    # YAML takes longer to import than all else here together, and most starts need none of it.
    from keyleak.rulebook.claims import refuse_claims  # noqa: PLC0415
    from keyleak.rulebook.issuer_file import read_issuer  # noqa: PLC0415
    from keyleak.rulebook.words_file import read_placeholder_words  # noqa: PLC0415

    *issuer_files, words_file = files
    texts = [file.text() for file in issuer_files]
    issuers = tuple(
        read_issuer(text, file.name, file.provenance) for text, file in zip(texts, issuer_files, strict=True)
    )
    refuse_claims(issuers, [(file.name, text) for file, text in zip(issuer_files, texts, strict=True)])
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.content).digest())
        if not file.provenance.is_trusted:
            # What is remembered of a history under this digest was found by rules that decide less.
            digest.update(file.provenance.value.encode())
    words = read_placeholder_words(words_file.text(), words_file.name)
    return Rulebook(issuers, words, digest.hexdigest())


def _each_once(further: Iterable[str | RuleFolder]) -> list[RuleFolder]:
    """The folders, those of the user first."""
    folders = [
        each if isinstance(each, RuleFolder) else RuleFolder(each, Provenance.USER, is_named=True)
        for each in further
    ]
    folders.sort(key=lambda folder: not folder.provenance.is_trusted)
    known: dict[str, RuleFolder] = {}
    for folder in folders:
        known.setdefault(os.path.realpath(folder.path), folder)
    return list(known.values())


def _rule_files(folder: str) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.endswith(_ENDINGS))


def _files_in(folder: RuleFolder, earlier: Sequence[RuleFile]) -> list[RuleFile]:
    """The rule files of a folder.

    Args:
        folder: the folder.
        earlier: those that the same repository brought in other folders.
    """
    try:
        names = _rule_files(folder.path)
    except OSError as error:
        raise RuleError(folder.path, None, f"no folder of rule files: {error.strerror}") from error
    if not names and (folder.is_named or not folder.provenance.is_trusted):
        raise RuleError(folder.path, None, "holds no rule file (*.yaml)")
    _refuse_many(folder, len(names), earlier)
    files: list[RuleFile] = []
    room = _MOST_BYTES_OF_REPOSITORY - sum(len(file.content) for file in earlier)
    for name in names:
        path = os.path.join(folder.path, name)
        files.append(RuleFile(path, folder.provenance, _further_content(path, folder)))
        room -= len(files[-1].content)
        if room < 0 and not folder.provenance.is_trusted:
            most = f"{_MOST_BYTES_OF_REPOSITORY:,} bytes"
            raise RuleError(path, None, f"a repository has at most {most} of rules")
    return files


def _refuse_many(folder: RuleFolder, count: int, earlier: Sequence[RuleFile]) -> None:
    if folder.provenance.is_trusted:
        if count > _MOST_FILES:
            raise RuleError(folder.path, None, f"holds more than {_MOST_FILES:,} rule files")
    elif len(earlier) + count > _MOST_FILES_OF_REPOSITORY:
        raise RuleError(folder.path, None, f"a repository has at most {_MOST_FILES_OF_REPOSITORY} rule files")


def _further_content(path: str, folder: RuleFolder) -> bytes:
    """The content of a rule file that is not built in.

    The user's own may be links, as managers of such files make them; a repository's stay in their folder.
    """
    try:
        if not folder.provenance.is_trusted:
            return read_regular(path, CONFIGURATION_LIMIT, inside=folder.path)
        if folder.is_named:
            return read_given(path, CONFIGURATION_LIMIT)
        return read_regular(os.path.realpath(path), CONFIGURATION_LIMIT, owned=True)
    except OSError as error:
        raise RuleError(path, None, f"cannot be read: {error.strerror}") from error


def _built_in(name: str, path: str) -> RuleFile:
    try:
        # The folder is this installation's own; a package manager may have put links into it.
        return RuleFile(name, Provenance.BUILT_IN, read_given(path, CONFIGURATION_LIMIT))
    except OSError as error:
        raise RuleError(name, None, f"cannot be read: {error.strerror}") from error

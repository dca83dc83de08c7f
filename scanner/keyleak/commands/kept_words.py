"""The words that keyleak searches for, kept from one run to the next for `commands/glance.py`.

They follow from the rule files and from code. Kept words are used only while every one of these files has the
size and the time of change that it had when they were kept; whatever differs, they are made anew.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak import cache_file
from keyleak._version import __version__
from keyleak.resources import code_folder, data_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAME: Final = f"words-{sys.implementation.cache_tag}.txt"
_STEMS: Final = "stems"
_ENDINGS: Final = (".py", ".yaml", ".yml")


class Words(NamedTuple):
    """What is searched for."""

    plain: list[bytes]
    stems: list[bytes]
    """Words that count only with the beginning of a body behind them."""


def kept_words() -> Words | None:
    """The words, or None where none are kept that were made from the files at hand."""
    kept = cache_file.kept(_NAME)
    if kept is None:
        return None
    made_from, _, lines = kept.partition(b"\n")
    if made_from != _made_from() or not lines.endswith(b"\n"):
        return None
    try:
        plain, _, stems = lines.decode("ascii").partition(_STEMS)
        return Words(list(map(bytes.fromhex, plain.split())), list(map(bytes.fromhex, stems.split())))
    except ValueError:
        return None


def keep_words(plain: Iterable[bytes], stems: Iterable[bytes]) -> None:
    """Keep the words that follow from the built-in rules, if there are others kept."""
    data = b"\n".join([_made_from(), *_in_digits(plain), _STEMS.encode(), *_in_digits(stems), b""])
    if cache_file.kept(_NAME) != data:
        cache_file.keep(_NAME, data)


def _in_digits(words: Iterable[bytes]) -> list[bytes]:
    return sorted(word.hex().encode() for word in words)


def _made_from() -> bytes:
    """One line that changes with any file that the words follow from."""
    facts = [f"{__version__} {sys.version}", *_files(code_folder()), *_files(data_folder("rules"))]
    return os.fsencode("|".join(facts)).replace(b"\n", b" ")


def _files(folder: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.path):
                if entry.is_dir():
                    waiting.append(entry.path)
                elif entry.name.endswith(_ENDINGS):
                    status = entry.stat()
                    yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"

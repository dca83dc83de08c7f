"""A rulebook kept between runs in the user's cache folder, so that a start parses no YAML.

It is used only if it was made from the very bytes of the rule files at hand, by this version of the code that
reads them, and if nobody but this user (or root) could have written it. Otherwise the rule files are read as
if nothing had been kept. Keeping is a convenience: where it fails, nothing is said and nothing is lost.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING, Final

from keyleak import cache_file
from keyleak._version import __version__
from keyleak.rulebook import compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.rulebook.model import Rulebook
    from keyleak.rulebook.provenance import RuleFile

_CODE: Final = os.path.dirname(os.path.abspath(__file__))
_NAME: Final = f"rules-{sys.implementation.cache_tag}.bin"


def digest_of(files: Iterable[RuleFile]) -> bytes:
    """The digest of rule files and of the code that makes a rulebook of them.

    Who chose a file is a part of it: what a repository says must not pass for the same text of the user's.
    """
    digest = hashlib.sha256()
    for part in _parts(files):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


def _parts(files: Iterable[RuleFile]) -> Iterator[bytes]:
    yield f"{__version__} {sys.version}".encode()
    # In a checkout the code changes without its version.
    for name in sorted(os.listdir(_CODE)):
        if name.endswith(".py"):
            facts = os.stat(os.path.join(_CODE, name))
            yield f"{name} {facts.st_size} {facts.st_mtime_ns}".encode()
    for file in files:
        yield file.provenance.value.encode()
        yield os.fsencode(file.name)
        yield file.content


def kept_rulebook(made_from: bytes) -> Rulebook | None:
    """The rulebook made from exactly this, if it was kept and can be trusted."""
    data = cache_file.kept(_NAME)
    try:
        return None if data is None else compact.unpacked(data, made_from)
    except (EOFError, ValueError, TypeError):
        return None


def keep_rulebook(rulebook: Rulebook, made_from: bytes) -> None:
    """Keep a rulebook for the next start, where there is a folder of this user's for it."""
    cache_file.keep(_NAME, compact.packed(rulebook, made_from))

"""Compiled anchors kept between runs in the user's cache folder.

Hyperscan takes some 40 milliseconds to compile them, in each process that searches, and no time to load them.
"""

from __future__ import annotations

import hashlib
import importlib.util
from typing import TYPE_CHECKING, Final

from keyleak import cache_file
from keyleak.matching.engine import fastest_engine
from keyleak.matching.patient_engine import PatientEngine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.matching.engine import Engine, Searched

_NAME: Final = "anchors.hs"
_DIGEST: Final = 32
# The file is made of all that is searched for: as it is, a scan of the home folder would look at it for ever.
_INVERTED: Final = bytes(range(255, -1, -1))


def patient_engine(anchors: Sequence[Searched]) -> Engine:
    """An engine that is made ready once that pays, from what was kept."""
    return PatientEngine(anchors, kept_engine)


def kept_engine(anchors: Sequence[Searched]) -> Engine:
    """The fastest engine, from what an earlier run kept where that was made of the same anchors.

    Hyperscan itself checks version and processor of what it loads.
    """
    if importlib.util.find_spec("hyperscan") is None:
        return fastest_engine(anchors)
    from keyleak.matching.hyperscan_engine import HyperscanEngine, expression  # noqa: PLC0415 - not everywhere

    made_from = hashlib.sha256(b"\0".join(map(expression, anchors))).digest()
    kept = cache_file.kept(_NAME) or b""
    compiled = kept[2 * _DIGEST :].translate(_INVERTED)
    is_same = kept[:_DIGEST] == made_from
    if is_same and kept[_DIGEST : 2 * _DIGEST] == hashlib.sha256(compiled).digest():
        return HyperscanEngine(anchors, compiled)
    engine = HyperscanEngine(anchors)
    compiled = engine.compiled
    digest = hashlib.sha256(compiled).digest()
    cache_file.keep(_NAME, made_from + digest + compiled.translate(_INVERTED))
    return engine

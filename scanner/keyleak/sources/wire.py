"""Sightings on their way between our own processes: the one place where a key leaves its `Secret`.

`Secret` refuses pickling, so that no cache or queue holds a key by accident; here it is done on purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keyleak.findings import Sighting
from keyleak.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable

PackedSightings: TypeAlias = list[tuple[bytes, tuple[Any, ...]]]

_AFTER_SECRET: Final = Sighting.__slots__[1:]


def packed(sightings: Iterable[Sighting]) -> PackedSightings:
    """Sightings as plain values for a pipe."""
    return [
        (sighting.secret.reveal(), tuple(getattr(sighting, name) for name in _AFTER_SECRET))
        for sighting in sightings
    ]


def unpacked(wire: PackedSightings) -> tuple[Sighting, ...]:
    """What `packed` packed."""
    return tuple(Sighting(Secret(key), *rest) for key, rest in wire)

"""Which of several keys is the active one, where an issuer allows one for each workspace."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyleak.verification.verifier import Learnt


def active_keys(learnt: Iterable[Learnt]) -> dict[str, str]:
    """What to say of the keys of issuers that allow one active key for each of their workspaces.

    Returns:
        A sentence by the id of a finding, for issuers of which several keys were asked about.
    """
    by_issuer: dict[str, list[Learnt]] = defaultdict(list)
    for each in learnt:
        reach = each.request.call.reach
        if reach is not None and reach.one_active_key:
            by_issuer[each.request.issuer].append(each)
    return {
        id_: sentence
        for keys in by_issuer.values()
        if len(keys) > 1
        for id_, sentence in _of_one_issuer(keys)
    }


def _of_one_issuer(keys: list[Learnt]) -> Iterator[tuple[str, str]]:
    holders: dict[str, list[Learnt]] = defaultdict(list)
    for key in keys:
        for place in dict.fromkeys(reached.id for reached in key.reached):
            holders[place].append(key)
    for key in keys:
        sentences = [
            _sentence(key, place, len(active), len(keys))
            for place, active in holders.items()
            if key in active
        ]
        if sentences:
            yield key.request.id, ". ".join(sentences)


def _sentence(key: Learnt, place: str, active: int, found: int) -> str:
    name, reach = key.request.name, key.request.call.reach
    unit = reach.unit if reach else ""
    if active == 1:
        return f"Of the {found:,} {name} keys found, this is the active one of {unit} {place}"
    return (
        f"{active:,} of the {found:,} {name} keys found are accepted in {unit} {place}, which by {name}'s "
        "documents has one active key: ask its support whether a window for two is open"
    )

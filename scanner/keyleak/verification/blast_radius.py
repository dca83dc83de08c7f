"""How far a live key reaches, as the answer says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.verification.outside_text import plain_name, shown_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyleak.rulebook.model import Reach, VerifyCall
    from keyleak.secret import Secret


@dataclass(frozen=True, slots=True)
class Reached:
    """One thing that a key reaches: a workspace of FLORA."""

    id: str
    role: str | None


def reached_by(call: VerifyCall, document: object, secret: Secret) -> tuple[Reached, ...]:
    """What an answer lists, ids and roles only: names belong to whoever owns the key."""
    if call.reach is None or not isinstance(document, dict):
        return ()
    listed = document.get(call.reach.list)
    elements = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(_reached(call.reach, element, secret) for element in elements)


def _reached(reach: Reach, element: dict[str, object], secret: Secret) -> Reached:
    role = None if reach.role is None else plain_name(element.get(reach.role), secret)
    return Reached(shown_name(element.get(reach.id), secret), role)


def reach_in_words(call: VerifyCall, reached: Iterable[Reached]) -> str:
    """`reaches 2 workspaces: ws_1 (admin), ws_2 (member)`."""
    if call.reach is None:
        return ""
    every = list(reached)
    number = f"{len(every):,} {call.reach.unit}{'' if len(every) == 1 else 's'}"
    names = ", ".join(each.id if each.role is None else f"{each.id} ({each.role})" for each in every)
    return f"reaches {number}: {names}" if every else f"reaches no {call.reach.unit}"

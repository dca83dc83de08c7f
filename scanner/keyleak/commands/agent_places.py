"""`keyleak scan --agents`: which files those are, and how their servers are signed in to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyleak.agents.places import agent_places
from keyleak.agents.servers import SignIn, servers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.commands.console import Console


def with_agent_places(paths: Sequence[str], console: Console) -> tuple[str, ...]:
    """The paths to scan: those given, and those of agents that are there.

    Says of each configured server how it is signed in to, so that one by URL alone is known to be fine.
    """
    places = agent_places(".", os.path.expanduser("~"))
    for place in places:
        if os.path.isfile(place):
            _say_servers(place, console)
    if not places and not paths:
        console.note("no configuration of a coding agent is here, so there is nothing to scan")
    return (*paths, *places)


def _say_servers(place: str, console: Console) -> None:
    try:
        with open(place, "rb") as file:
            content = file.read()
    except OSError:
        return  # the scan itself says that it cannot be read
    for server in servers(content, place):
        advice = "; by URL alone it would sign in by OAuth" if server.sign_in is SignIn.VALUE else ""
        console.note(f"{place}: server {server.name!r} is configured {server.sign_in.value}{advice}")

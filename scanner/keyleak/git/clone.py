"""A repository from a URL: mirrored whole, every ref that the server offers, into a folder of our own."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from keyleak.git.network import Origin, connect, protocols, without_user
from keyleak.git.progress import progress_reader

if TYPE_CHECKING:
    from collections.abc import Callable

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!/?\Z)")


def is_url(repository: str) -> bool:
    """Whether a repository is named by a URL (`https://…`, `git@host:path`) and not by a folder."""
    return _URL.match(repository) is not None


def mirror(url: str, folder: str, tell: Callable[[str], None], origin: Origin = Origin.USER) -> None:
    """Clones a repository as a mirror: `refs/pull/*` and all other refs come with it.

    Args:
        url: where from.
        folder: where to; must not exist, and the one above it is our own.
        tell: told how far it is, in words.
        origin: who named the URL.

    Raises:
        GitError: it is reached in a way that is refused, or cannot be cloned.
    """
    allowed = protocols(url, origin)
    above, name = os.path.split(folder)
    # No template: it could bring hooks. No hard links to the objects of a folder.
    command = ("clone", "--mirror", "--progress", "--no-local", "--template=", "--", url, name)
    shown = without_user(url)
    heard = progress_reader(lambda step: tell(f"cloning {shown}: {step}"))
    connect(command, above, allowed, heard=heard)

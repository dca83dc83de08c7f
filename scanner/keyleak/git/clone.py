"""A repository from a URL: mirrored whole, every ref that the server offers, into a folder of our own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from keyleak.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Callable

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!/?\Z)")
_USER: Final = re.compile(r"(?<=://)[^/@\s]*@")
_ENVIRONMENT: Final = {"GIT_TERMINAL_PROMPT": "0", "GIT_TEMPLATE_DIR": "", "LC_ALL": "C"}


def is_url(repository: str) -> bool:
    """Whether a repository is named by a URL (`https://…`, `git@host:path`) and not by a folder."""
    return _URL.match(repository) is not None


def without_user(url: str) -> str:
    """A URL without the name and password that may stand in it, for people to see."""
    return _USER.sub("", url)


def mirror(url: str, folder: str, tell: Callable[[str], None]) -> None:
    """Clones a repository as a mirror: `refs/pull/*` and all other refs come with it.

    Transports that name programs (`ext::`) are refused; the user's own git configuration counts, for it may
    hold how to sign in.

    Args:
        url: where from.
        folder: where to; must not exist or be empty.
        tell: told how far it is, in words.

    Raises:
        GitError: it cannot be cloned.
    """
    # Only here; they take longer to import than most scans last.
    from git.exc import CommandError, UnsafeProtocolError  # noqa: PLC0415

    from git import Repo  # noqa: PLC0415

    progress = _telling(without_user(url), tell)
    try:
        repository = Repo.clone_from(url, folder, progress=progress, env=_ENVIRONMENT, mirror=True)
        repository.close()
    except UnsafeProtocolError as error:
        reason = f"{without_user(url)} is reached by running a program, which is refused"
        raise GitError(("clone",), None, reason) from error
    except CommandError as error:
        said = _USER.sub("", "\n".join(progress.error_lines) or str(error.stderr)).removeprefix("fatal: ")
        code = error.status if isinstance(error.status, int) else None
        # Not chained: the command in it holds the URL as it was given.
        raise GitError(("clone",), code, said) from None


def _telling(shown: str, tell: Callable[[str], None]) -> Any:
    """What passes on how far git is, and keeps what it says of errors.

    GitPython takes such an object as well as a function, which its annotations do not say.
    """
    from git.remote import RemoteProgress  # noqa: PLC0415

    class Progress(RemoteProgress):
        """Tells each step in git's own words."""

        def update(
            self,
            op_code: int,
            cur_count: str | float,
            max_count: str | float | None = None,
            message: str = "",
        ) -> None:
            """See `git.RemoteProgress`."""
            del op_code
            share = f"{float(cur_count) / float(max_count):.0%}" if max_count else f"{float(cur_count):,.0f}"
            tell(f"cloning {shown}: {share} {message}".rstrip())

    return Progress()

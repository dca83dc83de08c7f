"""Links to a line on the hosts that many know, made of what a report says; nothing is asked."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from keyleak.findings import LocationKind, Standing

if TYPE_CHECKING:
    from keyleak.findings import Finding, Location

_ADDRESS: Final = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^/@\s]*@)?|(?:[A-Za-z0-9_.-]+@)?)"
    r"(?P<host>[A-Za-z0-9.-]+)(?::\d+)?[:/]/*(?P<path>[A-Za-z0-9._~/-]+?)(?:\.git)?/*\Z"
)


class _Host(NamedTuple):
    """How a host writes its addresses."""

    file: str
    commit: str


_GITHUB: Final = _Host("/blob/{commit}/{path}#L{line}", "/commit/{commit}")
_GITLAB: Final = _Host("/-/blob/{commit}/{path}#L{line}", "/-/commit/{commit}")
_BITBUCKET: Final = _Host("/src/{commit}/{path}#lines-{line}", "/commits/{commit}")
_GITEA: Final = _Host("/src/commit/{commit}/{path}#L{line}", "/commit/{commit}")
_HOSTS: Final = {
    "github.com": _GITHUB,
    "gitlab.com": _GITLAB,
    "bitbucket.org": _BITBUCKET,
    "codeberg.org": _GITEA,
    "gitea.com": _GITEA,
}
_OTHER_NAMES: Final = {
    "www.github.com": "github.com",
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
# Nobody's host has what these say.
_HERE_ALONE: Final = frozenset(each.value for each in Standing if each is not Standing.PUSHED)
_IN_HEADERS: Final = frozenset({LocationKind.COMMIT_MESSAGE, LocationKind.IDENTITY})


def link(repository_url: str | None, finding: Finding, location: Location) -> str | None:
    """Where a place can be looked at; None where the host is not known, or does not have it.

    Args:
        repository_url: the address of its repository, without credentials.
        finding: whose place it is.
        location: the place.
    """
    found = _ADDRESS.match(repository_url or "")
    commit = location.commit
    if found is None or commit is None or not commit.isalnum() or _HERE_ALONE.intersection(finding.exposure):
        return None
    name = _OTHER_NAMES.get(found["host"].lower(), found["host"].lower())
    host = _HOSTS.get(name)
    if host is None or "/" not in found["path"]:
        return None
    start = f"https://{name}/{found['path']}"
    if location.kind in _IN_HEADERS:
        return start + host.commit.format(commit=commit)
    if location.kind is not LocationKind.BLOB or location.path is None:
        return None
    path = quote(os.fsencode(location.path))
    whole = host.file.format(commit=commit, path=path, line=location.line)
    # A line of what is packed in it is none of the file's.
    return start + (whole.partition("#")[0] if location.container else whole)

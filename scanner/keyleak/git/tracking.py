"""Which commits the other side of a push has already, as far as this repository can know.

Remote-tracking refs hold what git last saw of a remote. They say nothing of another place: a `pushurl`, a URL
that was changed since (`git remote set-url`), a remote whose name begins with this one's. A key that such a
place has not seen would be published unread, so tracking refs count only where nothing speaks against them.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from keyleak.git.process import run
from keyleak.git.refspecs import by_ref, fetch_url, remotes, tracking_refs, without_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.git.inherited import Repository
    from keyleak.git.pushes import Push
    from keyleak.git.refspecs import Remote

_RECORD: Final = "keyleak-remotes"
_CLONED: Final = "clone: from "
# Files of the git folder: lines longer than this together are none that git wrote.
_MOST: Final = 64 << 20
# A command line has its limit. Commits that are not left out are read: nothing is lost by it.
_MOST_IDS: Final = 10_000


class Known(NamedTuple):
    """What the other side of a push is known to have."""

    ids: tuple[str, ...] = ()
    """Commits."""
    doubt: str | None = None
    """Why tracking refs do not count, where there are some."""


def known_to(repository: Repository, push: Push) -> Known:
    """What the other side has, by this repository's tracking refs.

    Args:
        repository: the sending one.
        push: what is pushed and where to.

    Raises:
        GitError: git cannot say.
    """
    configured = remotes(repository)
    remote = configured.get(push.remote)
    if remote is None:
        return Known()
    refs = tracking_refs(repository, remote, configured.values())
    if push.url != fetch_url(repository, remote):
        other = f"the push goes to another URL than a fetch of {remote.name}"
        return Known(doubt=other if refs else None)
    doubt = _doubt(repository, remote, refs, push)
    if doubt:
        return Known(doubt=doubt)
    return Known(tuple(sorted(set(refs.values()))[:_MOST_IDS]))


def record_remotes(repository: Repository) -> None:
    """Write down where each remote is now, unless that was done before.

    One that has tracking refs may have had another URL when they were made (`git remote set-url`): it is
    recorded only if the reflog of a clone or the last fetch says that they are of this one.

    Raises:
        GitError: git cannot say.
    """
    configured = remotes(repository)
    known = _recorded(repository)
    new = [remote for remote in configured.values() if remote.name not in known]
    urls = [(remote, fetch_url(repository, remote)) for remote in new]
    there = {
        each.name: url
        for each, url in urls
        if url
        and (
            _is_where_it_was(repository, each, url)
            or set(tracking_refs(repository, each, configured.values()).values()) <= _fetched(repository, url)
        )
    }
    _record(repository, there)


def _doubt(repository: Repository, remote: Remote, refs: Mapping[str, str], push: Push) -> str | None:
    """Why tracking refs say nothing of the place that is pushed to; None where they do."""
    pairs = by_ref(remote, [update.ref for update in push.updates])
    for update in push.updates:
        tracking = pairs.get(update.ref, "")
        if tracking in refs and refs[tracking] != update.old:
            return f"{tracking} is not what {update.ref} is there"
    known = _is_where_it_was(repository, remote, push.url)
    if known is None:
        # Where git asked the other side, its answer decides; the framework's ids are no answer of it.
        known = not push.asked_there or any(pairs.get(update.ref, "") in refs for update in push.updates)
    if known:
        _record(repository, {remote.name: push.url})
        return None
    seen = _fetched(repository, push.url)
    if push.asked_there:
        seen |= {update.old for update in push.updates}
    if set(refs.values()) <= seen:
        _record(repository, {remote.name: push.url})
        return None
    return f"the URL of {remote.name} may be another one than its tracking refs were fetched from"


def _is_where_it_was(repository: Repository, remote: Remote, url: str) -> bool | None:
    """Whether a remote has the URL that was written down or, without that, the one in a clone's reflog.

    None where there is neither.
    """
    recorded = _recorded(repository).get(remote.name)
    if recorded:
        return recorded == _digest(url)
    log = _lines(repository, "logs", "refs", "remotes", remote.name, "HEAD")
    first = next(iter(log), "").partition("\t")[2]
    if not first.startswith(_CLONED):
        return None
    return without_user(first.removeprefix(_CLONED)) in {without_user(each) for each in (url, *remote.urls)}


def _fetched(repository: Repository, url: str) -> set[str | None]:
    """The ids that the last fetch got from a URL."""
    where = f"of {without_user(url)}"
    # Each line: id, a mark, what it is and where from, between tabs.
    return {line.split("\t")[0] for line in _lines(repository, "FETCH_HEAD") if line.endswith(where)}


def _lines(repository: Repository, *path: str) -> list[str]:
    """The lines of a file of the git folder; none where there is no such file."""
    for folder in (repository.git_dir, _common_folder(repository)):
        file = os.path.join(folder, *path)
        if os.path.isfile(file):
            with suppress(OSError), open(file, encoding="utf-8", errors="surrogateescape") as opened:
                return opened.read(_MOST).splitlines()
    return []


def _recorded(repository: Repository) -> dict[str, str]:
    """By the name of a remote, the digest of the URL it had."""
    pairs = [line.rpartition(" ") for line in _lines(repository, _RECORD)]
    return {name: digest for name, _, digest in pairs if name}


def _record(repository: Repository, urls: Mapping[str, str]) -> None:
    """Write down URLs, which may hold passwords, as digests."""
    before = _recorded(repository)
    after = before | {name: _digest(url) for name, url in urls.items()}
    if after == before:
        return
    text = "".join(f"{name} {digest}\n" for name, digest in sorted(after.items()))
    # A folder that cannot be written to: the next push is looked at without it.
    with suppress(OSError):
        _write(os.path.join(_common_folder(repository), _RECORD), os.fsencode(text))


def _write(path: str, content: bytes) -> None:
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "xb") as file:
        file.write(content)
    os.replace(temporary, path)


def _common_folder(repository: Repository) -> str:
    """The git folder that linked work trees share."""
    answer = run(["rev-parse", "--git-common-dir"], repository.folder, keep=repository.keep)
    return os.path.join(repository.folder, os.fsdecode(answer.removesuffix(b"\n")))


def _digest(url: str) -> str:
    return hashlib.sha256(os.fsencode(url)).hexdigest()


def unconfirmed(doubt: str) -> str:
    """A doubt as a note: what follows from it, and what dispels it."""
    return (
        f"{doubt}, so what the other side has is not known, and all that the push brings is read;"
        " `git fetch --prune` from there says what is new"
    )

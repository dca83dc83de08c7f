"""`keyleak fix --guard`: refuse commits of a history that was rewritten, which old clones bring back."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from keyleak.commands.repository_reading import write_out
from keyleak.commands.user_files import text_of
from keyleak.errors import ExitCode
from keyleak.git.inherited import inherited_repository
from keyleak.git.process import run
from keyleak.git.pushes import in_quarantine, received_updates
from keyleak.remediation.commit_map import read_commit_map
from keyleak.remediation.proof import refs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyleak.git.inherited import Repository

_QUARANTINE: Final = "GIT_QUARANTINE_PATH"


def guard(repository: str, map_file: str, environ: Mapping[str, str]) -> ExitCode:
    """Whether any ref, or in a pre-receive hook any pushed one, reaches a commit that was rewritten.

    Args:
        repository: where to look.
        map_file: the commit map of a rewrite.
        environ: the environment; git's variables say that this is a pre-receive hook.

    Raises:
        ConfigError: the map cannot be read.
        UsageError: it is no commit map, or git's lines make no sense.
        GitError: git does not read the repository.
    """
    renamed = read_commit_map(text_of(map_file), map_file)
    lines = [
        f"{ref} brings back {len(old):,} old commits, such as {old[0][:12]} (now {renamed[old[0]][:12]}):"
        " rebase onto the new history"
        for ref, old in _brought_back(repository, renamed, environ)
    ]
    clean = f"none of the {len(renamed):,} old commits is here"
    write_out("".join(f"{line}\n" for line in lines or [clean]))
    return ExitCode.FINDINGS if lines else ExitCode.CLEAN


def _brought_back(
    repository: str, renamed: Mapping[str, str], environ: Mapping[str, str]
) -> Iterator[tuple[str, list[str]]]:
    """Refs that reach old commits, with these, the newest first."""
    if environ.get(_QUARANTINE):
        found = inherited_repository(repository, environ)
        here = in_quarantine(found._replace(folder=found.git_dir, keep=()), environ)
        updates = received_updates(sys.stdin.buffer.read())
        tips = {update.ref: update.new for update in updates if update.new}
    else:
        here, tips = None, refs_of(repository)
    for ref, tip in sorted(tips.items()):
        if old := [commit for commit in _commits(repository, here, tip) if commit in renamed]:
            yield ref, old


def _commits(repository: str, here: Repository | None, tip: str) -> list[str]:
    if here is not None:
        # What a ref reaches already does not come back with this push.
        return run(["rev-list", tip, "--not", "--all", "--"], here.folder, keep=here.keep).decode().split()
    return run(["rev-list", tip, "--"], os.path.abspath(repository)).decode().split()

"""What the pre-commit framework tells its hooks of a push: it reads git's lines and hands on the first.

The variables are those of https://pre-commit.com (section "pre-push").
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyleak.git.process import run
from keyleak.git.pushes import Push, RefUpdate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.git.inherited import Repository


def framework_push(repository: Repository, environ: Mapping[str, str]) -> Push:
    """The ref that is pushed, and where to.

    Where the framework was started by hand, HEAD is what would be pushed. Where the other side has no such
    ref, the framework names as the old id what it makes of this repository's tracking refs.

    Raises:
        GitError: git does not know the commit.
    """
    # Where the remote has nothing of it, the framework names no range, but still the local ref.
    named = environ.get("PRE_COMMIT_TO_REF") or environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    old = environ.get("PRE_COMMIT_FROM_REF")
    ref = environ.get("PRE_COMMIT_REMOTE_BRANCH", named)
    update = RefUpdate(ref, _commit(repository, old) if old else None, _commit(repository, named))
    remote, url = (environ.get(f"PRE_COMMIT_REMOTE_{name}", "") for name in ("NAME", "URL"))
    return Push((update,), remote, url, asked_there=False)


def _commit(repository: Repository, named: str) -> str:
    command = ["rev-parse", "--verify", "--end-of-options", named]
    return os.fsdecode(run(command, repository.folder, keep=repository.keep)).strip()

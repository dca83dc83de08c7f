"""What the pre-commit framework tells its hooks of a push: it reads git's lines and hands on the first.

The variables are those of https://pre-commit.com (section "pre-push").
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyleak.git.process import run
from keyleak.git.pushes import RefUpdate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.git.inherited import Repository


def framework_push(repository: Repository, environ: Mapping[str, str]) -> tuple[list[RefUpdate], str]:
    """The ref that is pushed, and where to.

    Where the framework was started by hand, HEAD stands for what would be pushed.

    Raises:
        GitError: git does not know the commit.
    """
    # Where the remote has nothing of it, the framework names no range, but still the local ref.
    named = environ.get("PRE_COMMIT_TO_REF") or environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    command = ["rev-parse", "--verify", "--end-of-options", named]
    new = os.fsdecode(run(command, repository.folder, keep=repository.keep)).strip()
    ref = environ.get("PRE_COMMIT_REMOTE_BRANCH", named)
    return [RefUpdate(ref, environ.get("PRE_COMMIT_FROM_REF") or None, new)], environ.get(
        "PRE_COMMIT_REMOTE_NAME", ""
    )

"""Getting past a hook on purpose: `KEYLEAK_SKIP=reason`, said aloud and written down."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from keyleak.errors import SourceError
from keyleak.git.inherited import inherited_repository
from keyleak.key_shapes import masked_message
from keyleak.regular_file import CONFIGURATION_LIMIT, read_regular
from keyleak.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyleak.commands.console import Console

VARIABLE: Final = "KEYLEAK_SKIP"
LOG: Final = "keyleak-skips.log"


def skipped(stage: str, environ: Mapping[str, str], console: Console) -> bool:
    """Whether this run is to be skipped; it is then recorded in the git folder.

    Raises:
        GitError: there is no repository to record it in.
        SourceError: it cannot be recorded, so it is not skipped.
    """
    reason = printable(masked_message(environ.get(VARIABLE, "").strip()))
    if not reason:
        return False
    path = os.path.join(inherited_repository(".", environ).git_dir, LOG)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        with open(path, "a", encoding="utf-8") as log:
            log.write(f"{now} {stage} {reason}\n")
    except OSError as error:
        raise SourceError(path, f"the skip cannot be recorded: {error.strerror}") from error
    console.error(f"{stage} was skipped, so nothing was looked at: {reason} (recorded in {path})")
    return True


def recorded_skips(git_dir: str) -> list[str]:
    """The lines of the log, oldest first."""
    try:
        content = read_regular(os.path.join(git_dir, LOG), CONFIGURATION_LIMIT)
        return content.decode("utf-8", "replace").splitlines()
    except OSError:
        return []

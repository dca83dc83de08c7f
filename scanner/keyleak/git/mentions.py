"""Where tracked files mention a name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyleak.git.process import run
from keyleak.git.special_files import named_below, refuse_special

if TYPE_CHECKING:
    from collections.abc import Sequence


def mentions(repository: str, words: Sequence[str]) -> list[tuple[str, int]]:
    """Path and line of every mention of a word in tracked text files.

    Args:
        repository: a work tree, whose files are read as they are, or a bare repository, whose HEAD is.
        words: literal words; a longer word that contains one does not count.

    Raises:
        GitError: git does not read the repository.
    """
    if not words:
        return []
    bare = run(["rev-parse", "--is-bare-repository"], repository).strip() == b"true"
    if bare and not run(["rev-parse", "-q", "--verify", "HEAD^{tree}"], repository, accept=(0, 1)):
        return []
    if not bare:
        refuse_special(named_below(repository, ".gitattributes"))
    options = ("grep", "--full-name", "-n", "-z", "-I", "-w", "-F", "--no-textconv", "--no-color")
    asked = [part for word in words for part in ("-e", word)]
    # 1 is git's answer where nothing matches.
    answer = run([*options, *asked, *(["HEAD"] if bare else []), "--"], repository, accept=(0, 1))
    found = []
    for line in answer.split(b"\n"):
        path, _, rest = line.partition(b"\0")
        number, _, _ = rest.partition(b"\0")
        if number.isdigit():
            found.append((os.fsdecode(path.removeprefix(b"HEAD:") if bare else path), int(number)))
    return found

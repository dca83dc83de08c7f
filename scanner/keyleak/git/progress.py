"""How far a clone is: git's own progress lines, read by GitPython.

GitPython starts git while it is imported, found by PATH and with whatever variables there are. Here only its
reader of lines is wanted, so it is given a program that cannot run and told to be quiet about that: the one
start of a git that reaches a server stays `keyleak.git.network`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_PROGRAM: Final = {"GIT_PYTHON_GIT_EXECUTABLE": os.devnull, "GIT_PYTHON_REFRESH": "quiet"}


def progress_reader(tell: Callable[[str], None]) -> Callable[[str], None]:
    """What takes git's lines one by one and says what they mean.

    Args:
        tell: called with each step in words, such as `45% (450 of 1,000) receiving objects`.
    """
    before = {name: os.environ.get(name) for name in _NO_PROGRAM}
    os.environ.update(_NO_PROGRAM)
    try:
        # Only here; it takes longer to import than most scans last.
        from git.remote import RemoteProgress  # noqa: PLC0415
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

    stages = {
        RemoteProgress.COUNTING: "counting objects",
        RemoteProgress.COMPRESSING: "compressing objects",
        RemoteProgress.RECEIVING: "receiving objects",
        RemoteProgress.RESOLVING: "resolving deltas",
    }

    class _Progress(RemoteProgress):
        def update(
            self,
            op_code: int,
            cur_count: str | float,
            max_count: str | float | None = None,
            message: str = "",
        ) -> None:
            """See `git.RemoteProgress`."""
            del message  # git's words about speed, which change with every line
            stage = stages.get(op_code & RemoteProgress.OP_MASK, "working")
            if max_count:
                of = f"{float(cur_count):,.0f} of {float(max_count):,.0f}"
                tell(f"{float(cur_count) / float(max_count):.0%} ({of}) {stage}")
            else:
                tell(f"{float(cur_count):,.0f} {stage}")

    return _Progress().new_message_handler()

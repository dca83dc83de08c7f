"""What the system is told of this process because keys will be in its memory."""

from __future__ import annotations

import resource


def leave_no_core() -> None:
    """No core file of this process and of those that it starts, however they end.

    A limit of 0 does not keep the kernel from handing a dump to a program (core(5)); while keys are sent,
    `verification/secrecy.py` refuses that too.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))

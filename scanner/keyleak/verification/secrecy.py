"""While keys are sent: no core dump of this process, and no log of the HTTP library's."""

from __future__ import annotations

import ctypes
import logging
import resource
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Their debug logs hold headers of answers, in which a server may send the key back.
_LOGGERS: Final = ("httpx", "httpcore", "asyncio")
_SILENT: Final = logging.CRITICAL + 1
# <sys/prctl.h>: the kernel neither dumps such a process nor hands it to a program that would.
_GET_DUMPABLE: Final = 3
_SET_DUMPABLE: Final = 4


@contextmanager
def kept_from_disk() -> Iterator[None]:
    """Hold while keys are on the wire; what was set before is set again after."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    # A limit of 0 does not keep the kernel from piping a dump to a program (core(5)).
    dumpable = _dumpable(_GET_DUMPABLE)
    _dumpable(_SET_DUMPABLE, 0)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(_SILENT)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        _dumpable(_SET_DUMPABLE, dumpable)
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def _dumpable(what: int, value: int = 0) -> int:
    return int(ctypes.CDLL(None).prctl(what, value, 0, 0, 0)) if sys.platform == "linux" else 0

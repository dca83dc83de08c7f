"""Modules are never imported from the folder that keyleak is started in, for that may be the scanned one.

Hooks start Python isolated (`-I`), where nothing here has anything to do. Where somebody types `keyleak`, an
empty or relative entry of `PYTHONPATH` would let `re.py` of that folder run in place of Python's own. This
module is imported first, so it imports only what the interpreter has loaded before it looks at any path.
"""

# No `from __future__`, no `typing`: these are files, searched for on the path that is yet to be cleaned.
import os
import sys

_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def leave_this_folder() -> None:
    """Take off the search path what depends on the current folder; programs started later inherit that.

    The folder that keyleak itself was loaded from stays: `python -m keyleak` in a checkout of it.
    """
    if sys.flags.isolated:
        return
    try:
        dropped = _of_this_folder(os.environ, sys.flags.ignore_environment)
    except OSError:
        # The current folder is gone: nothing can be imported from it.
        dropped = set()
    sys.path[:] = [entry for entry in sys.path if os.path.isabs(entry) and entry not in dropped - {_HOME}]
    if sys.pycache_prefix and not os.path.isabs(sys.pycache_prefix):
        sys.pycache_prefix = None
    _clean(os.environ)


def _of_this_folder(environ: "os._Environ[str]", ignored: int) -> set[str]:
    """Entries that `site` has made absolute already."""
    here = set() if sys.flags.safe_path else {os.getcwd()}
    if ignored:
        return here
    # An empty variable counts as none; an empty entry of one that is not empty is the current folder.
    value = environ.get("PYTHONPATH", "")
    here.update(os.path.abspath(entry) for entry in _relative(value.split(os.pathsep) if value else []))
    base = environ.get("PYTHONUSERBASE", "")
    if base and not os.path.isabs(base):
        below = os.path.abspath(base) + os.sep
        here.update(entry for entry in sys.path if entry.startswith(below))
    return here


def _relative(entries: list[str]) -> list[str]:
    return [entry for entry in entries if not os.path.isabs(entry)]


def _clean(environ: "os._Environ[str]") -> None:
    for name in ("PYTHONPATH", "PYTHONUSERBASE", "PYTHONHOME", "PYTHONPYCACHEPREFIX"):
        entries = environ.get(name, "").split(os.pathsep)
        kept = os.pathsep.join(entry for entry in entries if os.path.isabs(entry))
        if kept:
            environ[name] = kept
        else:
            environ.pop(name, None)

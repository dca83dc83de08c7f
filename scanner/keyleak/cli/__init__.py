"""The command line: options to plain values, one call, an exit code. One module for each command.

`run` is the `keyleak` program. Until it has called `leave_this_folder`, nothing is imported that a file of
the current folder could shadow (see `search_path`).
"""

from keyleak.cli.search_path import leave_this_folder

# As in `typing`, which is a file and may be shadowed.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from keyleak.cli.program import cli, main

__all__ = ["cli", "main", "run"]


def __getattr__(name: str) -> object:
    """Load the command line where it is used (PEP 562)."""
    if name not in {"cli", "main"}:
        raise AttributeError(f"module 'keyleak.cli' has no attribute {name!r}")
    from keyleak.cli import program  # noqa: PLC0415 - see the module's text

    return getattr(program, name)


def run() -> None:
    """The `keyleak` program; it ends the process."""
    leave_this_folder()
    from keyleak.cli.start import start  # noqa: PLC0415 - only now is the search path clean

    start()

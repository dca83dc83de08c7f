"""The command line: options to plain values, one call, an exit code. One module for each command."""

from keyleak.cli.program import cli, main, run

__all__ = ["cli", "main", "run"]

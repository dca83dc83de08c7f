"""What can go wrong in a way a user can act on, and the exit codes.

KeyleakError
├── UsageError      the command line asks for something that cannot be
├── RuleError       a rule file is wrong: file, line, reason
├── ConfigError     a configuration file is wrong: file, line, reason
├── ReportError     a saved report cannot be used: file, line, reason
├── SourceError     something that was to be read could not be: what, reason
└── GitError        a git command failed: command, exit code, what git said
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command (design section 3); `INCOMPLETE` outranks `FINDINGS`."""

    CLEAN = 0
    FINDINGS = 1
    INCOMPLETE = 2
    CRASH = 3
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143

    @classmethod
    def after(cls, number: int) -> ExitCode:
        """The exit code of a run that a signal ended: 128 and its number, as shells have it."""
        return cls(128 + number)

    @property
    def is_interruption(self) -> bool:
        """Whether a signal ended the run."""
        return self in {ExitCode.HUNG_UP, ExitCode.INTERRUPTED, ExitCode.TERMINATED}


class KeyleakError(Exception):
    """Base of every expected error; its text is one line that says what to do."""


class UsageError(KeyleakError):
    """The command line asks for something that cannot be."""


class _FileError(KeyleakError):
    """A file of the user's is wrong.

    Attributes:
        file: its path as the user knows it.
        line: the 1-based line, or None where the whole file is meant.
        reason: what is wrong and what would be right.
    """

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        self.file = file
        self.line = line
        self.reason = reason
        super().__init__(file, line, reason)

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.reason}"


class RuleError(_FileError):
    """A rule file is wrong."""


class ConfigError(_FileError):
    """A configuration file is wrong."""


class ReportError(_FileError):
    """A saved report cannot be used."""


class SourceError(KeyleakError):
    """Something that was to be read could not be.

    Attributes:
        what: the path or name of it.
        reason: why, in the operating system's words.
    """

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(what, reason)

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


class GitError(KeyleakError):
    """A git command failed.

    Attributes:
        command: the arguments after `git`, without any of content.
        returncode: git's exit status, or None where git could not be started.
        stderr: what git said.
    """

    def __init__(self, command: tuple[str, ...], returncode: int | None, stderr: str) -> None:
        self.command = command
        self.returncode = returncode
        self.stderr = stderr
        super().__init__(command, returncode, stderr)

    def __str__(self) -> str:
        lines = self.stderr.strip().splitlines()
        # Hints and warnings come first, and are not why it failed.
        trouble = [line for line in lines if line.startswith(("fatal:", "error:"))]
        said = [*trouble, *lines, "no message"][0]
        return f"git {' '.join(self.command[:1])} failed ({self.returncode}): {said}"

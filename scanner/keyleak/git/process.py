"""The one place that starts git.

A scanned repository is hostile until shown otherwise, and its configuration is part of it. Git runs here with
list arguments, bytes in and out, an environment without the `GIT_*` variables that redirect it, and settings
that a repository's own configuration cannot override: no hook, file-system monitor, pager, signature
program, replacement object, graft or transport is ever used. The user's own and the system's configuration
still count, because `safe.directory` and `core.excludesFile` stand there.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

from keyleak.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from _typeshed import StrOrBytesPath

# Command-line settings outrank every configuration file.
_SETTINGS: Final = (
    "core.fsmonitor=false",  # names a program to run on every index refresh
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.useReplaceRefs=false",
    "core.untrackedCache=false",
    "credential.helper=",
    "log.showSignature=false",  # would start gpg.program, which a repository may name
    "submodule.recurse=false",
    "protocol.allow=never",
    "protocol.ext.allow=never",
)

# Where the user keeps configuration, and how far discovery goes up: not the repository's to choose.
_KEPT: Final = frozenset(
    {
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    }
)

_FIXED: Final = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # A partial clone would fetch missing objects, over a transport and with programs the repository names.
    "GIT_NO_LAZY_FETCH": "1",
    # Outranks every `protocol.*.allow` setting; git before 2.44 knows only this one.
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
}

_TRANSPORTS: Final = "https:http:ssh:git:file"

_UNTRUSTED: Final = ("dubious ownership", "unsafe repository")


def clean_environment(environ: Mapping[str, str], keep: Sequence[str] = ()) -> dict[str, str]:
    """The environment git runs in.

    Args:
        environ: the environment of this process.
        keep: further `GIT_*` variables to trust, such as `GIT_INDEX_FILE` inside a pre-commit hook.
    """
    kept = _KEPT.union(keep)
    clean = {name: value for name, value in environ.items() if not name.startswith("GIT_") or name in kept}
    clean.pop("LANGUAGE", None)
    # An empty or relative PATH entry would look for git inside the scanned repository.
    clean["PATH"] = os.pathsep.join(
        entry for entry in environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(entry)
    )
    return clean | _FIXED


def run(
    args: Sequence[StrOrBytesPath],
    cwd: StrOrBytesPath,
    *,
    stdin: bytes | None = None,
    keep: Sequence[str] = (),
    accept: Sequence[int] = (0,),
    copies_local: bool = False,
) -> bytes:
    """Runs a git command to its end and returns its standard output.

    Args:
        args: what follows `git`; the caller puts `--` before anything that content can choose.
        cwd: the folder to run in.
        stdin: bytes for standard input, which is empty without them.
        keep: see `clean_environment`.
        accept: exit codes that are not failures: `check-ignore` says 1 where nothing is ignored.
        copies_local: whether objects may come from another repository on this machine, as `clone` needs it.

    Raises:
        GitError: git is missing, the folder is, or git said no.
    """
    environment = clean_environment(os.environ, keep)
    if copies_local:
        environment["GIT_ALLOW_PROTOCOL"] = "file"
    try:
        done = subprocess.run(  # noqa: S603 (a list, no shell)
            [_executable(args, environment), *_options(), *args],
            cwd=cwd,
            env=environment,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise _not_started(args, error) from error
    if done.returncode not in accept:
        raise _failure(args, cwd, done.returncode, done.stderr)
    return done.stdout


def transfer(args: Sequence[StrOrBytesPath], cwd: StrOrBytesPath, *, stdin: bytes) -> bytes:
    """Runs a git command that may reach a remote, with no program that the repository names.

    Args:
        args: what follows `git`.
        cwd: the repository.
        stdin: bytes for standard input.

    Raises:
        GitError: git is missing, or it said no.
    """
    kept = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "GIT_SSL_CAINFO")
    environment = clean_environment(os.environ, kept) | {"GIT_ALLOW_PROTOCOL": _TRANSPORTS}
    # Set here they outrank the repository's own. Helpers of the user's and the system's are given back.
    settings = (
        "core.sshCommand=ssh",
        "core.gitProxy=",
        "core.askPass=",
        "core.alternateRefsCommand=true",
        "gc.auto=0",
        "maintenance.auto=false",
        *(f"protocol.{name}.allow=always" for name in _TRANSPORTS.split(":")),
        *(f"credential.helper={helper}" for helper in _own_helpers(environment)),
    )
    command = [
        _executable(args, environment),
        *_options(),
        *(part for setting in settings for part in ("-c", setting)),
        *args,
    ]
    try:
        done = subprocess.run(  # noqa: S603 (a list, no shell)
            command, cwd=cwd, env=environment, input=stdin, capture_output=True, check=False
        )
    except (OSError, ValueError) as error:
        raise _not_started(args, error) from error
    if done.returncode:
        raise _failure(args, cwd, done.returncode, done.stderr)
    return done.stdout


def _own_helpers(environment: Mapping[str, str]) -> list[str]:
    """Credential helpers of the user and the system: asked outside of any repository."""
    done = subprocess.run(  # noqa: S603 (a list, no shell)
        [_executable((), environment), "config", "--get-all", "credential.helper"],
        cwd=os.sep,
        env={**environment, "GIT_CEILING_DIRECTORIES": os.sep},
        capture_output=True,
        check=False,
    )
    return [os.fsdecode(line) for line in done.stdout.splitlines()]


class GitStream(NamedTuple):
    """A running git command. A named tuple, for a hook pays for what a dataclass imports."""

    stdin: IO[bytes]
    """What git reads; close it to say that nothing more follows."""
    stdout: IO[bytes]
    """What git writes."""


@contextmanager
def stream(
    args: Sequence[StrOrBytesPath],
    cwd: StrOrBytesPath,
    *,
    keep: Sequence[str] = (),
    allocation: int | None = None,
) -> Iterator[GitStream]:
    """Runs a git command that answers while it is asked, such as `cat-file --batch`.

    The command must end by itself once its input is closed. Where the body raises, it is killed.

    Args:
        args: what follows `git`.
        cwd: the folder to run in.
        keep: see `clean_environment`.
        allocation: the largest piece of memory git may ask for, in bytes; it fails where it needs more.

    Raises:
        GitError: git is missing, or it ended with an error; a body's own exception goes first.
    """
    environment = clean_environment(os.environ, keep)
    if allocation is not None:
        environment["GIT_ALLOC_LIMIT"] = str(allocation)
    with _unnamed_file() as stderr:
        try:
            process = subprocess.Popen(  # noqa: S603 (a list, no shell)
                [_executable(args, environment), *_options(), *args],
                cwd=cwd,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        except (OSError, ValueError) as error:
            raise _not_started(args, error) from error
        try:
            yield _pipes(process)
            _drain(process)
        finally:
            _stop(process)
        if process.returncode != 0:
            stderr.seek(0)
            raise _failure(args, cwd, process.returncode, stderr.read(65536))


def _unnamed_file() -> IO[bytes]:
    """A file for what git says, gone with its descriptor; in memory where the system has that."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("git's standard error"), "w+b")
    import tempfile  # noqa: PLC0415 - takes as long to import as git to answer

    return cast("IO[bytes]", tempfile.TemporaryFile())


def _pipes(process: subprocess.Popen[bytes]) -> GitStream:
    assert process.stdin is not None
    assert process.stdout is not None
    return GitStream(process.stdin, process.stdout)


def _drain(process: subprocess.Popen[bytes]) -> None:
    """Lets a command end in peace, whose exit code is wanted."""
    pipes = _pipes(process)
    with suppress(BrokenPipeError):  # it ended already; its exit code says why
        pipes.stdin.close()
    while pipes.stdout.read(1 << 20):
        pass
    process.wait()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a command whose body failed; does nothing to one that ended."""
    if process.poll() is None:
        process.kill()
    pipes = _pipes(process)
    for pipe in (pipes.stdin, pipes.stdout):
        with suppress(BrokenPipeError):
            pipe.close()
    process.wait()


def _options() -> list[str]:
    return ["--no-pager", *(part for setting in _SETTINGS for part in ("-c", setting))]


def _executable(args: Sequence[StrOrBytesPath], environment: Mapping[str, str]) -> str:
    # As `shutil.which`, whose module takes longer to import than git takes to answer.
    for folder in environment["PATH"].split(os.pathsep):
        program = os.path.join(folder, "git")
        if os.access(program, os.X_OK) and os.path.isfile(program):
            return program
    raise GitError(_shown(args), None, "git is not on PATH; install git")


def _shown(args: Sequence[StrOrBytesPath]) -> tuple[str, ...]:
    return tuple(os.fsdecode(argument) for argument in args)


def _not_started(args: Sequence[StrOrBytesPath], error: Exception) -> GitError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return GitError(_shown(args), None, reason)


def _failure(args: Sequence[StrOrBytesPath], cwd: StrOrBytesPath, returncode: int, stderr: bytes) -> GitError:
    if returncode == -signal.SIGINT:
        # Ctrl-C reaches git too, and sometimes first.
        raise KeyboardInterrupt
    said = _printable(stderr)
    if any(words in said for words in _UNTRUSTED):
        folder = _printable(os.fsencode(os.path.abspath(cwd)))
        said = (
            f"{folder} belongs to another user, so git does not read it. If you trust it: "
            f"git config --global --add safe.directory '{folder}'"
        )
    return GitError(_shown(args), returncode, said)


def _printable(stderr: bytes) -> str:
    """What git said without control characters, which a repository can put into names."""
    text = stderr.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)

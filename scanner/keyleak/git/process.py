"""The one place that starts git in a repository; `network.py` starts it in a folder of our own.

A scanned repository is hostile until shown otherwise, and its configuration is part of it. Git runs here with
list arguments, bytes in and out, an environment without the `GIT_*` variables that redirect it, and settings
that a repository's own configuration cannot override: no hook, file-system monitor, pager, signature
program, replacement object, graft, commit graph or transport is ever used, and no file that only the
configuration names is opened. The user's own and the system's configuration still count, because
`safe.directory` is in it.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

from keyleak.errors import GitError
from keyleak.git.special_files import refuse_waiting
from keyleak.on_use import on_use
from keyleak.termination import handled_signals, interruption_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from _typeshed import StrOrBytesPath

# Command-line settings outrank every configuration file.
_SETTINGS: Final = (
    # Programs.
    "core.fsmonitor=false",  # names a program to run on every index refresh
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.alternateRefsCommand=true",
    "core.askPass=",
    "core.sshCommand=false",
    "credential.helper=",
    "log.showSignature=false",  # would start gpg.program, which a repository may name
    "protocol.allow=never",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    # Files that a repository may name and git would open: a pipe never ends, nor does a device.
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",  # `diff-index` opens it, too
    "diff.orderFile=/dev/null",
    "log.mailmap=false",
    # What would make git list less than there is, or believe a file that nobody checked.
    "core.commitGraph=false",
    "core.useReplaceRefs=false",
    "core.untrackedCache=false",
    "diff.relative=false",
    "log.diffMerges=separate",
    # How answers look.
    "color.ui=false",
    "advice.graftFileDeprecated=false",  # would come before the reason of whatever else went wrong
)
# Of the settings in the environment this one counts. Those of a hook's `git -c` come in one variable.
_TRUSTED_SETTING: Final = "safe.directory"
_MOST_SETTINGS: Final = 1000

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

_UNTRUSTED: Final = ("dubious ownership", "unsafe repository")
_OWNED: Final = on_use(r"repository (?:at|\() ?'([^'\n]+)'")


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
    refuse_waiting(os.fsdecode(cwd))
    environment = clean_environment(os.environ, keep)
    if copies_local:
        environment["GIT_ALLOW_PROTOCOL"] = "file"
    try:
        done = subprocess.run(  # noqa: S603 (a list, no shell)
            [executable(args, environment), *options_for(cwd), *args],
            cwd=cwd,
            env=environment,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise not_started(args, error) from error
    if done.returncode not in accept:
        raise _failure(args, cwd, done.returncode, done.stderr)
    return done.stdout


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
    refuse_waiting(os.fsdecode(cwd))
    environment = clean_environment(os.environ, keep)
    if allocation is not None:
        environment["GIT_ALLOC_LIMIT"] = str(allocation)
    with _unnamed_file() as stderr:
        try:
            process = subprocess.Popen(  # noqa: S603 (a list, no shell)
                [executable(args, environment), *options_for(cwd), *args],
                cwd=cwd,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        except (OSError, ValueError) as error:
            raise not_started(args, error) from error
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


def options_for(folder: StrOrBytesPath) -> list[str]:
    """Options of git itself, before the command.

    Args:
        folder: where it runs.
    """
    settings = [*_SETTINGS, *(f"{_TRUSTED_SETTING}={value}" for value in trusted_folders(os.environ))]
    if _is_git_folder(folder):
        # `explicit` is there for repositories that are found on the way up; this one was named.
        settings.append("safe.bareRepository=all")
    return ["--no-pager", *(part for setting in settings for part in ("-c", setting))]


def trusted_folders(environ: Mapping[str, str]) -> list[str]:
    """The values of `safe.directory` that the environment sets, in git's order.

    It is the way to trust a folder where no file can be written, in a container. Nothing else that these
    variables set reaches git.

    Args:
        environ: the environment of this process.
    """
    if "GIT_CONFIG_COUNT" not in environ and "GIT_CONFIG_PARAMETERS" not in environ:
        return []
    given = environ.get("GIT_CONFIG_COUNT", "")
    count = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    pairs = [
        (environ.get(f"GIT_CONFIG_KEY_{number}", ""), environ.get(f"GIT_CONFIG_VALUE_{number}"))
        for number in range(min(count, _MOST_SETTINGS))
    ]
    pairs += _parameters(environ.get("GIT_CONFIG_PARAMETERS", ""))
    return [value for name, value in pairs if name.lower() == _TRUSTED_SETTING and value is not None]


def _parameters(text: str) -> list[tuple[str, str | None]]:
    """What `git -c NAME=VALUE` hands on, each in the quotation marks of a shell."""
    if _TRUSTED_SETTING not in text.lower():
        return []
    import shlex  # noqa: PLC0415 - hardly ever

    try:
        words = shlex.split(text)
    except ValueError:  # git refuses it, too
        return []
    cut = (word.partition("=") for word in words)
    return [(name, value if equals else None) for name, equals, value in cut]


def _is_git_folder(folder: StrOrBytesPath) -> bool:
    name = os.fsdecode(folder)
    return os.path.lexists(os.path.join(name, "HEAD")) and any(
        os.path.lexists(os.path.join(name, part)) for part in ("objects", "commondir")
    )


def executable(args: Sequence[StrOrBytesPath], environment: Mapping[str, str]) -> str:
    """The git that is started: the first one on the path of an environment.

    Args:
        args: what follows `git`, for the error.
        environment: see `clean_environment`.

    Raises:
        GitError: there is none.
    """
    # As `shutil.which`, whose module takes longer to import than git takes to answer.
    for folder in environment["PATH"].split(os.pathsep):
        program = os.path.join(folder, "git")
        if os.access(program, os.X_OK) and os.path.isfile(program):
            return program
    raise GitError(_shown(args), None, "git is not on PATH; install git")


def _shown(args: Sequence[StrOrBytesPath]) -> tuple[str, ...]:
    return tuple(os.fsdecode(argument) for argument in args)


def not_started(args: Sequence[StrOrBytesPath], error: Exception) -> GitError:
    """What to raise where git could not be started."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return GitError(_shown(args), None, reason)


def _failure(args: Sequence[StrOrBytesPath], cwd: StrOrBytesPath, returncode: int, stderr: bytes) -> GitError:
    if -returncode in handled_signals():
        # Ctrl-C reaches git too, and sometimes first.
        raise interruption_by(-returncode)
    said = printable(stderr)
    if any(words in said for words in _UNTRUSTED):
        named = _OWNED.search(said)
        # A clone runs in another folder than the one that is not trusted.
        folder = os.path.normpath(named[1]) if named else printable(os.fsencode(os.path.abspath(cwd)))
        said = (
            f"{folder} belongs to another user, so git does not read it. If you trust it: "
            f"git config --global --add safe.directory '{folder}'"
        )
    return GitError(_shown(args), returncode, said)


def printable(stderr: bytes) -> str:
    """What git said without control characters, which a repository can put into names."""
    text = stderr.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)

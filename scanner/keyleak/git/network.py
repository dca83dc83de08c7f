"""The one place where git reaches a network: in a folder of our own.

Whatever a scanned repository's configuration can say of transports (`http.*`, `credential.*`, `url.*`,
`core.sshCommand`, `remote.*.vcs`, `include.path`) is out of force, since git does not run in that repository
and is given no path into it. What remains is the URL itself, which is checked here, and the configuration of
the user and the system, which may hold how to sign in. One protocol is allowed, that of the URL, with `https`
and `ssh`, to which the user's own `insteadOf` may lead. Nothing asks: not git, not ssh, not a window.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
from contextlib import contextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.process import clean_environment, executable, not_started, printable
from keyleak.termination import ENDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    # Asked of the repository that objects are borrowed from.
    "core.alternateRefsCommand=true",
    # The answering server would name further addresses to fetch from.
    "transfer.bundleURI=false",
    "fetch.uriProtocols=",
    "fetch.negotiationAlgorithm=noop",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
# The user's own ways to reach a server.
_KEPT: Final = (
    "GIT_ASKPASS",
    "GIT_EXEC_PATH",
    "GIT_HTTP_LOW_SPEED_LIMIT",
    "GIT_HTTP_LOW_SPEED_TIME",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_PROXY_COMMAND",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_PROXY_SSL_CERT",
    "GIT_PROXY_SSL_KEY",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
)
_ALWAYS: Final = ("https", "ssh")
_URL: Final = re.compile(r"(https?|ssh|git|file)://([^\s\x00-\x1f\x7f]+)\Z")
# No option for ssh, no `transport::address`.
_HOST: Final = re.compile(r"(?:[^/@]*@)?[A-Za-z0-9\[][^/@]*(?:/|\Z)")
_SHORT_SSH: Final = re.compile(
    r"(?:[A-Za-z0-9_.][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!:|//)[^\s\x00-\x1f]+\Z"
)
_USER: Final = re.compile(r"(?<=://)[^/\s]*@")
_TROUBLE: Final = re.compile(r"(?:fatal|error): ")
_LONGEST_LINE: Final = 1 << 16
_LAST_LINES: Final = 8
_STANDARD_ERROR: Final = 2


class Origin(Enum):
    """Who named an address."""

    USER = "user"
    """On the command line: `http://` and `git://` are the user's own choice, and so is a folder."""
    REPOSITORY = "repository"
    """A repository's configuration, which anybody may have written."""


def without_user(url: str) -> str:
    """A URL without the name and password that may stand in it, for people to see."""
    return _USER.sub("", url)


def protocols(url: str, origin: Origin) -> str:
    """What git may use for a URL, as `GIT_ALLOW_PROTOCOL` has it.

    Args:
        url: a URL, `[user@]host:path`, or the absolute path of a folder.
        origin: who named it.

    Raises:
        GitError: it is refused; the text says what to do.
    """
    protocol = _protocol(url)
    if protocol is None:
        reason = "it is no address that git reaches by https, ssh or a folder's path"
    elif origin is Origin.USER or protocol in _ALWAYS:
        return ":".join(dict.fromkeys((protocol, *_ALWAYS)))
    elif protocol == "file":
        reason = _foreign_folder(url)
        if not reason:
            return protocol
    else:
        reason = f"{protocol}:// is neither private nor sure of the server; make it https or ssh, or use git"
    raise GitError(("fetch",), None, f"{without_user(url)!r} is refused: {reason}")


def _protocol(url: str) -> str | None:
    if os.path.isabs(url):
        return "file" if url.isprintable() else None
    if named := _URL.match(url):
        scheme, rest = named[1], named[2]
        return scheme if scheme == "file" or _HOST.match(rest) else None
    return "ssh" if _SHORT_SSH.match(url) else None


def _foreign_folder(url: str) -> str:
    """Why a folder that a repository names is not read, where git would run as this user; else empty."""
    path = os.path.realpath(url.removeprefix("file://"))
    if not os.path.isdir(path):
        return f"there is no folder {path}"
    if hasattr(os, "geteuid") and os.stat(path).st_uid != os.geteuid():
        return f"{path} belongs to another user"
    return ""


class _Child:
    """A started command."""

    def __init__(self, pid: int, stdin: int, stderr: int) -> None:
        self.pid = pid
        self.stdin = os.fdopen(stdin, "wb")
        self.stderr = stderr
        self._code: int | None = None

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def end(self) -> None:
        """Ends it where it has not ended, and all that it started: they write to a folder that is removed."""
        if self._code is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        with suppress(BrokenPipeError):
            self.stdin.close()
        while os.read(self.stderr, 1 << 16):  # until the last of them is gone
            pass
        os.close(self.stderr)
        self.wait()


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[_Child]:
    """A command in a session of its own, which ends with the body: it has no terminal to ask at."""
    # A signal between the start and the `try` would leave it running for ever.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        child = _spawn(command, environment, before)
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield child
    finally:
        child.end()


def _spawn(command: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]) -> _Child:
    """Starts it; only its first three descriptors are open.

    Raises:
        GitError: it cannot be started.
    """
    read, stdin = map(_above_standard, os.pipe())
    stderr, written = map(_above_standard, os.pipe())
    nowhere = _above_standard(os.open(os.devnull, os.O_WRONLY))
    places = ((read, 0), (nowhere, 1), (written, 2))
    actions = [(os.POSIX_SPAWN_DUP2, descriptor, place) for descriptor, place in places]
    try:
        pid = os.posix_spawn(
            command[0], list(command), environment, file_actions=actions, setsid=True, setsigmask=mask
        )
    except (OSError, ValueError) as error:
        os.close(stdin)
        os.close(stderr)
        raise not_started(command[1:], error) from error
    finally:
        for descriptor in (read, written, nowhere):
            os.close(descriptor)
    return _Child(pid, stdin, stderr)


def _above_standard(descriptor: int) -> int:
    """The same file under a number that is none of the standard streams', which may be closed."""
    if descriptor > _STANDARD_ERROR:
        return descriptor
    higher = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _STANDARD_ERROR + 1)
    os.close(descriptor)
    return higher


def connect(
    args: Sequence[str],
    folder: str,
    allowed: str,
    *,
    stdin: bytes = b"",
    heard: Callable[[str], None] | None = None,
) -> None:
    """Runs a git command that reaches a server.

    Args:
        args: what follows `git`.
        folder: one of our own to run in; never a scanned repository, nor a folder in one.
        allowed: see `protocols`.
        stdin: bytes for standard input.
        heard: told each line about progress.

    Raises:
        GitError: git is missing, or it failed; the text is what it said, without names and passwords.
    """
    environment = network_environment(os.environ, folder, allowed)
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    command = [executable(args, environment), "-C", folder, "--no-pager", *settings, *args]
    with _running(command, environment) as child:
        with suppress(BrokenPipeError):  # it ended; its exit code says why
            child.stdin.write(stdin)
            child.stdin.close()
        said = _listen(child.stderr, heard)
        code = child.wait()
    if code:
        raise GitError((args[0],), code, said)


def network_environment(environ: Mapping[str, str], folder: str, allowed: str) -> dict[str, str]:
    """The environment of a git that reaches a server.

    Args:
        environ: the environment of this process.
        folder: where git runs; the search for a repository does not leave it.
        allowed: see `protocols`.
    """
    environment = clean_environment(environ, _KEPT)
    for name in ("SSH_ASKPASS", "GIT_OPTIONAL_LOCKS"):
        environment.pop(name, None)
    environment |= {
        "GIT_ALLOW_PROTOCOL": allowed,
        "GIT_CEILING_DIRECTORIES": os.path.dirname(os.path.abspath(folder)),
        "GCM_INTERACTIVE": "never",
        "SSH_ASKPASS_REQUIRE": "never",
    }
    if not any(name in environment for name in ("GIT_SSH", "GIT_SSH_COMMAND")) and not _own_ssh(environment):
        environment["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes"
    return environment


def _own_ssh(environment: Mapping[str, str]) -> bool:
    """Whether the user's or the system's configuration says how ssh is started."""
    command = [executable(("config",), environment), "config", "--get", "core.sshCommand"]
    outside = {**environment, "GIT_CEILING_DIRECTORIES": os.sep}
    done = subprocess.run(  # noqa: S603 (a list, no shell)
        command, cwd=os.sep, env=outside, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return bool(done.stdout.strip())


def _listen(stderr: int, heard: Callable[[str], None] | None) -> str:
    """Passes on how far git is; returns what it said of errors, in one line."""
    said: list[str] = []
    for line in _lines(stderr):
        text = without_user(printable(line))
        if b"%" in line or text.startswith("Cloning into"):
            if heard and "%" in text:
                heard(text)
        elif text.strip():
            said = [*said[-_LAST_LINES:], text.strip()]
    # What ssh says of the reason comes before git's own error.
    first = next((place for place, line in enumerate(said) if _TROUBLE.match(line)), len(said))
    return "; ".join(_TROUBLE.sub("", line) for line in said[: first + 1])


def _lines(stream: int) -> Iterator[bytes]:
    """Lines, of which git ends those about progress by a carriage return."""
    left = b""
    while data := os.read(stream, 1 << 16):
        *lines, left = (left + data).replace(b"\r", b"\n").split(b"\n")
        yield from lines
        left = left[-_LONGEST_LINE:]
    yield left

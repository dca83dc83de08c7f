"""The only commands that write to a repository, each on a clone that keyleak made itself.

`git filter-repo` is a program that runs git many times. It gets the same cleaned environment, and what git is
told by options elsewhere it is told by `GIT_CONFIG_*` variables, which reach every git it starts.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.process import clean_environment, executable, options_for, run

if TYPE_CHECKING:
    from collections.abc import Sequence

_SETTINGS: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.pager": "cat",
    "gc.auto": "0",
    "safe.bareRepository": "all",
}


def mirror_clone(source: str, target: str) -> None:
    """Clone every ref of a repository or bundle on this machine into a bare one that shares nothing with it.

    Args:
        source: its absolute path.
        target: a folder that is not there yet; the one above it is.

    Raises:
        GitError: git said no; what it had written by then is gone.
    """
    if not os.path.isfile(source):  # a bundle is a file: it has no owner's settings
        run(["rev-parse", "--git-dir"], source)  # refused where it is another user's that is not trusted
    # No template: it could bring hooks. No hard links: objects are to be dropped from this clone alone.
    options = ("--mirror", "--no-local", "--quiet", "--template=", "--upload-pack", _upload_pack(source))
    parent, name = os.path.split(target)
    run(["clone", *options, "--", source, name], parent, copies_local=True)


def bundle_clone(bundle: str, target: str) -> None:
    """Clone every ref of a bundle that keyleak wrote.

    Args:
        bundle: the file, by its absolute path.
        target: as in `mirror_clone`.

    Raises:
        GitError: git said no; what it had written by then is gone.
    """
    parent, name = os.path.split(target)
    run(["clone", "--mirror", "--quiet", "--template=", "--", bundle, name], parent, copies_local=True)


def _upload_pack(source: str) -> str:
    """The git that reads the source, which gets none of the options and trusts that the cloning one has.

    That its owner is trusted is known by then. It names the git folder where people name the work tree, so it
    is told that any will do.
    """
    program = executable(("upload-pack",), clean_environment(os.environ))
    # The cloning git takes these from the environment of the one that reads another repository.
    without = "GIT_GRAFT_FILE=/dev/null GIT_NO_REPLACE_OBJECTS=1"
    return f"{without} " + shlex.join(
        [program, *options_for(source), "-c", "safe.directory=*", "upload-pack"]
    )


def write_bundle(repository: str, file: str) -> None:
    """Everything that refs reach, in one file that `git clone` takes.

    Raises:
        GitError: git could not write it, or not read it again.
    """
    run(["bundle", "create", "--quiet", file, "--all"], repository)
    run(["bundle", "verify", "--quiet", file], repository)


def forget_old_objects(repository: str) -> None:
    """Drop reflogs and every object that no ref reaches.

    Raises:
        GitError: git said no.
    """
    run(["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"], repository)
    run(["gc", "--quiet", "--prune=now"], repository)


def filter_repo(program: Sequence[str], arguments: Sequence[str], folder: str) -> str:
    """Run `git filter-repo` and return what it printed.

    Args:
        program: how to start it: an absolute path, after an interpreter where it needs one.
        arguments: what follows.
        folder: the clone to rewrite, which is changed for good.

    Raises:
        GitError: it could not be started, or ended with an error; the clone is then in no known state.
    """
    try:
        done = subprocess.run(  # noqa: S603 (a list, no shell)
            [*program, *arguments],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise GitError(("filter-repo",), None, str(error)) from error
    said = done.stdout.decode("utf-8", "backslashreplace")
    if done.returncode:
        raise GitError(("filter-repo", *arguments), done.returncode, _last_lines(said))
    return said


def _environment() -> dict[str, str]:
    environment = clean_environment(os.environ)
    # Python's own variables could bring another module in the program's place.
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
    environment["GIT_CONFIG_COUNT"] = str(len(_SETTINGS))
    for index, (name, value) in enumerate(_SETTINGS.items()):
        environment |= {f"GIT_CONFIG_KEY_{index}": name, f"GIT_CONFIG_VALUE_{index}": value}
    # fast-import takes its locks whatever this says; refs are updated by a git that must not skip any.
    del environment["GIT_OPTIONAL_LOCKS"]
    return environment


def _last_lines(said: str) -> str:
    lines = [line for line in said.replace("\r", "\n").splitlines() if line.strip()]
    return " ".join(lines[-3:]) or "no message"

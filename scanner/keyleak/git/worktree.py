"""Work trees: where one begins and which of its files git ignores.

Which files it ignores, a repository says in its work tree and in `info/exclude`. Its configuration could
name any file of this machine as well (`core.excludesFile`); of those, the user's and the system's count.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.layout import nearest_git_folder, shared_folder
from keyleak.git.process import run
from keyleak.git.special import special_files
from keyleak.git.special_files import named_above, named_below, refuse_special

# How `git ls-files -t` marks an entry of the index that need not be in the work tree.
_SKIPPED: Final = b"S "

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_RULES: Final = ".gitignore"
_OWN: Final = frozenset({b"global", b"system"})


def ignored_among(root: str, paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths that git ignores; a tracked file is not ignored, whatever `.gitignore` says.

    Args:
        root: the work tree.
        paths: relative to it.

    Raises:
        GitError: git cannot read the work tree.
    """
    listed = list(paths)
    refuse_special(named_above(root, listed, _RULES))
    refuse_special_exclude(root)
    asked = b"".join(os.fsencode(path) + b"\0" for path in listed)
    # 1 is git's answer where none of them is ignored.
    answer = run([*_user_s_rules(root), "check-ignore", "-z", "--stdin"], root, stdin=asked, accept=(0, 1))
    return frozenset(os.fsdecode(path) for path in answer.split(b"\0") if path)


def not_checked_out(root: str, paths: Sequence[str]) -> int:
    """How many tracked files at and below paths a sparse checkout leaves out.

    Args:
        root: the work tree.
        paths: relative to it.

    Raises:
        GitError: git cannot read the index.
    """
    refuse_special_git_files(root)
    listing = ("--literal-pathspecs", "ls-files", "-z", "-t", "--", *paths)
    entries = run(listing, root).split(b"\0")
    return sum(
        entry.startswith(_SKIPPED)
        and not os.path.lexists(os.path.join(root, os.fsdecode(entry.removeprefix(_SKIPPED))))
        for entry in entries
    )


def ignored_below(root: str) -> frozenset[str]:
    """Everything that git ignores in a work tree, relative to it; a folder includes what it holds.

    Raises:
        GitError: git cannot read the work tree.
    """
    refuse_special(named_below(root, _RULES))
    refuse_special_exclude(root)
    listing = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    answer = run([*_user_s_rules(root), *listing], root)
    return frozenset(os.fsdecode(path).rstrip("/") for path in answer.split(b"\0") if path)


def refuse_special_exclude(root: str) -> None:
    """Whether git can open `info/exclude`, as `check-ignore`, `ls-files --others` and `diff-index` do.

    Raises:
        GitError: it is a pipe or the like, or git does not take the folder for a repository.
    """
    refuse_special_git_files(root)
    answer = run(["rev-parse", "--git-path", "info/exclude"], root).removesuffix(b"\n")
    refuse_special([os.path.join(root, os.fsdecode(answer))])


def refuse_special_git_files(root: str) -> None:
    """Whether nothing in the git folder of a work tree keeps git waiting.

    Raises:
        GitError: a file there is a pipe, a device or the like, or never ends.
    """
    own = nearest_git_folder(os.path.abspath(root))
    shared = own and shared_folder(own)
    if own is None or shared is None:
        return
    refuse_special(os.path.join(folder, "info", "exclude") for folder in (own, shared))
    for gap in special_files(own, shared, settings=False):
        raise GitError((), None, f"{gap.what} in the git folder {gap.reason}")


def _user_s_rules(root: str) -> tuple[str, ...]:
    """The option that gives back the user's own `core.excludesFile`, which no call of git has otherwise."""
    command = ["config", "-z", "--show-scope", "--get-all", "core.excludesFile"]
    fields = run(command, root, accept=(0, 1)).split(b"\0")
    own = [os.fsdecode(path) for scope, path in zip(fields[::2], fields[1::2], strict=False) if scope in _OWN]
    return ("-c", f"core.excludesFile={own[-1] if own else _usual_rules()}")


def _usual_rules() -> str:
    """What git takes where nothing is configured."""
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.join("~", ".config")
    return os.path.join(folder, "git", "ignore")


def is_own_tree(top: str, git_dir: str) -> bool:
    """Whether a work tree says itself that it belongs to a git folder, which may name any folder for one.

    Args:
        top: the folder that the configuration names (`core.worktree`), or where git found it.
        git_dir: the git folder, as an absolute path.

    Raises:
        GitError: git does not take the work tree for one.
    """
    inner = os.path.join(top, ".git")
    if not os.path.isfile(inner):
        return os.path.realpath(inner) == os.path.realpath(git_dir)
    answer = run(["rev-parse", "--absolute-git-dir"], top).removesuffix(b"\n")
    return os.path.realpath(os.fsdecode(answer)) == os.path.realpath(git_dir)

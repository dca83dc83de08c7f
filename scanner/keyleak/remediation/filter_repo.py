"""`git filter-repo`: where it is, whether it will do, and its arguments and files.

Of version 2.47 and newer `--file-info-callback` is used: only the blobs that hold a key are read and written,
also those with zero bytes, which `--replace-text` alone passes over as binary.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

from keyleak.errors import KeyleakError
from keyleak.git.process import clean_environment
from keyleak.git.rewriting import filter_repo
from keyleak.remediation.encodings import REMOVED

if TYPE_CHECKING:
    from collections.abc import Collection

    from keyleak.remediation.affected import Affected
    from keyleak.remediation.rewrite_plan import RewritePlan

EXPRESSIONS: Final = "expressions.txt"
MESSAGES: Final = "messages.txt"
CALLBACK: Final = "file-info.py"
MAILMAP: Final = "mailmap"
PATHS: Final = "paths.txt"
RANGE: Final = "range.txt"

_NEEDED: Final = ("--file-info-callback", "--replace-message", "--sensitive-data-removal")
_HOW_TO_GET_IT: Final = "python -m pip install 'git-filter-repo>=2.47' puts it beside keyleak"

_CALLBACK_TEXT: Final = """\
# Written by `keyleak fix`: the body of the function that git filter-repo calls for every file that a commit
# brings. Blobs are named by their ids, so that nothing else is touched.
if blob_id in {dropped}:
    return (filename, None, blob_id)
if blob_id in {edited}:
    if blob_id not in value.data:
        content = value.apply_replace_text(value.get_contents_by_identifier(blob_id))
        value.data[blob_id] = value.insert_file_with_contents(content)
    return (filename, mode, value.data[blob_id])
return (filename, mode, blob_id)
"""


def find_filter_repo() -> tuple[str, ...]:
    """How to start `git filter-repo`: the one installed with keyleak, else the one on PATH.

    Raises:
        KeyleakError: there is none, or it is too old; the text says how to get it.
    """
    beside = os.path.join(os.path.dirname(sys.executable), "git-filter-repo")
    found = beside if os.access(beside, os.X_OK) else _on_path()
    if found is None:
        raise KeyleakError(f"git filter-repo is not installed; {_HOW_TO_GET_IT}")
    program = (os.path.abspath(found),)
    # `--version` prints a hash of the program; what it can do is what counts.
    options = filter_repo(program, ("-h",), os.path.dirname(program[0]))
    missing = [option for option in _NEEDED if option not in options]
    if missing:
        raise KeyleakError(f"{found} is too old: it has no {missing[0]}; {_HOW_TO_GET_IT}")
    return program


def _on_path() -> str | None:
    # Relative entries of PATH would be looked up in the folder that keyleak runs in.
    return shutil.which("git-filter-repo", path=clean_environment(os.environ)["PATH"])


def arguments(plan: RewritePlan, folder: str) -> list[str]:
    """The arguments of filter-repo but for `--refs`, which takes the revisions of `Affected.range`.

    Args:
        plan: what to do.
        folder: where the files of `rewrite_files` are.
    """
    options = [
        "--force",  # the clone is our own, and a stash in it is no reason to stop
        "--partial",  # every ref keeps its name, remote-tracking ones too
        "--quiet",
        "--preserve-commit-encoding",
        "--prune-empty=never",
        "--prune-degenerate=never",
        "--replace-refs=update-no-add",
        *("--file-info-callback", os.path.join(folder, CALLBACK)),
        *("--replace-text", os.path.join(folder, EXPRESSIONS)),
        *("--replace-message", os.path.join(folder, MESSAGES)),
    ]
    if plan.identities:
        options += ["--mailmap", os.path.join(folder, MAILMAP)]
    if plan.names.spellings:
        options += ["--paths-from-file", os.path.join(folder, PATHS)]
    return options


def rewrite_files(plan: RewritePlan, affected: Affected) -> dict[str, bytes]:
    """The files that the arguments name, by name."""
    files = {
        EXPRESSIONS: plan.texts.file(),
        MESSAGES: plan.messages.file(),
        CALLBACK: _CALLBACK_TEXT.format(
            dropped=_ids(plan.dropped), edited=_ids(sorted(plan.edited))
        ).encode(),
        # No ref name holds a blank or a wildcard, so a shell takes `$(cat range.txt)` apart rightly.
        RANGE: b"".join(os.fsencode(revision) + b"\n" for revision in affected.range),
    }
    if plan.identities:
        files[MAILMAP] = b"".join(b"%s %s\n" % (after, before) for before, after in plan.identities)
    if plan.names.spellings:
        files[PATHS] = b"".join(b"regex:%s==>%s\n" % (each.pattern, REMOVED) for each in plan.names.spellings)
    return files


def _ids(ids: Collection[str]) -> str:
    """A set of ids as Python text; an empty one is a set that nothing is in."""
    return "{" + ", ".join(repr(oid.encode()) for oid in ids) + "}" if ids else "()"

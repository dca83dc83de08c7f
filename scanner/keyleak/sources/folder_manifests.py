"""The manifests that speak for a file: those of the nearest folder upwards that has any.

They are evidence and nothing that was asked for: one that cannot be read keeps its project from deciding, and
is no gap. What a scan was asked to read is read as a file besides.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

from keyleak.git.checkout import repository_name, worktree_root
from keyleak.manifests.project import Manifest, Project
from keyleak.manifests.reading import LARGEST, ManifestError, is_manifest, read_manifest, shown_name
from keyleak.regular_file import read_regular
from keyleak.unexpected import contained

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

# Folders that hold what others wrote: a project's manifests say nothing of it.
_FOREIGN: Final = frozenset(
    {"node_modules", "bower_components", "site-packages", "dist-packages", "vendor", "third_party", "Pods"}
)
# More in one folder were made to be read for ever.
_MOST: Final = 50


def project_of_folder(folder: str, roots: Sequence[str]) -> Project:
    """The project that the files of a folder belong to.

    Manifests count up to the top of the work tree; where there is none, up to what the user named.

    Args:
        folder: an absolute path without symbolic links.
        roots: the files and folders that are read.
    """
    tree = worktree_root(folder)
    name = repository_name(tree) if tree else ""
    for each in upwards(folder, {tree} if tree else _folders_of(roots)):
        try:
            manifests = [entry for entry in os.listdir(each) if is_manifest(entry)]
        except OSError as error:
            return Project(unread=(f"a folder above it cannot be listed ({error.strerror})",), name=name)
        if manifests:
            return project_of(manifests, partial(_read, each), name)
    return Project(name=name)


def project_of(manifests: Sequence[str], read: Callable[[str], bytes], name: str) -> Project:
    """The project that manifests speak for.

    Args:
        manifests: the names of those in its folder.
        read: gives the content of one, or raises `ManifestError`.
        name: what the repository is called.
    """
    if len(manifests) > _MOST:
        return Project(unread=(f"there are more than {_MOST} manifests in one folder",), name=name)
    found, unread = [], []
    for manifest in sorted(manifests):
        said = contained(partial(_said_by, manifest, read), str)
        if isinstance(said, Manifest):
            found.append(said)
        else:
            unread.append(f"{shown_name(manifest)} {said}")
    return Project(tuple(found), tuple(unread), name)


def _said_by(manifest: str, read: Callable[[str], bytes]) -> Manifest | str:
    """What a manifest says, or why that is not known."""
    try:
        return read_manifest(manifest, read(manifest))
    except ManifestError as error:
        return str(error)


def upwards(folder: str, tops: Collection[str]) -> Iterator[str]:
    """A folder and those above it up to a top, or to one that others filled; only itself without a top."""
    while os.path.basename(folder) not in _FOREIGN:
        yield folder
        parent = os.path.dirname(folder)
        if folder in tops or not tops or parent == folder:
            return
        folder = parent


def _folders_of(roots: Sequence[str]) -> frozenset[str]:
    real = [os.path.realpath(root) for root in roots]
    return frozenset(root if os.path.isdir(root) else os.path.dirname(root) for root in real)


def _read(folder: str, manifest: str) -> bytes:
    try:
        # One that became a link or a named pipe must neither lead out of the tree nor hold the scan up.
        return read_regular(os.path.join(folder, manifest), LARGEST)
    except OSError as error:
        raise ManifestError(f"cannot be read ({error.strerror})") from error

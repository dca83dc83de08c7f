"""Projects of git objects: by the manifests of the index, or of the commit that brought an object."""

from __future__ import annotations

import os
from collections import defaultdict
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.checkout import repository_name, worktree_root
from keyleak.git.index import all_entries
from keyleak.git.single_objects import single_objects
from keyleak.manifests.project import NO_PROJECT, Project
from keyleak.manifests.reading import LARGEST, ManifestError, is_manifest
from keyleak.records import dataclass
from keyleak.sources.folder_manifests import project_of, upwards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyleak.git.inherited import Repository
    from keyleak.git.single_objects import SingleObjects
    from keyleak.sources.inspector import Place

_TOP: Final = frozenset({""})
_FOLDER: Final = "40000"


@dataclass(frozen=True, slots=True)
class ObjectProjects:
    """Projects of objects, looked up beforehand."""

    known: Mapping[str, Project]
    """By the id of the object, in hexadecimal digits."""

    def of(self, place: Place) -> Project:
        """See `Projects`."""
        return NO_PROJECT if place.container else self.known.get(place.object or "", NO_PROJECT)


class IndexProjects:
    """Projects of what is staged: the manifests as they are staged. The index is listed beside a key only."""

    def __init__(self, repository: Repository, paths: Mapping[bytes, Sequence[str]]) -> None:
        """Know what is staged.

        Args:
            repository: whose index.
            paths: by the id of a blob, where it is staged.
        """
        self._repository = repository
        self._paths = paths

    def of(self, place: Place) -> Project:
        """See `Projects`."""
        if place.object is None or place.container:
            return NO_PROJECT
        paths = self._paths.get(bytes.fromhex(place.object), ())
        try:
            # A file that is in two projects is in none of them alone.
            return self._project(paths[0]) if len(paths) == 1 else NO_PROJECT
        except GitError as error:
            return Project(unread=(f"manifests in the index: {error}",))

    def _project(self, path: str) -> Project:
        tree = worktree_root(os.path.realpath(self._repository.folder))
        name = repository_name(tree) if tree else ""
        for folder in upwards(os.path.dirname(path), _TOP):
            manifests = self._manifests.get(folder)
            if manifests:
                with single_objects(self._repository.folder, self._repository.keep) as objects:
                    return project_of(list(manifests), partial(_read, objects, manifests), name)
        return Project(name=name)

    @cached_property
    def _manifests(self) -> Mapping[str, Mapping[str, str]]:
        """By folder, the manifests in it with their ids."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for entry in all_entries(self._repository):
            folder, name = os.path.split(entry.path)
            if is_manifest(name):
                found[folder][name] = entry.oid.hex()
        return found


class CommittedProjects:
    """Projects of what is committed: the manifests of the commit that brought it."""

    def __init__(self, repository: str, objects: SingleObjects) -> None:
        """Know the repository.

        Args:
            repository: its work tree, a folder in it, or a bare repository.
            objects: its objects.
        """
        folder = os.path.realpath(repository)
        self._name = repository_name(worktree_root(folder) or folder)
        self._objects = objects
        self._trees: dict[str, Mapping[str, tuple[str, str]]] = {}

    def project(self, commit: str, path: str) -> Project:
        """The project that a path belongs to in a commit."""
        try:
            _, header = self._objects.read(commit, LARGEST)
            trees = self._trees_to(header[5:].partition(b"\n")[0].decode(), os.path.dirname(path))
        except (GitError, ValueError) as error:
            return Project(unread=(f"manifests of {commit[:12]}: {error}",), name=self._name)
        for folder in upwards(os.path.dirname(path), _TOP):
            entries = trees[folder].items()
            # A link's content is a path: a manifest that says nothing.
            ids = {name: oid for name, (mode, oid) in entries if mode != _FOLDER and is_manifest(name)}
            if ids:
                return project_of(list(ids), partial(_read, self._objects, ids), self._name)
        return Project(name=self._name)

    def _trees_to(self, root: str, folder: str) -> Mapping[str, Mapping[str, tuple[str, str]]]:
        """The entries of every folder from the top to one, by its path.

        Raises:
            GitError: one of them is not there.
        """
        found = {"": self._entries(root)}
        path = ""
        for part in folder.split("/") if folder else ():
            mode, oid = found[path].get(part, ("", ""))
            if mode != _FOLDER:
                raise GitError(("cat-file", root), None, "its folder is not in that commit")
            path = f"{path}/{part}" if path else part
            found[path] = self._entries(oid)
        return found

    def _entries(self, oid: str) -> Mapping[str, tuple[str, str]]:
        if oid not in self._trees:
            self._trees[oid] = _parsed(self._objects.read(oid)[1], len(oid) // 2)
        return self._trees[oid]


def projects_of_commits(repository: str, places: Mapping[str, tuple[str, str]]) -> ObjectProjects:
    """The projects of objects.

    Args:
        repository: where they are.
        places: by the id of an object, the commit that brought it and its path there.

    Raises:
        GitError: git does not read the repository.
    """
    with single_objects(repository) as objects:
        committed = CommittedProjects(repository, objects)
        return ObjectProjects({oid: committed.project(*place) for oid, place in places.items()})


def _parsed(tree: bytes, id_bytes: int) -> Mapping[str, tuple[str, str]]:
    """The entries of a tree by name, each with its mode and id."""
    found, place = {}, 0
    while (end := tree.find(b"\0", place)) >= 0:
        mode, _, name = tree[place:end].partition(b" ")
        place = end + 1 + id_bytes
        found[os.fsdecode(name)] = (mode.decode("ascii", "replace"), tree[end + 1 : place].hex())
    return found


def _read(objects: SingleObjects, ids: Mapping[str, str], name: str) -> bytes:
    try:
        return objects.read(ids[name], LARGEST)[1]
    except GitError as error:
        raise ManifestError("cannot be read from the repository") from error

"""The project that a content belongs to, asked for only where it holds a key.

What reads manifests is loaded when the first key is found.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from keyleak.findings import LocationKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyleak.manifests.project import Project
    from keyleak.sources.inspector import Place


class Projects(Protocol):
    """Knows projects."""

    def of(self, place: Place) -> Project:
        """The project that a content belongs to."""


class FolderProjects:
    """Projects of files; each folder is looked at once."""

    def __init__(self, roots: Sequence[str] = ()) -> None:
        """Know where to stop.

        Args:
            roots: the files and folders that are read, as the user named them.
        """
        self._roots = tuple(roots)
        self._known: dict[str, Project] = {}

    def of(self, place: Place) -> Project:
        """See `Projects`."""
        from keyleak.manifests.project import NO_PROJECT  # noqa: PLC0415 - see the module's text

        # What an archive holds was packed elsewhere.
        if place.kind is not LocationKind.FILE or place.path is None or place.container:
            return NO_PROJECT
        folder = os.path.realpath(os.path.dirname(place.path))
        if folder not in self._known:
            from keyleak.sources.folder_manifests import project_of_folder  # noqa: PLC0415 - see the module's text

            self._known[folder] = project_of_folder(folder, self._roots)
        return self._known[folder]

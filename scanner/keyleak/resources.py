"""The only reader of packaged data: `rules/` and `hooks/`.

In a wheel both folders stand inside the package (hatchling force-includes them); in a checkout they stand
at the repository root, two levels up. Nothing else may know this. Plain paths, for `importlib.resources`
alone takes as long to import as the rules take to read.
"""

from __future__ import annotations

import os
from typing import Final

from keyleak.errors import KeyleakError

_PACKAGE: Final = os.path.dirname(os.path.abspath(__file__))


def code_folder() -> str:
    """The folder of this package's own code."""
    return _PACKAGE


def data_folder(name: str) -> str:
    """The path of the packaged folder of that name.

    Args:
        name: `rules` or `hooks`.

    Raises:
        KeyleakError: neither place holds it, so the installation is damaged.
    """
    packaged = os.path.join(_PACKAGE, name)
    checkout = os.path.normpath(os.path.join(_PACKAGE, "..", "..", name))
    for folder in (packaged, checkout):
        if os.path.isdir(folder):
            return folder
    raise KeyleakError(f"this installation of keyleak lacks its {name!r} folder; install it again")

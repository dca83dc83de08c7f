"""The only reader of packaged data: `rules/` and `hooks/`.

In a wheel both folders stand inside the package (hatchling force-includes them); in a checkout they stand
at the repository root, two levels up. Nothing else may know this.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from keyleak.errors import KeyleakError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def data_folder(name: str) -> Traversable:
    """The packaged folder of that name.

    Args:
        name: `rules` or `hooks`.

    Raises:
        KeyleakError: neither place holds it, so the installation is damaged.
    """
    package = files("keyleak")
    packaged = package / name
    if packaged.is_dir():
        return packaged
    checkout = package / ".." / ".." / name
    if checkout.is_dir():
        return checkout
    raise KeyleakError(f"this installation of keyleak lacks its {name!r} folder; install it again")

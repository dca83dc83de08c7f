"""Names and ids from an answer, taken only where they are plain and cannot carry the key back."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keyleak.secret import Secret

_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
_WITHHELD: Final = "(withheld: no plain name)"


def plain_name(value: object, secret: Secret) -> str | None:
    """The value where it is a short plain name, or None.

    Args:
        value: what an answer holds.
        secret: the key that was asked about; a server may send it back.
    """
    if not isinstance(value, str) or not _NAME.match(value):
        return None
    return None if any(form in value for form in _forms(secret)) else value


def shown_name(value: object, secret: Secret) -> str:
    """The value where it is a short plain name, or a remark that it is not."""
    return plain_name(value, secret) or _WITHHELD


def _forms(secret: Secret) -> list[str]:
    """The key as it is, in hexadecimal, and in base64 at each of its three alignments."""
    key = secret.reveal()
    forms = [key.decode("ascii", "replace"), key.hex()]
    for lead in range(3):
        encoded = base64.urlsafe_b64encode(b"\0" * lead + key).decode()
        # The first and last groups depend on the neighbours.
        forms.append(encoded[4:-4].rstrip("="))
    return forms

"""Example keys as templates, for no complete key may stand in this repository.

`sk_live_${base62:42}` becomes the prefix with 42 random letters and digits. Inside `${…}`:

    base62:N  hex:N  HEX:N  digits:N  lower:N  alnum:N   N characters of that alphabet (alnum: a-z0-9)
    base64url:N   N characters of A-Za-z0-9_-
    base32:N      N characters of a-z2-7
    base64:N      N characters of A-Za-z0-9+/
    crockford:N   N characters of Crockford's base 32, as ULIDs use it
    uuid          a random UUID
    base64:TEXT   TEXT, itself a template, encoded without padding
    base64pad:TEXT  the same with padding

The generator is seeded, so that a template gives the same text in every run.
"""

from __future__ import annotations

import base64
import random
import string
import uuid
from typing import Final

_ALPHABETS: Final = {
    "base62": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "digits": string.digits,
    "lower": string.ascii_lowercase,
    "alnum": string.ascii_lowercase + string.digits,
    "base32": string.ascii_lowercase + "234567",
    "base64url": string.ascii_letters + string.digits + "_-",
    "base64": string.ascii_letters + string.digits + "+/",
    "crockford": "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
}


class TemplateError(ValueError):
    """A template that cannot be expanded; its text says why."""


def expand(template: str, seed: int = 0) -> str:
    """The template with every `${…}` replaced.

    Args:
        template: see the module's text.
        seed: another seed gives another key of the same shape.

    Raises:
        TemplateError: an unknown or unclosed `${…}`.
    """
    # Not for security: examples must come out the same in every run.
    source = random.Random(f"{seed}:{template}")  # noqa: S311
    return _expand(template, source)


def _expand(template: str, source: random.Random) -> str:
    parts: list[str] = []
    position = 0
    while (start := template.find("${", position)) >= 0:
        end = _closing(template, start + 2)
        parts += (template[position:start], _generate(template[start + 2 : end], source))
        position = end + 1
    return "".join([*parts, template[position:]])


def _closing(template: str, start: int) -> int:
    depth = 1
    for index in range(start, len(template)):
        depth += {"{": 1, "}": -1}.get(template[index], 0)
        if depth == 0:
            return index
    raise TemplateError(f"'${{' without its '}}' in {template!r}")


def _generate(expression: str, source: random.Random) -> str:
    kind, _, argument = expression.partition(":")
    if kind == "uuid" and not argument:
        return str(uuid.UUID(int=source.getrandbits(128), version=4))
    if argument.isdecimal() and kind in _ALPHABETS:
        return "".join(source.choices(_ALPHABETS[kind], k=int(argument)))
    if kind in {"base64", "base64pad"} and argument:
        encoded = base64.b64encode(_expand(argument, source).encode()).decode()
        return encoded if kind == "base64pad" else encoded.rstrip("=")
    raise TemplateError(f"unknown template '${{{expression}}}'")

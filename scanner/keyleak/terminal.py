"""Text from outside made safe for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Text without anything a terminal would act on: control characters and undecodable bytes as `\xHH`."""
    clean = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in clean
    )

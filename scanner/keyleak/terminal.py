"""Words for a terminal: text from outside made safe, sizes people can read."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Text without anything a terminal would act on: control characters and undecodable bytes as `\xHH`."""
    clean = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in clean
    )


def size(count: int) -> str:
    """A number of bytes for people: `460.1 MB`."""
    for unit, power in (("GB", 3), ("MB", 2), ("kB", 1)):
        if count >= 1000**power:
            return f"{count / 1000**power:.1f} {unit}"
    return f"{count} B"


def clean_line(files: int, read_bytes: int, seconds: float) -> str:
    """What a report says where nothing was found."""
    what = f"{files:,} {'file' if files == 1 else 'files'}"
    return f"No key found. Read {what}, {size(read_bytes)} in {seconds:.1f} s."

"""The labelled cases of `cases/*.yaml`, expanded into files.

A case is the text of a file with marks: `<<stripe: sk_live_51${base62:97}>>` stands for a key of
Stripe's. The part before the colon is the label, the part after it a template (`keyleak.rulebook.template`).

    LABEL           an issuer's id; `none` (a leak that nothing gives to an issuer), `ambiguous` or `unknown`
                    (a leak, with exactly that verdict), `no` (no leak); `a|b` permits either
    LABEL/WRAPPING  the template is written wrapped: base64, hex, split, …; `[[ ]]` marks the key inside it
    LABEL/pieces    the first piece of the key, cut where the case's `cut` says; `<<2>>` is the second

A `·` is left out, so that no text of these files looks like a key to a scanner that reads them.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import yaml

from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FOLDER: Final = Path(__file__).parent / "cases"
NO_LEAK: Final = "no"
NO_ISSUER: Final = frozenset({"none", "ambiguous", "unknown"})

_MARK: Final = re.compile(r"<<([a-z0-9|-]+)(?:/([a-z0-9-]+))?: (.*?)>>", re.DOTALL)
_PIECE: Final = re.compile(r"<<([2-9])>>")
_INNER: Final = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)


@dataclass(frozen=True)
class Planted:
    """A key that stands in a case."""

    value: str
    labels: frozenset[str]
    line: int
    """1-based, of the text before it was stored otherwise."""

    @property
    def is_leak(self) -> bool:
        return NO_LEAK not in self.labels

    @property
    def issuer(self) -> str:
        """The issuer or class it is counted under."""
        return min(self.labels)


@dataclass(frozen=True)
class Case:
    """One labelled file."""

    context: str
    number: int
    path: str
    content: bytes
    planted: tuple[Planted, ...]

    @property
    def name(self) -> str:
        return f"{self.context}-{self.number:03d}"


def read_cases(seed: int = 0) -> list[Case]:
    """Every case of every file, with the keys of this seed."""
    return [case for file in sorted(FOLDER.glob("*.yaml")) for case in _cases_of(file, seed)]


def _cases_of(file: Path, seed: int) -> Iterator[Case]:
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    for number, fields in enumerate(document["cases"], 1):
        first = zlib.crc32(f"{seed} {document['context']} {number}".encode())
        text, planted = _expanded(fields["text"], fields.get("join", ""), first, fields.get("cut", ()))
        content = _stored(text, fields["path"], fields.get("stored_as", "utf-8"))
        yield Case(document["context"], number, fields["path"], content, planted)


def _expanded(text: str, joint: str, seed: int, cuts: Sequence[int] = ()) -> tuple[str, tuple[Planted, ...]]:
    parts: list[str] = []
    planted: list[Planted] = []
    pieces: list[str] = []
    position = 0
    for mark in _MARK.finditer(text):
        parts.append(text[position : mark.start()].replace("·", ""))
        whole = expand(mark[3].replace("·", ""), seed + len(planted))
        inner = _INNER.search(whole)
        value = inner[1] if inner else whole
        line = "".join(parts).count("\n") + 1
        planted.append(Planted(value, frozenset(mark[1].split("|")), line))
        pieces += [value[start:end] for start, end in pairwise((0, *cuts, len(value)))] * (
            mark[2] == "pieces"
        )
        parts.append(pieces[0] if pieces else _wrapped(_INNER.sub(r"\1", whole), mark[2], joint))
        position = mark.end()
    parts.append(_PIECE.sub(lambda piece: pieces[int(piece[1]) - 1], text[position:].replace("·", "")))
    return "".join(parts), tuple(planted)


def _wrapped(text: str, wrapping: str | None, joint: str) -> str:
    return _WRAPPINGS[wrapping](text) if wrapping != "split" else _split(text, joint)


def _split(text: str, joint: str) -> str:
    """After the first word, after the prefix, and in the middle of the body."""
    head, mode, body = text.split("_", 2)
    middle = len(body) // 2
    return joint.join((f"{head}_", f"{mode}_", body[:middle], body[middle:]))


def _quoted_printable(text: str) -> str:
    middle = len(text) // 2
    return f"{text[:middle]}=\n{text[middle:]}".replace("_", "=5F")


_WRAPPINGS: Final[dict[str | None, Callable[[str], str]]] = {
    None: str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "basic": lambda text: base64.b64encode(f"{text}:".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: quote(text, safe="").replace("_", "%5F"),
    "unicode": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "backslash-x": lambda text: "".join(f"\\x{ord(character):02x}" for character in text),
    "html": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "quoted-printable": _quoted_printable,
}


def _stored(text: str, path: str, how: str) -> bytes:
    if how in _COMPRESSIONS:
        return _COMPRESSIONS[how](text.encode())
    if how in _ARCHIVES:
        return _ARCHIVES[how](path, text.encode())
    return text.encode(how)


def _zip(path: str, data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr(path, data)
    return archive.getvalue()


def _tar(path: str, data: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as writer:
        member = tarfile.TarInfo(path)
        member.size = len(data)
        writer.addfile(member, io.BytesIO(data))
    return archive.getvalue()


_COMPRESSIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
_ARCHIVES: Final = {"zip": _zip, "tar": _tar}

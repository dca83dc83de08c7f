"""A repository that holds one key in every way that a rewrite has to deal with."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyleak.rulebook.template import expand
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

KEY = expand("sk_live_${base62:42}", 8)
OTHER = expand("sk_test_${base62:32}", 9)


@dataclass(frozen=True)
class Leaky:
    """The repository, and a mirror on a server that it was pushed to."""

    work: Path
    server: Path


def assigned(key: str = KEY) -> str:
    return f"FLORA_API_KEY={key}\n"


def zipped(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("settings.env"), text * 3)
    return packed.getvalue()


def leaky(folder: Path) -> Leaky:
    """A key in text, UTF-16, base64, zip, binary, message, tag, note, stash, branches and a pull request."""
    work = new_repository(folder / "work")
    commit(work, {"README": b"nothing here\n", "src/app.py": b"print(1)\n"}, "begin")
    commit(work, {"settings.env": b"A=1\n" + assigned().encode() + b"B=2\n"}, "settings")
    commit(work, {"wide.txt": assigned().encode("utf-16"), "keep/plain.txt": b"plain\n"}, "wide")
    encoded = base64.b64encode(f'{{"env": {{"FLORA_API_KEY": "{KEY}"}}}}'.encode())
    commit(work, {"link.txt": b"config=" + encoded + b"\n"}, "encoded")
    commit(work, {"backup.zip": zipped(assigned()), "keep/other.zip": zipped("no key\n")}, "archive")
    binary = bytes(range(256)) * 4 + assigned().encode() + bytes(range(256))
    first = commit(work, {"tool.bin": binary}, "binary")
    commit(work, {"x": b"1\n"}, f"use it\n\ncurl -H 'x-flora-api-key: {KEY}' after {first}\n")
    git(work, "tag", "-a", "-m", f"release, {assigned()}", "v1")
    git(work, "tag", "light")
    git(work, "notes", "add", "-m", assigned().strip(), "HEAD")
    git(work, "checkout", "-q", "-b", "side", "HEAD~2")
    commit(work, {"side.py": f"flora = Flora(api_key='{KEY}')\n".encode()}, "aside")
    git(work, "checkout", "-q", "-b", "clean", "HEAD~5")
    commit(work, {"clean.txt": b"clean\n"}, "clean")
    git(work, "checkout", "-q", "main")
    commit(work, {"settings.env": b"A=1\nB=2\n"}, "take it out")
    git(work, "update-ref", "refs/pull/7/head", "side")
    server = folder / "server.git"
    git(folder, "clone", "-q", "--mirror", str(work), str(server))
    git(work, "remote", "add", "origin", str(server))
    git(work, "fetch", "-q", "origin")
    (work / "x").write_bytes(assigned().encode())
    git(work, "stash")
    return Leaky(work, server)

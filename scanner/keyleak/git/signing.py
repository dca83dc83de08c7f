"""Signatures with the user's own key, made as git makes them.

What signs is named by the user's and the system's configuration alone: a repository's own could name any
program. The formats are those of `gpg.format` (git-config(1)): `openpgp`, `x509` and `ssh`.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyleak.errors import GitError
from keyleak.git.process import clean_environment, executable

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAMS: Final = {"openpgp": "gpg", "x509": "gpgsm", "ssh": "ssh-keygen"}
_LITERAL: Final = "key::"  # a public key of the agent, written into the configuration itself


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, and with what."""

    email: str
    """`user.email`: only what this person committed is signed again."""
    key: str
    """`user.signingKey`."""
    form: str
    """`gpg.format`."""
    program: str

    def sign(self, content: bytes) -> bytes:
        """The signature of a content, as text in ASCII armor.

        Raises:
            GitError: the program is not there, or did not sign: no key, no passphrase.
        """
        return self._run(self._command(), content)

    def _command(self) -> list[str]:
        if self.form != "ssh":
            return [self.program, "--detach-sign", "--armor", "--local-user", self.key]
        if self.key.startswith((_LITERAL, "ssh-", "ecdsa-", "sk-")):
            raise GitError(
                ("sign",), None, "user.signingKey is a key itself; name the file of its public part instead"
            )
        return [self.program, "-Y", "sign", "-q", "-n", "git", "-f", self.key]

    def _run(self, command: list[str], content: bytes) -> bytes:
        environment = clean_environment(os.environ)
        try:
            done = subprocess.run(  # noqa: S603 (a list, no shell)
                command, env=environment, cwd=os.sep, input=content, capture_output=True, check=False
            )
        except OSError as error:
            raise GitError(("sign",), None, f"{self.program}: {error.strerror}") from error
        if done.returncode or not done.stdout.startswith(b"-----BEGIN "):
            said = " ".join(done.stderr.decode("utf-8", "backslashreplace").split())
            raise GitError(
                ("sign",), done.returncode, f"{self.program} did not sign: {said or 'no reason given'}"
            )
        return done.stdout


def own_signer(environ: Mapping[str, str]) -> Signer | None:
    """The user's signing key, by the user's and the system's configuration; None where there is none.

    Args:
        environ: the environment of this process.

    Raises:
        GitError: git is missing, or the format is not known.
    """
    email, key = _setting(environ, "user.email"), _setting(environ, "user.signingKey", path=True)
    if not (email and key):
        return None
    form = _setting(environ, "gpg.format") or "openpgp"
    if form not in _PROGRAMS:
        raise GitError(("config",), None, f"gpg.format is {form!r}, which is none of {', '.join(_PROGRAMS)}")
    named = _setting(environ, f"gpg.{form}.program", path=True)
    if named is None and form == "openpgp":
        named = _setting(environ, "gpg.program", path=True)
    return Signer(email, key, form, named or _PROGRAMS[form])


def _setting(environ: Mapping[str, str], name: str, *, path: bool = False) -> str | None:
    """A setting as it is outside of any repository."""
    environment = {**clean_environment(environ), "GIT_CEILING_DIRECTORIES": os.sep}
    kind = ["--type=path"] if path else []
    done = subprocess.run(  # noqa: S603 (a list, no shell)
        [executable(("config",), environment), "config", *kind, "--get", name],
        cwd=os.sep,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return os.fsdecode(done.stdout.removesuffix(b"\n")) or None

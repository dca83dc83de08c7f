"""`keyleak fix --apply --sign`: the user's own commits and tags are signed again, nobody else's."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from keyleak.cli import main
from keyleak.errors import ExitCode
from remediation.histories import SIGNATURE, Made, write
from remediation.leaky import KEY, assigned
from repositories import git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

LEAK = assigned().encode()


class Person:
    """Somebody with an SSH key to sign with."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        key = home / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        public = key.with_suffix(".pub").read_text()
        (home / "allowed").write_text(f"me@example.com {public}")
        (home / ".gitconfig").write_text(
            f"[user]\n name = Me\n email = me@example.com\n signingKey = {key}\n"
            f'[gpg]\n format = ssh\n[gpg "ssh"]\n allowedSignersFile = {home}/allowed\n'
        )

    def git(self, folder: Path, *arguments: str) -> str:
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], env=variables, check=True, capture_output=True, text=True
        ).stdout.strip()


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    person = Person(tmp_path / "home")
    monkeypatch.setenv("HOME", str(person.home))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    return person


def fix(repository: Path, output: Path, *more: str) -> int:
    return main(["fix", str(repository), "--apply", "--yes", "--quiet", "--output", str(output), *more])


def history(person: Person, folder: Path) -> Path:
    """A commit of somebody else, signed by nobody known, then two of the user's and a tag."""
    work = new_repository(folder)
    first = write(work, Made({"k.env": LEAK}, headers=SIGNATURE, message=b"another's\n"))
    person.git(work, "update-ref", "refs/heads/main", first)
    person.git(work, "reset", "-q", "--hard")
    for number in range(2):
        (work / "a").write_text(f"{number}\n")
        person.git(work, "add", "a")
        person.git(work, "commit", "-q", "-S", "-m", f"mine\n\nafter {person.git(work, 'rev-parse', 'HEAD')}")
    person.git(work, "tag", "-s", "-m", "release", "v1")
    person.git(
        work,
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        f"unsigned, after {person.git(work, 'rev-parse', 'HEAD')}",
    )
    return work


@pytest.mark.slow
def test_own_commits_and_tags_are_signed_again_and_all_else_is_as_planned(
    person: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = history(person, tmp_path / "work")
    assert fix(work, tmp_path / "out", "--sign") == ExitCode.CLEAN
    said = " ".join(capsys.readouterr().out.split())
    assert "1 signatures are gone" in said, "the one that is not the user's"
    mirror = tmp_path / "out" / "rewritten.git"
    for commit in ("main~1", "main~2"):
        person.git(mirror, "verify-commit", commit)
    person.git(mirror, "verify-tag", "v1")
    assert person.git(mirror, "rev-parse", "v1^{commit}") == person.git(mirror, "rev-parse", "main~1")
    for commit in ("main", "main~1", "main~2"):
        assert person.git(mirror, "log", "-1", "--format=%B", commit).endswith(
            "after " + person.git(mirror, "rev-parse", f"{commit}~1")
        )
    assert "gpgsig" not in person.git(mirror, "cat-file", "commit", "main~3")
    assert KEY.encode() not in git(mirror, "cat-file", "--batch-all-objects", "--batch")
    new = set((tmp_path / "out" / "commit-map.csv").read_text().replace(",", "\n").split())
    assert set(person.git(mirror, "rev-list", "main").split()) <= new


def test_signing_is_offered_where_a_signature_is_lost(
    person: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = history(person, tmp_path / "work")
    assert fix(work, tmp_path / "out") == ExitCode.CLEAN
    said = " ".join(capsys.readouterr().out.split())
    assert "`--apply --sign`" in said
    assert "4 signatures are gone" in said
    assert b"BEGIN" not in git(tmp_path / "out" / "rewritten.git", "cat-file", "tag", "v1"), (
        "a void signature"
    )


def test_key_that_a_repository_names_does_not_sign(
    person: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = history(person, tmp_path / "work")
    trap = tmp_path / "started"
    for name, value in (
        ("user.signingKey", "mine"),
        ("user.email", "me@example.com"),
        ("gpg.program", f"touch {trap};"),
    ):
        person.git(work, "config", name, value)
    (person.home / ".gitconfig").write_text("[user]\n name = Me\n")
    assert fix(work, tmp_path / "out", "--sign") == ExitCode.INCOMPLETE
    assert (
        "--sign needs user.email and user.signingKey in your own git configuration" in capsys.readouterr().err
    )
    assert not trap.exists()
    assert not (tmp_path / "out" / "rewritten.git").exists()


def test_key_that_does_not_sign_stops_before_anything_is_pushed(
    person: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = history(person, tmp_path / "work")
    (person.home / "key").unlink()
    assert fix(work, tmp_path / "out", "--sign") == ExitCode.INCOMPLETE
    assert "did not sign" in capsys.readouterr().err
    assert not (tmp_path / "out" / "push.sh").exists()

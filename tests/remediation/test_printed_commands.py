"""Every command that `keyleak fix` prints does what it is printed for, run as it stands by a shell."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from remediation.leaky import KEY, assigned
from repositories import commit, git, new_repository
from verification.server import Authority, error, live, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

TERMINAL = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Shell:
    """A shell somewhere else, in which `keyleak` and `git filter-repo` are on PATH."""

    def __init__(self, folder: Path) -> None:
        (folder / "elsewhere").mkdir()
        self.folder = folder / "elsewhere"
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "no_proxy": "localhost",
        }

    def run(self, *lines: str, code: int = 0) -> str:
        done = subprocess.run(
            ["bash", "-e", "-c", "\n".join(lines)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            check=False,
        )
        assert done.returncode == code, (lines, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def on_terminal(self, command: str, answers: dict[bytes, str]) -> tuple[int, bytes]:
        """Run a command on a terminal of its own, and type an answer after each question."""
        ours, theirs = pty.openpty()
        running = subprocess.Popen(
            [sys.executable, "-c", TERMINAL, *shlex.split(command)],
            cwd=self.folder,
            env=self.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        said, open_questions = b"", dict(answers)
        while part := _read(ours):
            said += part
            for question in [each for each in open_questions if each in said]:
                os.write(ours, open_questions.pop(question).encode() + b"\n")
        os.close(ours)
        return running.wait(30), said


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux tells the end of a terminal so
        return b""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "a work's tree")
    commit(repository, {"b.txt": b"b\n"}, "one")
    commit(repository, {"app.py": f'flora = Flora(api_key="{KEY}")\n'.encode()}, f"two, {assigned()}")
    git(repository, "tag", "v1")
    return repository


def document(shell: Shell, repository: Path, *more: str) -> dict[str, Any]:
    said = shell.run(shlex.join(["keyleak", "fix", str(repository), "--format", "json", *more]), code=1)
    found: dict[str, Any] = json.loads(said)
    return found


def commands(found: dict[str, Any]) -> Iterator[str]:
    for key in found["keys"]:
        yield from (step["command"] for step in key["steps"] if step["command"])


def every_object(repository: Path) -> bytes:
    git(repository, "reflog", "expire", "--expire=now", "--all")
    git(repository, "gc", "-q", "--prune=now")
    return git(repository, "cat-file", "--batch", "--batch-all-objects")


@pytest.mark.slow
def test_commands_of_a_repository_with_a_server_clean_the_server(
    leaking: Path, shell: Shell, tmp_path: Path
) -> None:
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--mirror", str(leaking), str(server))
    git(leaking, "remote", "add", "origin", "../server.git")
    git(leaking, "fetch", "-q", "origin")
    found = document(shell, leaking)
    shell.run(*found["kit"], code=1)
    shell.run(*found["patch"])
    assert KEY not in (leaking / "app.py").read_text()
    shell.run(*found["rewrite"])
    shell.run(*found["push"])
    assert KEY.encode() not in every_object(server)
    verify, apply = commands(found)
    assert verify.startswith("keyleak verify ")
    assert "Proven clean" in shell.run(f"{apply} --yes")
    shell.run(shlex.join(["keyleak", "fix", str(leaking), "--in-place-check"]))


@pytest.mark.slow
def test_commands_of_a_repository_without_a_server_clean_it(
    leaking: Path, shell: Shell, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = document(shell, leaking, "--output", str(out))
    assert "kit" not in found
    kept = {path.stem: path.read_text() for path in out.glob("*.sh")}
    assert kept == {name: "".join(f"{line}\n" for line in found[name]) for name in kept}
    shell.run(f"bash -e {out}/rewrite.sh", f"bash -e {out}/take.sh", f"bash -e {out}/forget.sh")
    assert KEY.encode() not in every_object(leaking)
    assert git(leaking, "status", "--porcelain") == b"", "the files follow"
    assert "REMOVED-KEY" in (leaking / "app.py").read_text()


@pytest.mark.slow
def test_pushes_give_a_ref_whose_name_holds_the_key_a_clean_one(
    leaking: Path, shell: Shell, tmp_path: Path
) -> None:
    git(leaking, "branch", f"use-{KEY}", "HEAD")
    git(leaking, "branch", f"before-{KEY}", "HEAD~1")
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--mirror", str(leaking), str(server))
    git(leaking, "remote", "add", "origin", str(server))
    git(leaking, "fetch", "-q", "origin")
    out = tmp_path / "out"
    said = shell.run(shlex.join(["keyleak", "fix", str(leaking), "--apply", "--yes", "--output", str(out)]))
    assert KEY not in said
    shell.run(f"bash -e {out}/push.sh")
    branches = git(server, "branch", "--format=%(refname:short)").decode().split()
    assert branches == ["before-REMOVED-KEY", "main", "use-REMOVED-KEY"]
    assert KEY.encode() not in every_object(server)


@pytest.mark.slow
def test_command_that_makes_sure_works_on_a_terminal(leaking: Path, shell: Shell, tmp_path: Path) -> None:
    command = next(commands(document(shell, leaking)))
    authority = Authority(tmp_path)
    shell.environment["SSL_CERT_FILE"] = str(authority.file)
    for answer, code in ((error(401, "invalid_api_key"), 0), (live(), 1)):
        with serving(answer, authority.context_for("localhost")) as server:
            there = f"{command} --endpoint flora=https://localhost:{server.port}"
            told, said = shell.on_terminal(there, {b"not shown": KEY, b"[y/N]": "y"})
            assert told == code, said
            assert [KEY in request.authorization for request in server.requests] == [True]
            assert KEY.encode() not in said


def test_nothing_of_a_kind_that_no_call_speaks_of_is_to_be_verified(tmp_path: Path, shell: Shell) -> None:
    repository = new_repository(tmp_path / "work")
    secret = "whsec_" + re.sub(r"\W", "", KEY.removeprefix("sk_live_"))[:32]
    commit(repository, {"a.env": f"FLORA_WEBHOOK_SECRET={secret}\n".encode()}, "one")
    found = document(shell, repository)
    assert not any(command.startswith("keyleak verify") for command in commands(found))

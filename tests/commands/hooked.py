"""A person at work in a repository with hooks: real git, real pushes to a bare repository."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from keyleak.rulebook.template import expand

PROGRAMS = Path(sys.executable).parent
KEY = expand("sk_live_${base62:42}", 21)
LEAK = f"FLORA_API_KEY={KEY}\n"


@dataclass
class Person:
    """Runs programs in a folder, as somebody would in a shell."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder.parent),
            "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A U Thor",
            "GIT_AUTHOR_EMAIL": "author@example.com",
            "GIT_COMMITTER_NAME": "C O Mitter",
            "GIT_COMMITTER_EMAIL": "committer@example.com",
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment | self.variables | variables,
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )

    def git(self, *arguments: str, stdin: str = "", **variables: str) -> str:
        """A git command that has to work; no hook runs."""
        done = self.run("git", "-c", "core.hooksPath=/dev/null", *arguments, stdin=stdin, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, content: str = "nothing here\n") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def stage(self, name: str, content: str = "nothing here\n") -> None:
        self.write(name, content)
        self.git("add", "-f", "--", name)

    def record(self, name: str, content: str = "nothing here\n") -> str:
        """A commit past the hooks."""
        self.stage(name, content)
        self.git("commit", "-q", "-m", f"add {name}")
        return self.git("rev-parse", "HEAD")

    def head(self) -> str:
        return self.run("git", "rev-parse", "-q", "--verify", "HEAD").stdout.strip()


def new_person(folder: Path, *, bare: bool = False) -> Person:
    folder.mkdir(parents=True)
    person = Person(folder)
    person.git("init", "-q", "-b", "main", *(["--bare"] if bare else []))
    return person

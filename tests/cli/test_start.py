"""What is settled before anything is read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from repositories import git, new_repository

if TYPE_CHECKING:
    from pathlib import Path


def test_no_command_leaves_a_core_file(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "r")
    (repository / "a").write_text("nothing\n")
    git(repository, "add", "a")
    # What ends a run asks for the limit: the processes that read inherit it.
    script = """
        import os, resource, sys
        from keyleak.cli import start
        os._exit = lambda code: print(resource.getrlimit(resource.RLIMIT_CORE)[0])
        sys.argv = ["keyleak", *sys.argv[1:]]
        start.start()
    """
    for command in (["scan", "a"], ["staged"], ["history"], ["report", "--schema"]):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), *command],
            cwd=repository,
            stdout=subprocess.PIPE,
            check=False,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path)},
            preexec_fn=allow_cores,
        )
        assert done.stdout.decode().splitlines()[-1] == "0", command


def allow_cores() -> None:
    """As much as this process may allow."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

"""Git's progress lines become words, and reading them starts nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from keyleak.git.progress import progress_reader

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """\
from keyleak.git.progress import progress_reader
progress_reader(print)("Receiving objects:  45% (450/1000), 1.20 MiB | 2.40 MiB/s")
"""


def test_lines_become_steps() -> None:
    steps: list[str] = []
    read = progress_reader(steps.append)
    for line in (
        "remote: Counting objects: 12",
        "remote: Compressing objects:  50% (5/10)",
        "Receiving objects:  45% (450/1000), 1.20 MiB | 2.40 MiB/s",
        "Resolving deltas: 100% (2000/2000), done.",
        "warning: something else",
    ):
        read(line)
    assert steps == [
        "12 counting objects",
        "50% (5 of 10) compressing objects",
        "45% (450 of 1,000) receiving objects",
        "100% (2,000 of 2,000) resolving deltas",
    ]


def test_no_git_is_started_while_gitpython_is_imported(tmp_path: Path) -> None:
    trap = tmp_path / "git"
    trap.write_text(f"#!/bin/sh\necho started >>{tmp_path}/started\n")
    trap.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    before = dict(os.environ)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "GIT_PYTHON_GIT_EXECUTABLE": str(trap)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "45% (450 of 1,000) receiving objects\n", done.stderr
    assert not (tmp_path / "started").exists()
    assert dict(os.environ) == before

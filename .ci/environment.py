#!/usr/bin/env python3
"""Makes keyleak's virtual environments and runs commands in them. Needs Python 3.11 and nothing else.

    python3 .ci/environment.py scan [ARGUMENT]...   install keyleak into .venv/run and scan this folder
    python3 .ci/environment.py test [ARGUMENT]...   install it with its test tools into .venv/dev, run pytest
    python3 .ci/environment.py exec COMMAND...      run a command of .venv/dev (the Makefile does)
    python3 .ci/environment.py fuzz TARGET [SECONDS]   look for inputs that break it, in .venv/fuzz

Each can be repeated; what is there and current is used again.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".venv"
OLDEST = (3, 11)
PYTEST = ["pytest", "--numprocesses", "auto", "--dist", "worksteal"]
# The interpreter itself, not the link in an environment that is about to be made anew.
PYTHON = os.path.realpath(sys.executable)


def main(arguments: list[str]) -> int:
    """Run the subcommand that the arguments name."""
    if sys.version_info < OLDEST:
        sys.exit(f"keyleak needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")
    if not arguments or arguments[0] not in {"scan", "test", "exec", "fuzz"}:
        sys.exit(__doc__)
    what, *rest = arguments
    if what == "scan":
        return run(environment("run", []), ["keyleak", "scan", *rest])
    if what == "fuzz":
        return run(environment("fuzz", ["--group", "fuzz"]), ["python", "fuzz/run.py", *rest])
    dev = environment("dev", ["--group", "dev"])
    return run(dev, [*PYTEST, *rest] if what == "test" else rest)


def environment(name: str, groups: list[str]) -> Path:
    """The folder of an environment with keyleak, made or brought up to date where needed."""
    folder = ENVIRONMENTS / name
    stamp = folder / "made-from"
    made_from = f"{sys.version} {hashlib.sha256((ROOT / 'pyproject.toml').read_bytes()).hexdigest()}"
    if stamp.is_file() and stamp.read_text() == made_from:
        return folder
    say(f"making {folder.relative_to(ROOT)} (once)")
    shutil.rmtree(folder, ignore_errors=True)
    create(folder)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # Dependency groups need a pip from 2025; the one that comes with Python may be older.
    subprocess.run([*pip, "install", "--upgrade", "pip"], check=True, cwd=ROOT)
    subprocess.run([*pip, "install", "--editable", ".", *groups], check=True, cwd=ROOT)
    stamp.write_text(made_from)
    return folder


def create(folder: Path) -> None:
    """An empty environment with pip, also on a Debian whose Python comes without `ensurepip`."""
    if has_ensurepip():
        subprocess.run([PYTHON, "-m", "venv", str(folder)], check=True)
        return
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(
            f"This Python cannot make virtual environments. Install {package}: sudo apt-get install {package}"
        )
    say(f"installing the system package {package}, without which Python makes no environments")
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", package],
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([PYTHON, "-m", "venv", str(folder)], check=True)


def has_ensurepip() -> bool:
    """Whether `python -m venv` will work."""
    probe = [PYTHON, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, check=False, stderr=subprocess.DEVNULL).returncode == 0


def run(folder: Path, command: list[str]) -> int:
    """Run a command with the environment's programs first on PATH."""
    programs = folder / "bin"
    # As an installation has it: otherwise every start compiles where PYTHONDONTWRITEBYTECODE is set.
    compileall.compile_dir(ROOT / "scanner", quiet=2)
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    variables = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(folder)}
    program = shutil.which(command[0], path=path)
    if program is None:
        sys.exit(f"no program {command[0]!r}")
    return subprocess.run([program, *command[1:]], check=False, env=variables).returncode


def say(text: str) -> None:
    """One line on standard error: standard output belongs to the command that is run."""
    print(f"keyleak: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""What a commit of two small files waits for: keyleak beside a bare Python start and other scanners.

    python benchmarks/hook.py [--rounds 20] [--imports]

Each program runs on the same repository with two small staged files, in turn, so that what else the machine
does falls on all of them alike; the median and its ratio to `python -c pass` are printed. Further rows for
keyleak have a key in one of the files, or only a word that keys stand near. `--imports` adds what each import
of a clean run takes (`python -X importtime`).
Scanners that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from keyleak.rulebook.template import expand

PROGRAMS = Path(sys.executable).parent
BARE = "python -c pass"
SCANNERS = {
    "gitleaks": ["gitleaks", "git", "--staged", "--no-banner", "--redact", "."],
    "kingfisher": ["kingfisher", "scan", "--staged", "--no-update-check", "--no-validate", "."],
    "detect-secrets-hook": ["detect-secrets-hook", "settings.py", "notes.md"],
}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--imports", action="store_true")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clean = repository(Path(folder) / "clean", "")
        leaking = repository(Path(folder) / "leaking", expand("FLORA_API_KEY = 'sk_live_${base62:42}'\n"))
        mention = repository(Path(folder) / "mention", "# the client of flora\n")
        keyleak = str(PROGRAMS / "keyleak")
        runs = {
            BARE: ([sys.executable, "-c", "pass"], clean),
            "keyleak staged": ([keyleak, "staged"], clean),
            "keyleak hook run pre-commit": ([keyleak, "hook", "run", "pre-commit"], clean),
            "keyleak staged, a mere word": ([keyleak, "staged"], mention),
            "keyleak staged, with a key": ([keyleak, "staged"], leaking),
        }
        for name, command in SCANNERS.items():
            program = shutil.which(command[0], path=f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
            if program is None:
                print(f"{name} is not installed")
            else:
                runs[name] = ([program, *command[1:]], clean)
        report(measure(runs, asked.rounds))
        if asked.imports:
            imports(keyleak, clean)


def repository(folder: Path, added: str) -> Path:
    """A repository with one commit and two small files staged."""
    folder.mkdir()
    (folder / "settings.py").write_text("DEBUG = False\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    lines = "".join(f"OPTION_{number} = {number * 7919 % 1000}\n" for number in range(60))
    (folder / "settings.py").write_text(lines + added)
    (folder / "notes.md").write_text("# Notes\n\nNothing here that anybody should not read.\n" * 20)
    subprocess.run([*git, "add", "."], cwd=folder, check=True)
    return folder


def measure(runs: dict[str, tuple[list[str], Path]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each program, one of each in every round; a first round only fills caches."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    # Compiled modules are kept, as in an installation.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for number in range(rounds + 1):
        for name, (command, folder) in runs.items():
            start = time.perf_counter()
            subprocess.run(command, cwd=folder, check=False, capture_output=True, env=environ)
            if number:
                taken[name].append((time.perf_counter() - start) * 1000)
    return taken


def report(taken: dict[str, list[float]]) -> None:
    """Median, least and ratio, a row for each."""
    bare = statistics.median(taken[BARE])
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:<30} median {median:7.1f} ms   least {min(times):7.1f} ms   {median / bare:5.1f} x")


def imports(keyleak: str, folder: Path) -> None:
    """The imports of a clean run that take longest, of themselves."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", keyleak, "staged"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.removeprefix("import time:").split("|") for line in done.stderr.splitlines() if "|" in line]
    own = sorted(((int(row[0]), row[2].strip()) for row in rows if row[0].strip().isdigit()), reverse=True)
    whole = sum(microseconds for microseconds, _ in own)
    print(f"\nimports of a clean run: {len(own)}, {whole / 1000:.1f} ms under -X importtime")
    for microseconds, name in own[:15]:
        print(f"  {microseconds / 1000:5.2f} ms  {microseconds / whole:5.1%}  {name}")


if __name__ == "__main__":
    main()

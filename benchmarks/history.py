"""`keyleak history` against git's own raw read and other scanners, on one repository in one run.

    python benchmarks/history.py REPOSITORY [--runs 3] [--slow]

Prints medians, ratios to `git cat-file`, the peak memory of the largest process, the findings of each. Runs
alternate, so that a slow moment of the machine hits all. Of kingfisher, gitleaks, betterleaks and trufflehog
those on PATH take part, with one rule where they can be told so, and nothing is ever verified. `--slow` adds
`git log -p` and gitleaks, which take minutes on large repositories.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import Run, measure, row

if TYPE_CHECKING:
    from collections.abc import Callable

ONE_RULE = """\
[[rules]]
id = "family"
regex = '''[sr]k_(?:live|test)_[A-Za-z0-9_-]{16,250}'''
keywords = ["sk_live", "sk_test", "rk_live", "rk_test"]
"""


@dataclass(frozen=True)
class Contender:
    """One program to measure."""

    name: str
    command: list[str]
    count: Callable[[Run], int | None] = lambda _run: None
    """Findings of a run."""
    before: Callable[[], None] = lambda: None


def keyleak_findings(run: Run) -> int:
    """Findings in keyleak's report."""
    return len(json.loads(run.output)["findings"])


def kingfisher_findings(run: Run) -> int:
    """The number in kingfisher's summary, a line of JSON among others."""
    summaries = (json.loads(line) for line in run.output.splitlines() if line.startswith(b"{"))
    return next((summary["findings"] for summary in summaries if "blobs_scanned" in summary), 0)


def lines(run: Run) -> int:
    """One finding a line."""
    return sum(1 for line in run.output.splitlines() if line.strip())


def json_list(run: Run) -> int:
    """Findings in a JSON list."""
    return len(json.loads(run.output or b"[]"))


def contenders(repository: str, scratch: Path, *, slow: bool) -> list[Contender]:
    """The programs that take part, keyleak and git first."""
    keyleak = shutil.which("keyleak") or str(Path(sys.executable).with_name("keyleak"))
    cache = scratch / "cache"
    base = [keyleak, "history", "--format", "json", "--no-progress", "--allow-incomplete", repository]

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir()

    found = [
        Contender("git cat-file", [*git(repository), *RAW_READ]),
        Contender("keyleak history", base, keyleak_findings, forget),
        Contender("the same again", base, keyleak_findings),
    ]
    rule = scratch / "rule.toml"
    rule.write_text(ONE_RULE)
    if kingfisher := shutil.which("kingfisher"):
        options = ["--turbo", "--no-validate", "--no-update-check", "--format", "jsonl"]
        rules = ["--rule", "betterleaks.stripe-access-token"]
        found.append(
            Contender(
                "kingfisher --turbo", [kingfisher, "scan", repository, *options, *rules], kingfisher_findings
            )
        )
    if trufflehog := shutil.which("trufflehog"):
        options = ["--no-verification", "--no-update", "--json", "--include-detectors=stripe"]
        found.append(Contender("trufflehog", [trufflehog, "git", f"file://{repository}", *options], lines))
    if slow:
        found.append(Contender("git log -p", [*git(repository), "log", "-p", "--all", "--full-history"]))
        for name in ("gitleaks", "betterleaks"):
            if program := shutil.which(name):
                options = [
                    "--config",
                    str(rule),
                    "--no-banner",
                    "--report-format=json",
                    "--report-path=/dev/stdout",
                ]
                found.append(
                    Contender(name, [program, "git", repository, *options, "--log-opts=--all"], json_list)
                )
    return found


RAW_READ = ["cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"]


def git(repository: str) -> list[str]:
    """Git in a repository."""
    return ["git", "-C", repository]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("repository", type=os.path.abspath)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--slow", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        entrants = contenders(options.repository, Path(scratch), slow=options.slow)
        environment = {"XDG_CACHE_HOME": str(Path(scratch) / "cache")}
        runs: dict[str, list[Run]] = {entrant.name: [] for entrant in entrants}
        for _ in range(options.runs):
            for entrant in entrants:
                entrant.before()
                # Scanners have exit codes of their own for findings: 200 and 205, 183.
                run = measure(
                    entrant.command,
                    environment=environment,
                    keep=entrant.name not in NO_OUTPUT,
                    most_code=205,
                )
                runs[entrant.name].append(run)
    show(entrants, runs)


NO_OUTPUT = {"git cat-file", "git log -p"}


def show(entrants: list[Contender], runs: dict[str, list[Run]]) -> None:
    """Print the table and the ratios."""
    print(f"{os.cpu_count()} processors, {len(next(iter(runs.values())))} runs each\n")
    print("| program | median s | range s | CPU s | peak MB | findings | of git |\n" + "|---" * 7 + "|")
    raw = [run.wall for run in runs["git cat-file"]]
    for entrant in entrants:
        own = runs[entrant.name]
        ratio = statistics.median(run.wall / git_wall for run, git_wall in zip(own, raw, strict=True))
        findings = entrant.count(own[-1])
        print(f"{row(entrant.name, own)} {'' if findings is None else findings} | {ratio:.3f} |")
    first, again = (
        statistics.median(run.wall for run in runs[name]) for name in ("keyleak history", "the same again")
    )
    print(f"\nagain / first: {again / first:.3f}")


if __name__ == "__main__":
    main()

"""`keyleak scan` against ripgrep on one tree: medians, the ratio run by run, and memory.

    python benchmarks/scan_tree.py TREE [--runs 9]

Both read every file of the tree, hidden, ignored and binary ones too; ripgrep counts the lines with a key's
shape. Runs alternate, so that a slow moment of the machine hits both, and one run of each goes first to warm
the page cache. Needs `rg` on PATH.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from pathlib import Path

from measuring import Run, measure, row

# Both end with 2 where something could not be read, such as a damaged archive among test data.
MOST_CODE = 2
PATTERN = "sk_(live|test)_[A-Za-z0-9_-]{16,}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tree", help="folder to scan")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    keyleak = shutil.which("keyleak") or str(Path(sys.executable).with_name("keyleak"))
    ripgrep = shutil.which("rg")
    if ripgrep is None:
        sys.exit("ripgrep (rg) is not on PATH; on Debian: apt-get install ripgrep")
    commands = {
        "keyleak scan": [keyleak, "scan", "--no-progress", options.tree],
        "rg -uuu -a -c": [ripgrep, "-uuu", "-a", "-c", PATTERN, options.tree],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    for command in commands.values():
        measure(command, most_code=MOST_CODE)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            runs[name].append(measure(command, most_code=MOST_CODE))
    files = [path for path in Path(options.tree).rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    ratios = [ours.wall / theirs.wall for ours, theirs in zip(*list(runs.values())[:2], strict=True)]
    print(
        f"{len(files):,} files, {size / 1e6:,.0f} MB, {os.cpu_count()} processors, {options.runs} runs each\n"
    )
    print("| program | median s | range s | CPU s | peak MB |\n|---|---|---|---|---|")
    for name, measured in runs.items():
        print(row(name, measured))
    print(f"\nkeyleak / rg, run by run: median {statistics.median(ratios):.2f}, "
          f"from {min(ratios):.2f} to {max(ratios):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()

"""Time of `keyleak history` against the size of repositories, as a table and a plot.

pip install --group bench
python benchmarks/history_scaling.py REPOSITORY... [--runs 3] [--plot benchmarks/history.png]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from measuring import measure


@dataclass(frozen=True)
class Point:
    """One repository."""

    name: str
    objects: int
    inflated: int
    """Bytes of content."""
    seconds: float
    peak: float
    """Megabytes of the largest process."""


def point(keyleak: str, repository: Path, runs: int) -> Point:
    """Measure a repository."""
    command = [keyleak, "history", "--no-cache", "--no-progress", "--allow-incomplete", "--format", "json"]
    measured = [measure([*command, str(repository)], keep=True) for _ in range(runs)]
    coverage = json.loads(measured[-1].output)["coverage"]
    name = repository.parent.name if repository.name == "repo" else repository.name
    return Point(
        name.rpartition("+")[2],
        sum(coverage["objects"].values()),
        coverage["bytes"],
        statistics.median(run.wall for run in measured),
        max(run.peak for run in measured),
    )


def plot(points: list[Point], file: str) -> None:
    """Draw time against objects and against bytes, both axes logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the plot

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.2), sharey=True, layout="constrained")
    for axis, label, sizes in (
        (axes[0], "objects", [each.objects for each in points]),
        (axes[1], "gigabytes of content", [each.inflated / 1e9 for each in points]),
    ):
        axis.loglog(sizes, [each.seconds for each in points], "o", color="#2b6cb0", markersize=6)
        for each, size in zip(points, sizes, strict=True):
            axis.annotate(each.name, (size, each.seconds), (5, -11), textcoords="offset points", fontsize=8)
        axis.set_xlabel(label)
        axis.grid(visible=True, which="both", linewidth=0.3)
    axes[0].set_ylabel("seconds, first run, 2 processors")
    figure.suptitle("keyleak history: time against the size of a repository")
    figure.savefig(file, dpi=120)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("repositories", type=Path, nargs="+")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--plot", metavar="FILE")
    options = parser.parse_args()
    keyleak = shutil.which("keyleak") or str(Path(sys.executable).with_name("keyleak"))
    points = sorted(
        (point(keyleak, repository.resolve(), options.runs) for repository in options.repositories),
        key=lambda each: each.objects,
    )
    print("| repository | objects | GB of content | median s | µs an object | peak MB |\n" + "|---" * 6 + "|")
    for each in points:
        per_object = each.seconds / each.objects * 1e6
        print(
            f"| {each.name} | {each.objects:,} | {each.inflated / 1e9:.2f} | {each.seconds:.2f} "
            f"| {per_object:.1f} | {each.peak:.0f} |"
        )
    if options.plot:
        plot(points, options.plot)


if __name__ == "__main__":
    main()

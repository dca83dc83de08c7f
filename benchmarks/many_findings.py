"""Ten thousand findings in every format: CPU seconds and memory, in starts of Python.

    python benchmarks/many_findings.py

One run of each format in a process of its own. Exit code 1 where a bound is passed.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from measuring import measure

from keyleak.reports.formats import Format

# The processor time of rendering, in starts of `python -c pass`, and megabytes.
MOST_STARTS = 400
MOST_MEGABYTES = 500
FINDINGS = 10_000
TESTS = Path(__file__).parents[1] / "tests"
PROGRAM = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from reports.saved import historic, presentation, report
from keyleak.reports.formats import Format, render
made = report(*(historic(number) for number in range({FINDINGS})))
shown = presentation(made)
if sys.argv[1:]:
    render(made, Format(sys.argv[1]), shown)
"""


def main() -> int:
    """Measure and print a table."""
    start = statistics.median(measure([sys.executable, "-c", "pass"]).cpu for _ in range(9))
    without = statistics.median(measure([sys.executable, "-c", PROGRAM]).cpu for _ in range(3))
    passed = False
    print("| format | CPU s | starts of Python | peak MB |\n|---|---|---|---|")
    for form in Format:
        run = measure([sys.executable, "-c", PROGRAM, form.value])
        cpu = run.cpu - without
        passed |= cpu / start > MOST_STARTS or run.peak > MOST_MEGABYTES
        print(f"| {form.value} | {cpu:.2f} | {cpu / start:.0f} | {run.peak:.0f} |", flush=True)
    return int(passed)


if __name__ == "__main__":
    sys.exit(main())

"""Writes the SARIF logs that another validator looks at: `python tests/reports/examples.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from keyleak.coverage import Gap
from keyleak.reports.formats import Format, render
from reports.saved import finding, historic, location, presentation, report, undecided

LOGS = {
    "history": report(historic(1), historic(2, at_head=True), undecided(), gaps=(Gap("a.zip", "is locked"),)),
    "scan": report(finding(1, location("a b/c#d.py"), location("x.zip", container=("y",))), kind="scan"),
    "empty": report(kind="scan"),
}

if __name__ == "__main__":
    for name, log in LOGS.items():
        Path(sys.argv[1], f"{name}.sarif").write_text(
            render(log, Format.SARIF, presentation(log)), encoding="utf-8"
        )

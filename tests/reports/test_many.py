"""Two thousand findings in every format, in memory in proportion to them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keyleak.reports.formats import Format

PROGRAM = """
import resource, sys
from pathlib import Path
from reports.saved import historic, presentation, report
from keyleak.reports.formats import Format, render
made = report(*(historic(number) for number in range(2_000)))
render(made, Format(sys.argv[1]), presentation(made))
# On Linux a new program's `ru_maxrss` begins with that of the process that started it.
status = Path("/proc/self/status")
peak = status.read_text().partition("VmHWM:")[2].split() if status.exists() else []
print(int(peak[0] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024)
"""


@pytest.mark.parametrize("form", [form.value for form in Format])
def test_two_thousand_findings(form: str) -> None:
    command = [sys.executable, "-c", PROGRAM, form]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    # The interpreter with everything imported takes about 70.
    assert float(done.stdout) < 200

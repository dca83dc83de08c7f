"""Ten thousand findings in every format: within five seconds and five hundred megabytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keyleak.reports.formats import Format

PROGRAM = """
import resource, sys, time
from reports.saved import historic, presentation, report
from keyleak.reports.formats import Format, render
made = report(*(historic(number) for number in range(10_000)))
begun = time.process_time()
render(made, Format(sys.argv[1]), presentation(made))
print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", [form.value for form in Format])
def test_ten_thousand_findings(form: str) -> None:
    command = [sys.executable, "-c", PROGRAM, form]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    # Processor time, which a busy machine does not stretch as it does the clock.
    assert seconds < 5
    assert megabytes < 500

"""No test depends on how fast the machine is: few read a clock, and none asserts what it says."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
CLOCK = re.compile(r"\b(?:perf_counter|process_time|thread_time|monotonic|getrusage\([^)]*\)\.ru_[us]time)\b")
SLEEP = re.compile(r"\btime\.sleep\(")
# What records when a request came, hands a clock to what is tested, or presses a key again.
READS_A_CLOCK = {"verification/server.py", "verification/test_verifier.py", "commands/test_consent.py"}
# Servers that are slow on purpose.
SLEEPS = {"verification/test_client.py", "commands/test_no_trace.py"}


def users(pattern: re.Pattern[str]) -> set[str]:
    here = Path(__file__)
    return {
        str(file.relative_to(TESTS))
        for file in TESTS.rglob("*.py")
        if file != here and pattern.search(file.read_text(encoding="utf-8"))
    }


def test_clocks_are_read_by_few_and_asserted_by_none() -> None:
    assert users(CLOCK) <= READS_A_CLOCK
    assert users(SLEEP) <= SLEEPS
    assert users(re.compile(rf"assert[^\n]*(?:{CLOCK.pattern}|\belapsed\b|\bseconds\s*[<>])")) == set()

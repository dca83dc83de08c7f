"""Tests and examples lower a severity by a step, and never hide a key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import keyleak
from keyleak.example_paths import REMARK, is_example_path
from keyleak.findings import Severity
from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from pathlib import Path

LIVE = expand("FLORA_API_KEY=sk_live_${base62:42}\n", 2).encode()
OF_TEST_MODE = expand("key = sk_test_${base62:24}\n", 2).encode()


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py", "src/__tests__/pay.ts", "pkg/pay_test.go", "src/pay.spec.ts", "test_pay.py",
        "PayTest.java", ".env.example", ".env.sample", "config/settings.template.yaml", "examples/demo.js",
        "spec/pay_spec.rb",
        "a/fixtures/b.json", "demo\\samples\\x.cs", "conftest.py",
    ],
)  # fmt: skip
def test_a_key_in_a_test_or_example_weighs_less_and_is_reported(path: str) -> None:
    assert is_example_path(path)
    (finding,) = keyleak.scan_bytes(LIVE, path=path)
    assert (finding.severity, finding.reason) == (Severity.HIGH, REMARK)
    (finding,) = keyleak.scan_bytes(OF_TEST_MODE, path=path)
    assert finding.severity is Severity.LOW


@pytest.mark.parametrize(
    "path",
    [
        ".env", "src/contest.py", "latest/a.py", "src/attestation.ts", "protest.md", "src/tester.go",
        "templates/a.html", "distribution/x.py", "src/samplerate.c", "pytest.ini", "README.md", "dist/app.js",
    ],
)  # fmt: skip
def test_a_key_elsewhere_keeps_its_severity(path: str) -> None:
    (finding,) = keyleak.scan_bytes(LIVE, path=path)
    assert (finding.severity, finding.reason) == (Severity.CRITICAL, None)


def test_a_key_that_stands_elsewhere_too_keeps_its_severity() -> None:
    from keyleak.findings import LocationKind
    from keyleak.grouping import group_by_secret
    from keyleak.rulebook.loader import load_rulebook
    from keyleak.sources.inspector import Inspector, Place

    inspector = Inspector(load_rulebook())
    places = [Place(LocationKind.FILE, path) for path in ("tests/a.py", "src/a.py")]
    sightings = [each for place in places for each in inspector.inspect(LIVE, place).sightings]
    (finding,) = group_by_secret(sightings)
    assert (finding.severity, len(finding.locations), finding.reason) == (Severity.CRITICAL, 2, None)


def test_a_tree_kept_under_a_folder_named_tests_is_judged_from_its_root(tmp_path: Path) -> None:
    tree = tmp_path / "tests" / "shop"
    (tree / "tests").mkdir(parents=True)
    keys = [expand("FLORA_API_KEY=sk_live_${base62:42}\n", seed) for seed in (1, 2)]
    (tree / "pay.env").write_text(keys[0])
    (tree / "tests" / "pay.env").write_text(keys[1])
    assert _severities(str(tree)) == {"pay.env": "critical", "tests/pay.env": "high"}
    assert _severities(str(tree / "pay.env"), below=str(tree)) == {"pay.env": "critical"}
    assert _severities("shop", "../tests/shop", cwd=tree.parent, below="shop")["pay.env"] == "critical"
    assert _severities("tests", cwd=tree, below=".") == {"tests/pay.env": "high"}


def _severities(*roots: str, cwd: Path | None = None, below: str | None = None) -> dict[str, str]:
    command = [sys.executable, "-m", "keyleak", "scan", *roots, "--format", "json", "--no-progress"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
    return {
        os.path.relpath(place["path"], below or roots[0]): finding["severity"]
        for finding in json.loads(done.stdout)["findings"]
        for place in finding["locations"][:1]
    }

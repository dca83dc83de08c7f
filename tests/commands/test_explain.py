"""`--explain`: every key-shaped text is answered for, reported or not, and no key is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from pathlib import Path

LINES = (
    "FLORA_API_KEY=sk_live_${base62:42}",
    "STRIPE_SECRET_KEY=sk_test_${base62:24}",
    "X=sk_live_your_key_goes_here_please",
    "risk_live_${base62:30}",
    "KEY=sk_live_${hex:40}",
    "Z=sk_live_${base62:260}",
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keyleak", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.env").write_text(expand("\n".join(LINES), 1))
    return tmp_path


def test_each_text_is_explained_behind_the_text_report(folder: Path) -> None:
    result = run(folder, "scan", "--explain", ".")
    assert result.returncode == 1
    report, _, explained = result.stdout.partition("Explained: ")
    assert "flora-api-key" in report
    assert explained.startswith("6 key-shaped texts, 3 of them reported as keys\n")
    for line, what in (
        (1, "reported: attributed flora (confidence high)"),
        (2, "reported: attributed stripe (confidence high)"),
        (3, "not reported: begins like a placeholder"),
        (4, "not reported: its beginning is the end of a longer word"),
        (5, "reported: ambiguous paystack (confidence low)"),
        (6, "not reported: no rule has a key like that"),
    ):
        _, _, after = explained.partition(f"a.env:{line}:")
        assert after.splitlines()[1].strip().startswith(what)
    assert "given to 'STRIPE_SECRET_KEY' (Stripe)" in explained


def test_other_formats_keep_standard_output_to_themselves(folder: Path) -> None:
    result = run(folder, "scan", "--explain", "--format", "json", ".")
    assert len(json.loads(result.stdout)["findings"]) == 3
    assert "Explained: 6 key-shaped texts" in result.stderr


def test_no_key_is_in_an_explanation(folder: Path) -> None:
    keys = [line.partition("=")[2] or line for line in (folder / "a.env").read_text().splitlines()]
    shown = run(folder, "scan", "--explain", ".").stdout
    for key in (*keys[:2], *keys[3:]):
        assert not any(key[index : index + 8] in shown for index in range(12, len(key) - 7))


def test_what_only_a_namesake_owns_is_explained(folder: Path) -> None:
    content = expand("FLORA_API_BASE_URL=https://api.floraapi.com\nFLORA_API_KEY=${base62:40}\n", 1)
    (folder / "a.env").write_text(content)
    result = run(folder, "scan", "--explain", ".")
    assert result.returncode == 0
    assert "not reported: only a namesake" in result.stdout


def test_history_names_the_object(folder: Path) -> None:
    for arguments in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "x"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    oid = subprocess.run(
        ["git", "rev-parse", "HEAD:a.env"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    result = run(folder, "history", "--explain", ".")
    assert result.returncode == 1
    assert f"object {oid[:12]}:1:" in result.stdout


def test_a_value_without_a_prefix_that_is_a_placeholder_is_explained(folder: Path) -> None:
    (folder / "a.env").write_text("FLORA_API_KEY=your-flora-api-key-goes-here\nFLORA_LOG=debug\n")
    result = run(folder, "scan", "--explain", ".")
    assert result.returncode == 0
    assert "Explained: 1 key-shaped text" in result.stdout
    assert "a.env:1:15" in result.stdout
    assert "not reported: " in result.stdout


def test_what_is_staged_is_explained(folder: Path) -> None:
    for arguments in (("init", "-q"), ("add", ".")):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    (folder / "a.env").write_text("")
    result = run(folder, "staged", "--explain")
    assert result.returncode == 1
    assert "Explained: 6 key-shaped texts, 3 of them reported as keys" in result.stdout

"""`--explain`: every key-shaped text is answered for, reported or not, and no key is shown."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zipfile
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


def explained(folder: Path, *arguments: str) -> dict[str, list[str]]:
    """The lines of each explanation, by its place."""
    shown = run(folder, *arguments, "--explain").stdout.partition("Explained: ")[2]
    found: dict[str, list[str]] = {}
    for line in shown.splitlines()[1:]:
        if line and not line.startswith(" "):
            found[line.split("  ")[0]] = lines = []
        elif line:
            lines.append(line.strip())
    return found


def test_encoded_keys_and_keys_in_pieces_are_explained_like_plain_ones(folder: Path) -> None:
    content = (
        "import stripe\n\nCLERK_SECRET_KEY='${base64pad:sk_live_${base62:42}}'\n\n"
        "stripe.api_key = 'sk_test_' + '${base62:24}'\n"
    )
    (folder / "a.env").unlink()
    (folder / "a.py").write_text(expand(content, 4))
    of_encoded, of_joined = explained(folder, "scan", ".").values()
    assert of_encoded[0] == "reported: attributed clerk (confidence high)"
    assert any(line.startswith("file: ") and "Stripe" in line for line in of_encoded)
    assert of_joined[0].startswith("reported: attributed stripe")


def test_encoded_text_that_is_no_key_is_explained(folder: Path) -> None:
    content = "KEY=${base64pad:sk_live_your_key_goes_here_please}\nOTHER=${base64pad:sk_live_${base62:42}}\n"
    (folder / "a.env").write_text(expand(content, 4))
    places = explained(folder, "scan", ".")
    assert places["a.env:1:5"] == ["not reported: begins like a placeholder"]
    assert places["a.env:2:7"][0].startswith("reported: ")


def test_what_stands_in_an_archive_is_explained(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "a.env", "inner.env")
    (folder / "a.env").unlink()
    places = explained(folder, "scan", ".")
    assert len(places) == 6
    assert places["a.zip > inner.env:3:3"] == ["not reported: begins like a placeholder"]
    (of_stripe,) = (lines for place, lines in places.items() if ":2:" in place)
    assert of_stripe[0] == "reported: attributed stripe (confidence high)"
    assert len(of_stripe) > 2


def test_a_manifest_that_was_not_read_is_told(folder: Path) -> None:
    (folder / "package.json").write_text("{")
    places = explained(folder, "scan", ".")
    (of_paystack,) = (lines for place, lines in places.items() if ":5:" in place)
    assert "what the project depends on is not known: package.json is broken" in of_paystack


def test_history_explains_with_the_manifests_of_the_commit(folder: Path) -> None:
    (folder / "package.json").write_text('{"dependencies": {"paystack-node": "1"}}')
    for arguments in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "x"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    for arguments in (("history", "."), ("staged", "a.env")):
        places = explained(folder, *arguments)
        assert len(places) == 6
        (of_paystack,) = (lines for place, lines in places.items() if ":5:" in place)
        assert of_paystack[0] == "reported: attributed paystack (confidence low)"
        assert "package.json depends on 'paystack-node' (Paystack)" in of_paystack


def test_encoded_text_above_a_plain_one_keeps_its_own_line(tmp_path: Path) -> None:
    """Lines were counted on from what had been asked before, further down in the file."""
    blank = base64.b64encode(b"sk_live_your_key_goes_here_please").decode()
    (tmp_path / "a.env").write_text(f"\nA={blank}\n\n\nX=sk_live_your_key_goes_here_please\n")
    assert set(explained(tmp_path, "scan", "a.env")) == {"a.env:2:3", "a.env:5:3"}

"""What a key's places say about how it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import keyleak
from keyleak.findings import Severity
from keyleak.remediation.practices import advice, with_practices
from keyleak.rulebook.template import expand

if TYPE_CHECKING:
    from pathlib import Path

    from keyleak.findings import Finding

LIVE = expand("sk_live_${base62:42}", 21)
TEST = expand("sk_test_${base62:42}", 22)


def found(folder: Path, files: dict[str, str]) -> Finding:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (finding,) = with_practices(keyleak.scan_paths([str(folder)]).findings)
    return finding


@pytest.mark.parametrize(
    ("name", "line", "exposure"),
    [
        ("public/app.js", "apiKey", "client-side"),
        ("dist/main.min.js", "FLORA_API_KEY", "client-side"),
        ("index.html", "FLORA_API_KEY", "client-side"),
        ("app.js.map", "FLORA_API_KEY", "client-side"),
        ("src/x.env", "NEXT_PUBLIC_FLORA_API_KEY", "client-side"),
        ("src/x.env", "VITE_FLORA_API_KEY", "client-side"),
        ("android/app/src/main/res/values/keys.xml", "FLORA_API_KEY", "client-side"),
        (".cursor/mcp.json", "FLORA_API_KEY", "mcp-config"),
        ("claude_desktop_config.json", "FLORA_API_KEY", "mcp-config"),
        ("src/client.py", "FLORA_API_KEY", "hard-coded"),
        ("tests/settings.ini", "FLORA_API_KEY", "live-in-test"),
    ],
)
def test_place_says_what_is_wrong(tmp_path: Path, name: str, line: str, exposure: str) -> None:
    finding = found(tmp_path / "a" / "b" / "c", {name: f'{line} = "{LIVE}"\n'})
    assert exposure in finding.exposure
    words = advice(exposure)
    assert words is not None
    assert words.reason
    assert words.fix


def test_key_that_ships_to_users_is_critical(tmp_path: Path) -> None:
    finding = found(tmp_path / "a" / "b" / "c", {"public/app.js": f'FLORA_API_KEY = "{TEST}"\n'})
    assert finding.severity is Severity.CRITICAL
    assert finding.reason == "it stands in code that ships to users, so everybody who loads it has the key"


def test_one_key_in_two_environments(tmp_path: Path) -> None:
    line = f"FLORA_API_KEY={TEST}\n"
    finding = found(tmp_path / "a" / "b" / "c", {"deploy/staging.env": line, "deploy/production.env": line})
    assert {"both-environments", "test-in-production"} <= set(finding.exposure)
    assert found(tmp_path / "d" / "b" / "c", {"deploy/staging.env": line}).exposure == ()


@pytest.mark.parametrize(
    "value",
    [
        "op://vault/flora/key",
        "${{ secrets.FLORA_API_KEY }}",
        "arn:aws:secretsmanager:eu-1:1:secret:flora-key-AbCdEf",
        "vault:secret/data/flora#api_key",
        "projects/p-1/secrets/flora-api-key/versions/latest",
    ],
)
def test_references_to_secrets_managers_are_no_leaks(tmp_path: Path, value: str) -> None:
    (tmp_path / "app.yaml").write_text(f'FLORA_API_KEY: "{value}"\n')
    assert keyleak.scan_paths([str(tmp_path)]).findings == ()

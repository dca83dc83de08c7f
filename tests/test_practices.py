"""What a key's places say about how it is kept."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

import pytest

import keyleak
from keyleak.cli import main
from keyleak.errors import ExitCode
from keyleak.findings import Severity
from keyleak.practices import ADVICE, Practice, advice, with_practices
from keyleak.rulebook.template import expand
from repositories import commit, new_repository

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


@pytest.mark.parametrize("practice", Practice)
def test_every_practice_has_a_reason_and_a_fix(practice: Practice) -> None:
    words = advice(practice.value) or advice(f"{practice.value}-90-days")
    assert words == ADVICE[practice]
    assert words.reason[0].islower(), "it stands behind a colon"
    assert words.reason[-1].isalnum()
    assert words.fix[0].isupper()
    assert words.fix.endswith(".")


@pytest.mark.parametrize(
    ("files", "is_told"),
    [
        ({"apps/web/.env": "FLORA_API_KEY={}", "apps/api/.env": "FLORA_API_KEY={}"}, True),
        ({"apps/web/.env": "FLORA_API_KEY={}", "apps/web/sub/.env": "FLORA_API_KEY={}"}, False),
        ({"apps/web/.env": "FLORA_API_KEY={}", "packages/api/.env": "FLORA_API_KEY={}"}, False),
        (
            {
                "a.csv": "prj_8fKd2m,FLORA_API_KEY={}\n",
                "b.csv": "prj_91ndLq,FLORA_API_KEY={}\n",
            },
            True,
        ),
        ({"a.csv": "ws_8fKd2m,FLORA_API_KEY={}\n", "b.csv": "ws_91ndLq,FLORA_API_KEY={}\n"}, True),
        ({"a.csv": "ws_8fKd2m,FLORA_API_KEY={}\n", "b.csv": "ws_8fKd2m,FLORA_API_KEY={}\n"}, False),
        ({"a.csv": "ws_8fKd2m,FLORA_API_KEY={}\n", "b.csv": "prj_91ndLq,FLORA_API_KEY={}\n"}, False),
    ],
)
def test_one_key_in_two_projects_or_workspaces(
    tmp_path: Path, files: dict[str, str], *, is_told: bool
) -> None:
    finding = found(tmp_path / "a" / "b" / "c", {name: text.format(LIVE) for name, text in files.items()})
    assert len(finding.locations) == 2
    assert ("two-projects" in finding.exposure) is is_told


def test_age_is_judged_by_the_first_commit_and_the_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = new_repository(tmp_path / "work")
    commit(repository, {"a.env": f"FLORA_API_KEY={LIVE}\n".encode()}, "long ago")

    def told(*more: str) -> tuple[int, list[str]]:
        assert main(["history", str(repository), "--format", "json", *more]) == ExitCode.FINDINGS
        (finding,) = json.loads(capsys.readouterr().out)["findings"]
        return finding["age_days"], finding["exposure"]

    age, exposure = told()
    assert age > 90
    assert exposure == ["older-than-90-days"]
    assert told("--rotation-days", str(age - 1))[1] == [f"older-than-{age - 1}-days"]
    assert told("--rotation-days", str(age))[1] == [], "that many days are allowed"


def test_every_format_for_people_prints_reason_and_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    (folder / "client.py").write_text(f'FLORA_API_KEY = "{LIVE}"\n')
    words = ADVICE[Practice.HARD_CODED]
    for form in ("text", "markdown", "html", "sarif"):
        assert main(["scan", str(folder), "--format", form, "--quiet"]) == ExitCode.FINDINGS
        said = " ".join(html.unescape(capsys.readouterr().out).split())
        assert words.reason in said, form
        assert words.fix in said, form
    (result,) = json.loads(said)["runs"][0]["results"]
    assert result["properties"]["practices"] == [
        {"practice": "hard-coded", "reason": words.reason, "fix": words.fix}
    ]

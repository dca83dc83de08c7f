"""The wheel is complete: in a clean environment, outside the checkout, it does what it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def keyleak(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    subprocess.run(
        [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", str(wheel)],
        check=True,
    )
    return str(folder / "bin" / "keyleak")


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}


def run(keyleak: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [keyleak, *arguments], cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False
    )


def test_its_rules_are_those_of_the_checkout(keyleak: str, tmp_path: Path) -> None:
    result = run(keyleak, "rules", "list", "--format", "json", cwd=tmp_path)
    assert result.returncode == ExitCode.CLEAN, result.stderr
    files = sorted((ROOT / "rules").glob("*.yaml"))
    assert len(files) >= 6
    expected = {key["id"] for file in files for key in yaml.safe_load(file.read_text())["keys"]}
    assert {rule["id"] for rule in json.loads(result.stdout)} == expected


def test_it_finds_a_key_outside_the_checkout(keyleak: str, tmp_path: Path) -> None:
    (tmp_path / "leak").write_text(expand("FLORA_API_KEY=sk_live_${base62:42}"))
    result = run(keyleak, "scan", "--format", "json", cwd=tmp_path)
    assert result.returncode == ExitCode.FINDINGS, result.stderr
    assert json.loads(result.stdout)["findings"][0]["issuer"] == "flora"
    assert run(keyleak, "rules", "check", cwd=tmp_path).returncode == ExitCode.CLEAN
    assert run(keyleak, "report", "--schema", cwd=tmp_path).stdout.startswith("{")


def test_it_holds_one_package_and_all_its_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"keyleak"}
    for folder in ("rules", "hooks"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert files
        missing = [
            path
            for path in files
            if f"keyleak/{folder}/{path.relative_to(ROOT / folder).as_posix()}" not in names
        ]
        assert missing == []
    assert "keyleak/py.typed" in names

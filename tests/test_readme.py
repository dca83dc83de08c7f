"""Every command and example in the README does what the README says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from keyleak.cli import cli
from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand
from repositories import commit, new_repository

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
KEYLEAK = str(Path(sys.executable).with_name("keyleak"))


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no {language} block"
    return found


def shell_lines() -> list[str]:
    """Every command of the shell blocks, without its comment."""
    lines = [line.partition("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".env").write_text(expand("FLORA_API_KEY=sk_live_${base62:42}\n"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("print('no key here')\n")
    (tmp_path / "config.yaml").write_text("a: 1\n")
    (tmp_path / "Makefile").write_text("build:\n\t@echo built\n")
    new_repository(tmp_path)
    commit(tmp_path, {"src/old.py": b"1"})
    commit(tmp_path, {"src/new.py": b"2"})
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    with_program = re.sub(r"\bkeyleak (?=scan|history|fix|rules|report)", f"{shlex.quote(KEYLEAK)} ", command)
    return subprocess.run(
        ["bash", "-c", with_program],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_first_example_is_what_the_program_prints(project: Path) -> None:
    example = blocks("console")[0]
    command, _, shown = example.partition("\n")
    result = run(command.removeprefix("$ "), project)
    assert result.returncode == ExitCode.FINDINGS

    def without_time(text: str) -> str:
        return re.sub(r"\d+\.\d s\.", "T s.", text).rstrip()

    assert without_time(result.stdout) == without_time(shown)


@pytest.mark.parametrize("command", [line for line in shell_lines() if "keyleak " in line])
def test_every_keyleak_command_works(command: str, project: Path) -> None:
    result = run(command, project)
    assert result.returncode in {ExitCode.CLEAN, ExitCode.FINDINGS}, result.stderr
    assert result.stdout or result.stderr


def test_the_two_set_up_commands_are_those_that_ci_runs() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("python3 .ci/environment.py scan", "python3 .ci/environment.py test"):
        assert command in shell_lines()
        assert command in ci


def test_every_exit_code_is_in_the_table() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert codes == {int(code) for code in ExitCode}


def test_yaml_examples_are_valid(project: Path) -> None:
    hook, config = blocks("yaml")
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    known = {each["id"] for each in hooks}
    named = {each["id"] for repo in yaml.safe_load(hook)["repos"] for each in repo["hooks"]}
    assert named <= known
    (project / "keyleak.yaml").write_text(config)
    result = run("keyleak scan --config keyleak.yaml src", project)
    assert result.returncode == ExitCode.CLEAN, result.stderr


def test_python_example_runs(project: Path) -> None:
    (example,) = blocks("python")
    program = f"{example}\nprint(clean)"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True
    )
    assert result.stdout == "True\n"


def test_linked_documents_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    local = [link for link in links if "://" not in link]
    assert local
    assert [link for link in local if not (ROOT / link).is_file()] == []


def test_every_command_has_help_that_teaches() -> None:
    context = click.Context(cli)
    names = cli.list_commands(context)
    assert {"scan", "history"} <= set(names)
    for name in names:
        command = cli.get_command(context, name)
        assert command is not None
        assert command.help, name


def test_the_threat_model_names_tests_that_exist() -> None:
    named = re.findall(
        r"`((?:tests/)?[a-z_/0-9]+(?:\.py|/))`", (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    )
    assert len(named) > 20
    for name in named:
        assert (ROOT / name).exists() or list((ROOT / "tests").rglob(name)), name

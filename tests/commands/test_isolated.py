"""A folder that is looked at holds modules of its own; none is imported, whatever Python's variables say."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from commands.hooked import LEAK, PROGRAMS, Person, new_person

# Modules that keyleak, its libraries and Python's own start import, and two that Python looks for by itself.
SHADOWS = (
    "__future__", "click", "contextlib", "dulwich", "enum", "hyperscan", "json", "keyleak", "numpy", "re",
    "rich", "sitecustomize", "subprocess", "time", "typing", "usercustomize", "yaml", "zlib_ng",
)  # fmt: skip
# These run before keyleak's first line where Python is not isolated, or are keyleak itself.
BEFORE_ITS_FIRST_LINE = {"sitecustomize", "usercustomize", "keyleak"}
VARIABLES = (
    {},
    {"PYTHONPATH": ":/x"},
    {"PYTHONPATH": "."},
    {"PYTHONPATH": "/x:src:/y"},
    {"PYTHONPATH": "/x:"},
    {"PYTHONUSERBASE": "base"},
    {"PYTHONPATH": ".", "PYTHONINSPECT": "1", "PYTHONSTARTUP": "re.py", "PYTHONPYCACHEPREFIX": "cache"},
)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """In a repository whose modules leave a file behind when they are imported."""
    person = new_person(tmp_path / "work")
    site = Path("base/lib") / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for folder in (".", "src", str(site)):
        for name in SHADOWS:
            person.write(
                f"{folder}/{name}.py", f"open({str(tmp_path / 'ran')!r}, 'a').write({name + ' '!r})\n"
            )
    return person


def ran(person: Person) -> set[str]:
    """Which modules of the folder were imported."""
    trace = person.folder.parent / "ran"
    return set(trace.read_text().split()) if trace.exists() else set()


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
def test_a_git_hook_imports_nothing_from_the_folder(person: Person, variables: dict[str, str]) -> None:
    assert person.run("keyleak", "hook", "install").returncode == 0
    person.stage("leak.env", LEAK)
    stopped = person.run("git", "commit", "-m", "leak", **variables)
    assert stopped.returncode != 0
    assert "nothing was committed" in stopped.stderr
    person.stage("leak.env")
    assert person.run("git", "commit", "-m", "clean", **variables).returncode == 0
    assert ran(person) == set()


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
def test_a_hook_that_finds_its_program_on_path_imports_nothing_either(
    person: Person, variables: dict[str, str]
) -> None:
    assert person.run("keyleak", "hook", "install", "pre-commit").returncode == 0
    hook = person.folder / ".git" / "hooks" / "pre-commit"
    hook.write_text(hook.read_text().replace("package=/", "package=/none/"))
    person.stage("leak.env", LEAK)
    assert person.run("git", "commit", "-m", "leak", **variables).returncode != 0
    assert ran(person) == set()


def test_a_program_of_the_folder_is_not_started_though_path_names_it(person: Person) -> None:
    assert person.run("keyleak", "hook", "install", "pre-commit").returncode == 0
    hook = person.folder / ".git" / "hooks" / "pre-commit"
    hook.write_text(hook.read_text().replace("package=/", "package=/none/"))
    person.write("keyleak", "#!/bin/sh\nexit 0\n").chmod(0o755)
    person.stage("leak.env", LEAK)
    stopped = person.run("git", "commit", "-m", "leak", PATH=".:/usr/bin:/bin")
    assert stopped.returncode != 0
    assert "not installed" in stopped.stderr


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
@pytest.mark.parametrize("arguments", ["scan .", "staged", "history", "hook run pre-commit", "rules list"])
def test_the_program_that_somebody_types_takes_the_folder_off_the_path_first(
    person: Person, arguments: str, variables: dict[str, str]
) -> None:
    for name in BEFORE_ITS_FIRST_LINE:
        for path in person.folder.rglob(f"{name}.py"):
            path.unlink()
    person.record("leak.env", LEAK)
    person.stage("more.env", LEAK)
    done = person.run("keyleak", *arguments.split(), **variables)
    assert done.returncode == (0 if arguments == "rules list" else 1), done.stderr
    assert ran(person) == set()


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
def test_isolated_it_imports_nothing_at_all(person: Person, variables: dict[str, str]) -> None:
    person.write("leak.env", LEAK)
    done = person.run(str(PROGRAMS / "python"), "-I", "-m", "keyleak", "scan", ".", **variables)
    assert done.returncode == 1, done.stderr
    assert ran(person) == set()


def test_the_entries_of_pre_commit_start_python_isolated() -> None:
    root = Path(__file__).parent.parent.parent
    entries = [
        line.split("entry: ")[1]
        for line in (root / ".pre-commit-hooks.yaml").read_text().splitlines()
        if "entry: " in line
    ]
    assert len(entries) == 4
    assert all(entry.startswith("python -I -m keyleak ") for entry in entries)


def test_a_folder_of_modules_that_is_named_absolutely_is_the_user_s_own_choice(
    person: Person, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(person.folder / "src", folder)
    for name in {*SHADOWS} - {"sitecustomize"}:
        (folder / f"{name}.py").unlink()
    done = person.run("keyleak", "rules", "list", PYTHONPATH=str(folder))
    assert done.returncode == 0
    assert ran(person) == {"sitecustomize"}

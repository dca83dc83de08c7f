"""What the workspace, the event and the environment of a pipeline may not decide."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.hooked import LEAK, Person, new_person
from commands.pipeline import INSTALL, ROOT, ZEROS, Runner, pull, push
from keyleak.errors import ExitCode

MODULES = ("keyleak", "numpy", "re", "sitecustomize", "usercustomize", "click", "pip", "json", "ensurepip")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = new_person(tmp_path / "checkout")
    person.record("base.txt")
    return person


@pytest.fixture
def runner(person: Person, tmp_path: Path) -> Runner:
    return Runner(person, tmp_path / "runner")


@pytest.fixture
def trap(person: Person, tmp_path: Path) -> Path:
    """What exists once code of the workspace ran."""
    trap = tmp_path / "sprung"
    code = f"import os\nos.close(os.open({str(trap)!r}, os.O_CREAT))\nraise SystemExit(0)\n"
    for folder in ("", "src/"):
        for module in MODULES:
            person.write(f"{folder}{module}.py", code)
    return trap


@pytest.mark.parametrize("path", ["", ":/x", ".", "src", "/x::", "./src:"])
def test_the_scan_runs_no_python_of_the_workspace(
    person: Person, runner: Runner, trap: Path, path: str
) -> None:
    base = person.head()
    head = person.record("leak.env", LEAK)
    found = runner.run("pull_request", pull(base, head), PYTHONPATH=path, PYTHONSTARTUP="sitecustomize.py")
    assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1"), found["err"]
    assert not trap.exists()


BACKEND = """\
import zipfile

FILES = {
    "stub.py": "",
    "stub-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: stub\\nVersion: 1\\n",
    "stub-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "stub-1.dist-info/RECORD": "",
}


def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(folder + "/stub-1-py3-none-any.whl", "w") as wheel:
        for name, content in FILES.items():
            wheel.writestr(name, content)
    return "stub-1-py3-none-any.whl"
"""


def with_stub(folder: Path) -> None:
    """A package that needs nothing else to be installed."""
    action = folder / "action"
    action.mkdir()
    (action / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (action / "backend.py").write_text(BACKEND)


@pytest.mark.slow
def test_the_installation_takes_nothing_from_the_workspace(
    person: Person, runner: Runner, trap: Path, tmp_path: Path
) -> None:
    (tmp_path / "runner" / "keyleak").unlink()
    with_stub(tmp_path)
    elsewhere = person.folder / "elsewhere"
    person.write("pip.conf", f"[global]\ntarget = {elsewhere}\n")
    person.write("setup.cfg", f"[install]\nprefix = {elsewhere}\n")
    person.write("pyproject.toml", "[build-system]\nrequires = ['evil']\n")
    done = runner.run(
        "push", {}, step=INSTALL,
        GITHUB_ACTION_PATH=str(tmp_path / "action"), PYTHONPATH=":.:src", PYTHONHOME="",
        PIP_TARGET=str(elsewhere), PIP_CONFIG_FILE=str(person.folder / "pip.conf"),
        PIP_REQUIREMENT="requirements.txt",
    )  # fmt: skip
    assert done["exit"] == 0, done["err"]
    assert list((tmp_path / "runner" / "keyleak").glob("lib/*/site-packages/stub.py"))
    assert not elsewhere.exists()
    assert not trap.exists()


@pytest.mark.slow
def test_a_program_of_the_workspace_is_not_the_python_that_installs(
    person: Person, runner: Runner, tmp_path: Path
) -> None:
    (tmp_path / "runner" / "keyleak").unlink()
    trap = tmp_path / "sprung"
    person.write("python3", f"#!/bin/sh\ntouch {trap}\n").chmod(0o755)
    for python in ("python3", "./python3"):
        # There is nothing to install, so that it ends with pip's complaint or before.
        done = runner.run(
            "push", {}, {"python": python}, step=INSTALL,
            PATH=f".:{os.environ['PATH']}", GITHUB_ACTION_PATH=str(tmp_path),
        )  # fmt: skip
        assert done["exit"] != 0
    assert (tmp_path / "runner" / "keyleak" / "bin" / "python").exists(), "made by the one that is installed"
    assert not trap.exists()


@pytest.mark.slow
def test_the_documented_job_of_gitlab_takes_nothing_from_the_workspace(
    person: Person, trap: Path, tmp_path: Path
) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/ci.md").read_text(), re.MULTILINE | re.DOTALL)
    job = next(job["keyleak"] for job in map(yaml.safe_load, blocks) if "keyleak" in job)
    with_stub(tmp_path)
    address = "git+https://github.com/keyleak/keyleak"
    assert sum(address in line for line in job["script"]) == 1
    script = "\n".join([*job["script"][:-1], 'cd "$tools" && ls -d lib/*/site-packages/stub.py'])
    done = person.run(
        "bash", "-e", "-c", script.replace(address, str(tmp_path / "action")),
        CI_PROJECT_DIR=str(person.folder), TMPDIR=str(tmp_path), PYTHONPATH=":.:src", PIP_TARGET="elsewhere",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "stub.py" in done.stdout
    assert "-I -m keyleak hook run gitlab-ci" in job["script"][-1]
    assert not trap.exists()


def test_neither_caches_nor_rules_of_the_user_s_are_in_the_workspace(person: Person, runner: Runner) -> None:
    head = person.record("leak.env", LEAK)
    # What a first run leaves there a change could bring, made by somebody who knows what is believed.
    person.write(".config/keyleak/rules/evil.yaml", "no rule file at all\n")
    for name in ("src", ".cache"):
        folders = {
            "XDG_CACHE_HOME": str(person.folder / name),
            "XDG_CONFIG_HOME": str(person.folder / ".config"),
        }
        found = runner.run("schedule", {"repository": {}}, **folders)
        assert (found["exit"], found["findings"]) == (ExitCode.FINDINGS, "1"), found["err"]
        assert runner.run("push", push(head, head), **folders)["exit"] == ExitCode.CLEAN
        assert not (person.folder / name).exists()


ODD: list[tuple[str, Any]] = [
    ("pull_request", pull("--all", "1" * 40)),
    ("pull_request", pull("1" * 40 + "\nfindings=0", "1" * 40)),
    ("pull_request", {"pull_request": {"base": [], "head": {"sha": "1" * 40}}}),
    ("pull_request", {"pull_request": {"base": {"sha": 7}, "head": {"sha": None}}}),
    ("merge_group", {"merge_group": {"base_sha": "main", "head_sha": "HEAD"}}),
    ("push", {"before": "HEAD", "after": "HEAD"}),
    ("push", {"before": ZEROS, "after": "1" * 40, "ref": ["refs/heads/main"], "repository": {}}),
    ("push", {"before": ZEROS, "after": "1" * 40, "repository": "keyleak"}),
    *(
        ("push", push("1" * 40, "2" * 40) | {"repository": {"default_branch": branch}})
        for branch in (
            1,
            "--all",
            "main\nsarif=x",
            "main~1",
            "main^{/x}",
            "../main",
            "a..b",
            "@{-1}",
            "x.lock",
            "a b",
        )
    ),
    ("schedule", {"repository": {"default_branch": "-x"}}),
]


@pytest.mark.parametrize(("name", "event"), ODD)
def test_an_event_with_other_things_than_ids_and_names_stops(runner: Runner, name: str, event: Any) -> None:
    found = runner.run(name, event)
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "the event file" in found["err"]
    assert "findings" not in found
    assert "Traceback" not in found["err"]


def test_an_event_nested_beyond_reason_stops(runner: Runner) -> None:
    found = runner.run("push", "[" * 200_000)
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "not JSON" in found["err"]


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "large"])
def test_an_event_file_that_is_no_file_of_ordinary_size_stops(
    person: Person, tmp_path: Path, kind: str
) -> None:
    event = tmp_path / "event.json"
    if kind == "pipe":
        os.mkfifo(event)
    elif kind == "folder":
        event.mkdir()
    elif kind == "device":
        event.symlink_to("/dev/zero")
    else:
        with event.open("wb") as file:
            file.truncate(64 << 20)
    done = person.run(
        "keyleak", "hook", "run", "github-action", GITHUB_EVENT_NAME="push", GITHUB_EVENT_PATH=str(event)
    )
    assert done.returncode == ExitCode.INCOMPLETE
    assert "event.json: no event file" in done.stderr


@pytest.mark.parametrize("name", ["report\nfindings=0", "report\r.sarif", "report\u2028x"])
def test_no_input_becomes_a_second_output(person: Person, runner: Runner, name: str) -> None:
    found = runner.run("push", push(person.head(), person.head()), {"sarif": name})
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "findings" not in found
    assert "line break" in found["err"]


def test_no_report_is_written_through_a_link_of_the_checkout(
    person: Person, runner: Runner, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "keyleak.sarif").write_text("precious")
    (person.folder / "out").symlink_to(victim)
    (person.folder / "keyleak.sarif").symlink_to(victim / "keyleak.sarif")
    (person.folder / "deep" / "er").mkdir(parents=True)
    (person.folder / "deep" / "er" / "out").symlink_to("../../out")
    event = push(person.head(), person.head())
    for name in ("out/keyleak.sarif", "keyleak.sarif", "deep/er/out/keyleak.sarif", f"{person.folder}/out/x"):
        found = runner.run("push", event, {"sarif": name})
        assert found["exit"] == ExitCode.INCOMPLETE, name
        assert "a link" in found["err"]
    (person.folder / "keyleak.json").symlink_to(victim / "keyleak.sarif")
    gitlab = person.run("keyleak", "hook", "run", "gitlab-ci", CI_COMMIT_SHA=person.head())
    assert gitlab.returncode == ExitCode.INCOMPLETE
    assert (victim / "keyleak.sarif").read_text() == "precious"
    assert sorted(os.listdir(victim)) == ["keyleak.sarif"]


@pytest.mark.parametrize(
    "variables",
    [
        {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "--all"},
        {"CI_COMMIT_SHA": "HEAD~1"},
        {"CI_COMMIT_BEFORE_SHA": "main", "CI_DEFAULT_BRANCH": "main"},
        {"CI_DEFAULT_BRANCH": "main^{/x}"},
    ],
)
def test_variables_of_gitlab_that_name_something_else_stop(person: Person, variables: dict[str, str]) -> None:
    done = person.run("keyleak", "hook", "run", "gitlab-ci", **variables)
    assert done.returncode == ExitCode.INCOMPLETE
    assert next(iter(variables)) in done.stderr or "CI_DEFAULT_BRANCH" in done.stderr


def test_the_output_file_has_one_line_for_each_output(person: Person, runner: Runner, tmp_path: Path) -> None:
    runner.run("push", push(person.head(), person.head()))
    lines = (tmp_path / "runner" / "output").read_text().splitlines()
    assert [line.partition("=")[0] for line in lines] == ["findings", "sarif"]
    assert json.loads(Path(lines[1].partition("=")[2]).read_text(encoding="utf-8"))["version"] == "2.1.0"


@pytest.mark.parametrize("configuration", ["allow:\n  - {path: '*', reason: REASON}\n", "REASON: 1\n"])
def test_no_word_of_the_repository_is_a_command_to_the_runner(
    person: Person, runner: Runner, configuration: str
) -> None:
    base = person.head()
    person.stage(".keyleak.yaml", configuration.replace("REASON", "'##[stop-commands]x'"))
    head = person.record("##[add-mask]error/leak.env", LEAK)
    for before, after in ((base, head), (head, person.record("clean.txt"))):
        found = runner.run("pull_request", pull(before, after))
        assert "##[" not in found["out"] + found["err"]
        assert not [line for line in found["err"].splitlines() if line.startswith("::")]
    assert "stop-commands" in found["out"] + found["err"] or found["exit"] == ExitCode.CLEAN

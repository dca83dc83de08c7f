"""`keyleak fix --apply`: the result is the old history without the keys, and nothing else."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from keyleak.cli import main
from keyleak.errors import ExitCode
from remediation.leaky import KEY, Leaky, assigned, leaky
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Leaky:
    return leaky(tmp_path_factory.mktemp("leaky"))


def fix(repository: Path, output: Path, *more: str) -> int:
    return main(["fix", str(repository), "--apply", "--yes", "--output", str(output), *more])


def every_object(repository: Path) -> bytes:
    return git(repository, "cat-file", "--batch", "--batch-all-objects")


@pytest.mark.slow
def test_every_kind_of_place_is_cleaned_and_nothing_else_changes(
    example: Leaky, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refs = git(example.work, "for-each-ref")
    objects = every_object(example.work)
    out = tmp_path / "out"
    assert fix(example.work, out) == ExitCode.CLEAN
    said = capsys.readouterr().out
    assert "Proven clean" in said
    assert KEY not in said
    for named in ("backup.zip", "tool.bin", "refs/pull/7/head", "Stashes: 1"):
        assert named in said

    result = out / "rewritten.git"
    after = every_object(result)
    assert KEY.encode() not in after
    assert KEY.encode("utf-16-le") not in after
    assert git(example.work, "for-each-ref") == refs, "the repository itself is only read"
    assert every_object(example.work) == objects

    old = git(example.work, "for-each-ref", "--format=%(refname)")
    assert git(result, "for-each-ref", "--format=%(refname)") == old
    assert git(result, "rev-list", "--count", "--all") == git(example.work, "rev-list", "--count", "--all")
    assert git(result, "rev-parse", "clean") == git(example.work, "rev-parse", "clean")
    names = git(result, "ls-tree", "-r", "--name-only", "main").decode().split()
    before = git(example.work, "ls-tree", "-r", "--name-only", "main").decode().split()
    assert sorted(set(before) - set(names)) == ["backup.zip", "tool.bin"]
    assert git(result, "show", "main~1:settings.env") == b"A=1\nFLORA_API_KEY=REMOVED-KEY\nB=2\n"
    assert git(result, "show", "main:wide.txt").decode("utf-16") == "FLORA_API_KEY=REMOVED-KEY\n"
    encoded = git(result, "show", "main:link.txt").strip().removeprefix(b"config=")
    config = json.loads(base64.b64decode(encoded))
    assert set(config["env"]["FLORA_API_KEY"]) <= set("removed`abcdefghijklmno"), (
        "base64 stays what it was, but for the key"
    )
    assert git(result, "log", "-1", "--notes", "--format=%N", "light").strip() == b"FLORA_API_KEY=REMOVED-KEY"
    assert b"REMOVED-KEY" in git(result, "cat-file", "tag", "v1")
    assert git(result, "show", "refs/stash:x") == b"FLORA_API_KEY=REMOVED-KEY\n"


@pytest.mark.slow
def test_pushes_that_are_printed_clean_the_server(example: Leaky, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert fix(example.work, out, "--quiet") == ExitCode.CLEAN
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--mirror", str(example.server), str(server))
    pushes = (out / "push.sh").read_text()
    assert "refs/pull" not in pushes
    assert "stash" not in pushes
    git(server, "config", "receive.denyCurrentBranch", "ignore")
    url = f'"$(git -C {example.work} remote get-url origin)"'
    assert pushes.count(url) == 7, (
        "one push for all branches; for two tags and the notes a question and a push"
    )
    subprocess.run(["bash", "-e", "-c", pushes.replace(url, str(server))], check=True, capture_output=True)
    git(server, "update-ref", "-d", "refs/pull/7/head")
    git(server, "reflog", "expire", "--expire=now", "--all")
    git(server, "gc", "-q", "--prune=now")
    assert KEY.encode() not in every_object(server)


def test_kit_is_for_its_owner_alone(example: Leaky, tmp_path: Path) -> None:
    out = tmp_path / "kit"
    assert main(["fix", str(example.work), "--output", str(out), "--quiet"]) == ExitCode.FINDINGS
    for path in [out, *out.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert KEY in (out / "kit" / "expressions.txt").read_text()
    assert KEY not in (out / "runbook.md").read_text()


def test_interrupted_rewrite_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = new_repository(tmp_path / "work")
    commit(repository, {"a.env": assigned().encode()}, "one")
    out = tmp_path / "out"
    assert fix(repository, out) == ExitCode.CLEAN
    backup = (out / "backup.bundle").read_bytes()
    state = json.loads((out / "state.json").read_text())
    (out / "state.json").write_text(json.dumps(state | {"step": "rewriting"}))
    (out / "rewritten.git" / "HEAD").unlink()
    assert fix(repository, out) == ExitCode.CLEAN
    assert "beginning it again" in capsys.readouterr().err
    assert (out / "backup.bundle").read_bytes() == backup
    assert fix(repository, out) == ExitCode.CLEAN, "a finished one is proven again"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--apply"], "--output DIR"),
        (["--report", "missing.json"], "missing.json"),
        (["--id", "0" * 32], "is it of another repository"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = new_repository(tmp_path / "work")
    commit(repository, {"a.env": assigned().encode()}, "one")
    assert main(["fix", str(repository), *arguments]) == ExitCode.INCOMPLETE
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_output_in_the_repository_and_shallow_clones_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = new_repository(tmp_path / "work")
    commit(repository, {"a.env": assigned().encode()}, "one")
    commit(repository, {"b": b"b"}, "two")
    assert fix(repository, repository / "out") == ExitCode.INCOMPLETE
    assert "lies in the repository" in capsys.readouterr().err
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    assert fix(tmp_path / "shallow", tmp_path / "out") == ExitCode.INCOMPLETE
    assert "--unshallow" in capsys.readouterr().err


def test_report_of_another_repository_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = new_repository(tmp_path / "work")
    commit(repository, {"a.env": assigned().encode()}, "one")
    report = tmp_path / "report.json"
    main(["history", str(repository), "--format", f"json:{report}"])
    assert main(["fix", str(repository), "--report", str(report), "--quiet"]) == ExitCode.FINDINGS
    content = json.loads(report.read_text())
    content["findings"][0]["id"] = "0" * 32
    report.write_text(json.dumps(content))
    assert main(["fix", str(repository), "--report", str(report)]) == ExitCode.INCOMPLETE
    assert "is it of another repository" in capsys.readouterr().err


def test_remote_that_still_holds_the_key_is_named_by_ref(
    example: Leaky, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    main(["history", str(example.work), "--format", f"json:{report}"])
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--mirror", str(example.server), str(server))
    for ref in git(server, "for-each-ref", "--format=%(refname)").decode().split():
        if ref not in {"refs/heads/clean", "refs/pull/7/head"}:
            git(server, "update-ref", "-d", ref)
    git(server, "symbolic-ref", "HEAD", "refs/heads/clean")
    check = [
        "fix",
        str(example.work),
        "--in-place-check",
        "--remote",
        server.as_uri(),
        "--report",
        str(report),
    ]
    assert main(check) == ExitCode.FINDINGS
    said = capsys.readouterr().out
    assert "refs/pull/7/head" in said
    assert "side.py" in said
    assert "Only the host can" in said
    assert KEY not in said
    git(server, "update-ref", "-d", "refs/pull/7/head")
    assert main(check) == ExitCode.CLEAN
    assert "holds none of the keys" in capsys.readouterr().out

"""What follows a rewrite, run literally: taking it, pushing it, collaborators, the guard, the way back."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from keyleak.cli import main
from keyleak.errors import ExitCode
from remediation.leaky import KEY, assigned
from repositories import commit, git, new_repository

HOOK = """\
#!/bin/sh
exec keyleak fix --guard {map} .
"""


@dataclass(frozen=True)
class Team:
    """A server and two clones of it, whose history holds a key."""

    server: Path
    author: Path
    colleague: Path
    out: Path

    def run(self, script: str, folder: Path, code: int = 0) -> str:
        """Run a shell script in a folder, with keyleak on PATH."""
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_EDITOR": "true",
        }
        for who in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{who}_NAME": "C", f"GIT_{who}_EMAIL": "c@example.com"}
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, check=False
        )
        assert done.returncode == code, (script, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode() + done.stderr.decode()


@pytest.fixture
def team(tmp_path: Path) -> Team:
    seed = new_repository(tmp_path / "seed")
    commit(seed, {"a": b"1\n"}, "one")
    commit(seed, {"k.env": assigned().encode()}, "key")
    commit(seed, {"a": b"2\n"}, "two")
    git(seed, "branch", "release")
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--bare", str(seed), str(server))
    clones = [tmp_path / name for name in ("author", "colleague")]
    for clone in clones:
        git(tmp_path, "clone", "-q", str(server), str(clone))
    return Team(server, *clones, tmp_path / "out")


def fixed(team: Team, *more: str) -> int:
    return main(["fix", str(team.author), "--apply", "--yes", "--quiet", "--output", str(team.out), *more])


def everything(repository: Path) -> bytes:
    git(repository, "reflog", "expire", "--expire=now", "--all")
    git(repository, "gc", "-q", "--prune=now")
    return git(repository, "cat-file", "--batch", "--batch-all-objects")


@pytest.mark.slow
def test_printed_commands_clean_server_author_and_colleague(team: Team, tmp_path: Path) -> None:
    git(team.colleague, "checkout", "-q", "-b", "my-branch", "origin/main")
    commit(team.colleague, {"mine": b"mine\n"}, "my work")
    git(team.colleague, "checkout", "-q", "main")
    assert fixed(team) == ExitCode.CLEAN
    for name in ("take", "push", "forget"):
        team.run(f"bash -e {team.out}/{name}.sh", tmp_path)
    assert KEY.encode() not in everything(team.server)
    assert KEY.encode() not in everything(team.author)
    git(tmp_path, "clone", "-q", "--mirror", str(team.server), str(tmp_path / "fresh.git"))
    assert main(["history", str(tmp_path / "fresh.git"), "--quiet"]) == ExitCode.CLEAN
    assert git(team.author, "status", "--porcelain") == b""

    message = (team.out / "message.md").read_text()
    for block in re.findall(r"```sh\n(.*?)```", message, re.DOTALL):
        if "origin/release" not in block:
            team.run(block, team.colleague)
    for lost in ("FETCH_HEAD", "ORIG_HEAD"):
        (team.colleague / ".git" / lost).unlink(missing_ok=True)
    assert KEY.encode() not in everything(team.colleague)
    assert git(team.colleague, "show", "my-branch:mine") == b"mine\n"
    assert git(team.colleague, "rev-list", "--count", "origin/main..my-branch").strip() == b"1"


@pytest.mark.slow
def test_guard_refuses_commits_that_an_old_clone_brings_back(team: Team, tmp_path: Path) -> None:
    commit(team.colleague, {"mine": b"mine\n"}, "my work")
    assert fixed(team) == ExitCode.CLEAN
    team.run(f"bash -e {team.out}/push.sh", tmp_path)
    hook = team.server / "hooks" / "pre-receive"
    hook.write_text(HOOK.format(map=team.out / "commit-map.csv"))
    hook.chmod(0o755)
    said = team.run("git push origin HEAD:refs/heads/back 2>&1", team.colleague, code=1)
    assert "refs/heads/back brings back 2 old commits" in said
    commit(team.author, {"b": b"b"}, "upon the old")
    team.run("git push --force origin HEAD:refs/heads/back", team.author, code=1)
    team.run("git fetch -q && git reset -q --hard origin/main && git push origin HEAD:x", team.colleague)


def test_guard_in_a_pipeline_names_the_refs(
    team: Team, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fixed(team) == ExitCode.CLEAN
    capsys.readouterr()
    names = str(team.out / "commit-map.csv")
    assert main(["fix", str(team.out / "rewritten.git"), "--guard", names]) == ExitCode.CLEAN
    assert main(["fix", str(team.server), "--guard", names]) == ExitCode.FINDINGS
    assert "refs/heads/release brings back 2 old commits" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "old,new\nabc,def\n", "new,old\n", "\x00"])
def test_guard_without_a_map_is_a_usage_error(
    team: Team, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (tmp_path / "map").write_text(content)
    assert main(["fix", str(team.server), "--guard", str(tmp_path / "map")]) == ExitCode.INCOMPLETE
    assert str(tmp_path / "map") in capsys.readouterr().err
    assert main(["fix", str(team.server), "--guard", str(tmp_path / "none")]) == ExitCode.INCOMPLETE


@pytest.mark.slow
def test_undo_brings_every_ref_back(team: Team, tmp_path: Path) -> None:
    before = [git(each, "for-each-ref") for each in (team.server, team.author)]
    assert fixed(team) == ExitCode.CLEAN
    for name in ("take", "push"):
        team.run(f"bash -e {team.out}/{name}.sh", tmp_path)
    git(team.author, "fetch", "-q")
    assert git(team.author, "for-each-ref") != before[1]
    said = team.run(f"keyleak fix {team.author} --undo --output {team.out}", tmp_path)
    assert "Proven: every ref as it was before the rewrite" in said
    commands = [line.strip() for line in said.splitlines() if line.startswith(("  git", "  test"))]
    team.run("\n".join(commands), tmp_path)
    git(team.author, "fetch", "-q")
    assert [git(each, "for-each-ref") for each in (team.server, team.author)] == before


def test_undo_without_a_backup_is_a_usage_error(team: Team, tmp_path: Path) -> None:
    assert main(["fix", str(team.author), "--undo"]) == ExitCode.INCOMPLETE
    assert (
        main(["fix", str(team.author), "--undo", "--output", str(tmp_path / "none")]) == ExitCode.INCOMPLETE
    )
    assert main(["fix", str(team.author), "--output", str(team.out), "--quiet"]) == ExitCode.FINDINGS
    assert main(["fix", str(team.author), "--undo", "--output", str(team.out)]) == ExitCode.INCOMPLETE
    assert fixed(team) == ExitCode.CLEAN
    assert main(["fix", str(team.colleague), "--undo", "--output", str(team.out)]) == ExitCode.INCOMPLETE


def test_remote_that_moved_meanwhile_refuses_the_push(team: Team, tmp_path: Path) -> None:
    assert fixed(team) == ExitCode.CLEAN
    commit(team.colleague, {"mine": b"mine\n"}, "my work")
    git(team.colleague, "push", "-q")
    old = git(team.server, "for-each-ref")
    team.run(f"bash -e {team.out}/push.sh", tmp_path, code=1)
    assert git(team.server, "for-each-ref") == old, "one push for all branches: none of them moves"


def test_edited_file_stops_taking_the_result(team: Team, tmp_path: Path) -> None:
    (team.author / "k.env").write_text("mine\n")
    assert fixed(team) == ExitCode.CLEAN
    old = git(team.author, "rev-parse", "main")
    team.run(f"bash -e {team.out}/take.sh", tmp_path, code=128)
    assert git(team.author, "rev-parse", "main") == old
    assert (team.author / "k.env").read_text() == "mine\n"


def test_report_names_commits_by_their_new_ids(
    team: Team, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, again = tmp_path / "saved.json", tmp_path / "again.json"
    main(["history", str(team.author), "--quiet", "--no-cache", "--format", f"json:{saved}"])
    assert fixed(team) == ExitCode.CLEAN
    with (team.out / "commit-map.csv").open() as file:
        ids = {row["old"]: row["new"] for row in csv.DictReader(file)}
    names = ["--commit-map", str(team.out / "commit-map.csv")]
    assert main(["report", str(saved), "--format", f"json:{again}", *names]) == ExitCode.CLEAN
    (old,), (new,) = (json.loads(path.read_text())["findings"] for path in (saved, again))
    assert new["first_seen"]["commit"] == ids[old["first_seen"]["commit"]]
    before, after = ([place["commit"] for place in each["locations"]] for each in (old, new))
    assert after == [ids[commit] for commit in before]

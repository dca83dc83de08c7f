"""`keyleak staged` looks at what git would record, not at the files beside it; nothing passes unseen."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from keyleak.cli import main
from keyleak.errors import ExitCode
from keyleak.rulebook.template import expand
from repositories import commit, git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

KEY = expand("sk_live_${base62:42}", 11)
LEAK = f"FLORA_API_KEY={KEY}\n".encode()
CLEAN = b"no key here\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = new_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def staged(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> dict[str, Any]:
        code = main(["staged", "--format", "json", *arguments])
        out, err = capsys.readouterr()
        report: dict[str, Any] = json.loads(out) if out else {"findings": []}
        places = [place for finding in report["findings"] for place in finding["locations"]]
        return report | {
            "exit": code,
            "err": err,
            "places": [(each["kind"], each["path"]) for each in places],
        }

    return run


def stage(repository: Path, name: str, content: bytes) -> Path:
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    git(repository, "--literal-pathspecs", "add", "-f", "--", name)
    return path


@pytest.mark.parametrize("sha256", [False, True])
def test_before_the_first_commit_everything_staged_is_new(
    tmp_path: Path, staged: Any, monkeypatch: Any, sha256: bool
) -> None:
    repository = new_repository(tmp_path / "new", sha256=sha256)
    monkeypatch.chdir(repository)
    stage(repository, "leak.env", LEAK)
    found = staged()
    assert found["exit"] == ExitCode.FINDINGS
    assert found["places"] == [("index", "leak.env")]
    assert found["scan"]["kind"] == "staged"
    assert found["findings"][0]["locations"][0]["blob"]


def test_an_empty_index_is_clean(repository: Path, staged: Any) -> None:
    assert staged()["exit"] == ExitCode.CLEAN


def test_what_head_has_already_is_not_looked_at_again(repository: Path, staged: Any) -> None:
    commit(repository, {"old.env": LEAK})
    stage(repository, "new.txt", CLEAN)
    found = staged()
    assert found["exit"] == ExitCode.CLEAN
    assert found["coverage"]["files"] == 1


def test_the_staged_version_counts_and_not_the_file(repository: Path, staged: Any) -> None:
    path = stage(repository, "part.env", LEAK)
    path.write_bytes(CLEAN)
    assert staged()["exit"] == ExitCode.FINDINGS
    stage(repository, "part.env", CLEAN)
    path.write_bytes(LEAK)
    assert staged()["exit"] == ExitCode.CLEAN


def test_a_renamed_file_is_looked_at_under_its_new_name(repository: Path, staged: Any) -> None:
    commit(repository, {"old.env": LEAK})
    git(repository, "mv", "old.env", "new.env")
    assert staged()["places"] == [("index", "new.env")]


def test_a_change_of_mode_alone_brings_no_content(repository: Path, staged: Any) -> None:
    commit(repository, {"script": LEAK})
    git(repository, "update-index", "--chmod=+x", "script")
    found = staged()
    assert found["exit"] == ExitCode.CLEAN
    assert found["coverage"]["files"] == 0


def test_a_removed_file_is_no_finding(repository: Path, staged: Any) -> None:
    commit(repository, {"leak.env": LEAK})
    git(repository, "rm", "-q", "--cached", "leak.env")
    assert staged()["exit"] == ExitCode.CLEAN


@pytest.mark.parametrize(
    "name",
    ["a b.env", "ü.env", "-dash.env", ":(glob)x.env", "new\nline.env", "tab\t'\"q.env", "deep/er/x.env"],
)
def test_odd_names_are_read_and_named(repository: Path, staged: Any, name: str) -> None:
    stage(repository, name, LEAK)
    assert staged()["places"] == [("index", name)]
    assert staged("--", name)["places"] == [("index", name)]


def test_a_name_that_is_not_utf8_is_read(repository: Path, staged: Any) -> None:
    name = os.fsdecode(b"caf\xe9.env")
    stage(repository, name, LEAK)
    assert staged()["exit"] == ExitCode.FINDINGS


def test_a_key_in_a_name_is_found_and_masked(repository: Path, staged: Any) -> None:
    stage(repository, f"notes/{KEY}.txt", CLEAN)
    found = staged()
    assert [kind for kind, _ in found["places"]] == ["path-name"]
    assert KEY not in json.dumps(found)


def test_the_target_of_a_staged_link_is_read(repository: Path, staged: Any) -> None:
    os.symlink(f"https://example.com/?key={KEY}", repository / "link")
    git(repository, "add", "link")
    assert staged()["places"] == [("index", "link")]


def test_content_at_several_paths_is_one_finding_with_every_place(repository: Path, staged: Any) -> None:
    for name in ("one.env", "two.env"):
        stage(repository, name, LEAK)
    found = staged()
    assert len(found["findings"]) == 1
    assert found["places"] == [("index", "one.env"), ("index", "two.env")]
    assert found["coverage"]["files"] == 2


def test_the_index_that_git_hands_to_a_hook_is_the_one_that_counts(
    repository: Path, staged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, {"leak.env": CLEAN})
    temporary = repository / ".git" / "next-index-1.lock"
    shutil.copy(repository / ".git" / "index", temporary)
    monkeypatch.setenv("GIT_INDEX_FILE", str(temporary))
    assert staged()["exit"] == ExitCode.CLEAN
    monkeypatch.delenv("GIT_INDEX_FILE")
    stage(repository, "leak.env", LEAK)
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index-1.lock")
    assert staged()["exit"] == ExitCode.CLEAN
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert staged()["exit"] == ExitCode.FINDINGS


def test_an_index_from_elsewhere_blocks(
    repository: Path, staged: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage(repository, "leak.env", LEAK)
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other"))
    found = staged()
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "GIT_INDEX_FILE" in found["err"]


def test_another_repository_in_git_dir_blocks(
    repository: Path, staged: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stage(repository, "leak.env", LEAK)
    other = new_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    found = staged()
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "GIT_DIR" in found["err"]
    monkeypatch.setenv("GIT_DIR", ".git")
    assert staged()["exit"] == ExitCode.FINDINGS


def test_a_git_dir_for_a_folder_without_repository_is_honoured(
    repository: Path, staged: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "leak.env").write_bytes(LEAK)
    git(home, f"--git-dir={repository}/.git", f"--work-tree={home}", "add", "leak.env")
    monkeypatch.chdir(home)
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(home))
    assert staged()["places"] == [("index", "leak.env")]


def test_no_repository_is_said(tmp_path: Path, staged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = staged()
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "not a git repository" in found["err"]


def test_no_git_is_said(repository: Path, staged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    found = staged()
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "install git" in found["err"]


def test_every_version_in_conflict_is_read(repository: Path, staged: Any) -> None:
    commit(repository, {"file": b"base\n"})
    git(repository, "checkout", "-q", "-b", "side")
    commit(repository, {"file": LEAK})
    git(repository, "checkout", "-q", "main")
    commit(repository, {"file": b"ours\n"})
    with pytest.raises(Exception, match="merge"):
        git(repository, "merge", "-q", "side")
    found = staged()
    assert found["exit"] == ExitCode.FINDINGS
    assert "in conflict" in found["err"]


def test_a_merge_is_looked_at_against_its_first_parent(repository: Path, staged: Any) -> None:
    commit(repository, {"file": b"base\n"})
    git(repository, "checkout", "-q", "-b", "side")
    commit(repository, {"side.env": LEAK})
    git(repository, "checkout", "-q", "main")
    commit(repository, {"main": b"ours\n"})
    git(repository, "merge", "-q", "--no-commit", "--no-ff", "side")
    assert staged()["places"] == [("index", "side.env")]


def test_a_submodule_is_listed_and_no_gap(repository: Path, staged: Any) -> None:
    entry = "160000," + "1" * 40 + ",library"
    git(repository, "update-index", "--add", "--cacheinfo", entry)
    found = staged()
    assert found["exit"] == ExitCode.CLEAN
    assert "library is a submodule" in found["err"]


def test_an_object_that_is_gone_is_a_gap(repository: Path, staged: Any) -> None:
    stage(repository, "gone.txt", b"gone\n")
    oid = git(repository, "rev-parse", ":gone.txt").decode().strip()
    (repository / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    found = staged()
    assert found["exit"] == ExitCode.INCOMPLETE
    assert found["coverage"]["gaps"][0]["what"] == "gone.txt"


def test_a_broken_index_blocks(repository: Path, staged: Any) -> None:
    stage(repository, "leak.env", LEAK)
    (repository / ".git" / "index").write_bytes(b"DIRC broken")
    assert staged()["exit"] == ExitCode.INCOMPLETE


def test_a_locked_index_is_read_all_the_same(repository: Path, staged: Any) -> None:
    stage(repository, "leak.env", LEAK)
    (repository / ".git" / "index.lock").touch()
    assert staged()["exit"] == ExitCode.FINDINGS


def test_named_files_are_read_changed_or_not(repository: Path, staged: Any) -> None:
    commit(repository, {"leak.env": LEAK, "clean.txt": CLEAN, "folder/x.env": LEAK})
    assert staged("leak.env")["exit"] == ExitCode.FINDINGS
    assert staged("clean.txt")["exit"] == ExitCode.CLEAN
    assert staged(str(repository / "leak.env"))["places"] == [("index", "leak.env")]
    assert staged("folder")["places"] == [("index", "folder/x.env")]


def test_named_files_are_relative_to_the_folder_and_reported_from_the_top(
    repository: Path, staged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, {"folder/x.env": LEAK, "clean.txt": CLEAN})
    monkeypatch.chdir(repository / "folder")
    assert staged("x.env", "../clean.txt")["places"] == [("index", "folder/x.env")]


def test_a_named_file_that_is_not_staged_is_read_from_the_work_tree(repository: Path, staged: Any) -> None:
    (repository / "untracked.env").write_bytes(LEAK)
    assert staged("untracked.env")["places"] == [("file", "untracked.env")]
    found = staged("missing.env")
    assert found["exit"] == ExitCode.INCOMPLETE
    assert found["coverage"]["gaps"][0]["what"] == "missing.env"


def test_a_git_lfs_pointer_brings_the_content_it_points_to(repository: Path, staged: Any) -> None:
    oid = "5" * 64
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 60\n".encode()
    stage(repository, "model.bin", pointer)
    found = staged()
    assert found["exit"] == ExitCode.INCOMPLETE
    assert "Git LFS" in found["coverage"]["gaps"][0]["reason"]
    stored = repository / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    stored.parent.mkdir(parents=True)
    stored.write_bytes(LEAK)
    found = staged()
    assert found["exit"] == ExitCode.FINDINGS
    assert found["places"] == [("index", "model.bin")]


def test_a_linked_work_tree_has_an_index_of_its_own(
    repository: Path, staged: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit(repository, {"file": CLEAN})
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", linked)
    stage(linked, "leak.env", LEAK)
    assert staged()["exit"] == ExitCode.CLEAN
    monkeypatch.chdir(linked)
    monkeypatch.setenv("GIT_DIR", str(repository / ".git" / "worktrees" / "linked"))
    assert staged()["places"] == [("index", "leak.env")]
